"""Calls that have no command of their own: JSON with the contract's names in, and out."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from rockqueue import webhooks
from rockqueue.flows import Flow
from rockqueue_conformance.protocol import driver_pb2 as pb

from .documents import Json, fields, flow_out, group_out, job_in, options, out, schedule_out, timing_in, webhook_out


class Listing(Protocol):
    """Gives what an iterator of the SDK does."""

    async def __call__(self, found: Any, limit: int = 0) -> list[Any]:
        """Up to so many; 0: all."""
        ...


class Calls:
    """The calls with one client, each under the name of its RPC in snake case."""

    def __init__(self, client: Any, call: Callable[..., Awaitable[Any]], listing: Listing) -> None:
        self.client = client
        self.call = call
        self.listing = listing

    async def make(self, wanted: pb.Call) -> pb.Document:
        """Makes a call, and gives what it returned."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", wanted.method).lower()
        arguments: Json = json.loads(wanted.arguments or "{}")
        return pb.Document(json=json.dumps(await getattr(self, name)(arguments)))

    # ---- schedules --------------------------------------------------------------------------------------------------

    async def put_schedule(self, arguments: Json) -> Json:
        spec = arguments["schedule"]
        put = await self.call(self.client.schedules.put, spec["name"], job_in(spec["job"]), **timing_in(spec))
        return {"schedule": schedule_out(put), "created": put.created}

    async def get_schedule(self, arguments: Json) -> Json:
        return {"schedule": schedule_out(await self.call(self.client.schedules.get, arguments["name"]))}

    async def delete_schedule(self, arguments: Json) -> Json:
        await self.call(self.client.schedules.delete, arguments["name"])
        return {}

    async def pause_schedule(self, arguments: Json) -> Json:
        return {"schedule": schedule_out(await self.call(self.client.schedules.pause, arguments["name"]))}

    async def resume_schedule(self, arguments: Json) -> Json:
        return {"schedule": schedule_out(await self.call(self.client.schedules.resume, arguments["name"]))}

    async def list_schedules(self, arguments: Json) -> Json:
        found = self.client.schedules.list(**options(arguments, "limit"))
        return {"schedules": [schedule_out(one) for one in await self.listing(found, arguments.get("limit", 0))]}

    async def trigger_schedule(self, arguments: Json) -> Json:
        job_id = await self.call(self.client.schedules.trigger, arguments["name"])
        return {} if job_id is None else {"job_id": job_id}

    async def preview_schedule(self, arguments: Json) -> Json:
        timing = timing_in(arguments.get("schedule", {}))
        slots = await self.call(self.client.schedules.preview, **options(arguments, "schedule"), **timing)
        return {"slots": out(slots)}

    async def backfill_schedule(self, arguments: Json) -> Json:
        return {"job_ids": await self.call(self.client.schedules.backfill, **options(arguments))}

    # ---- flows ------------------------------------------------------------------------------------------------------

    async def push_flow(self, arguments: Json) -> Json:
        policy = arguments.get("on_parent_failure")
        given: Json = {"on_parent_failure": policy.lower()} if policy else {}
        flow = Flow(arguments.get("name", ""), **given)
        nodes = {node["name"]: flow.add(job_in(node["job"]), name=node["name"]) for node in arguments["nodes"]}
        for node in arguments["nodes"]:
            for edge in node.get("parents", ()):
                how: Json = {"on_failure": edge["on_failure"].lower()} if "on_failure" in edge else {}
                nodes[node["name"]].after(nodes[edge["node"]] if "node" in edge else edge["job_id"], **how)
        pushed = await self.call(self.client.flows.push, flow)
        return {"flow_id": pushed.id, "job_ids": [pushed.job_ids[node["name"]] for node in arguments["nodes"]]}

    async def get_flow(self, arguments: Json) -> Json:
        flow = await self.call(self.client.flows.get, arguments["flow_id"])
        return {"flow": flow_out(flow), "jobs": out(flow.jobs)}

    async def list_flows(self, arguments: Json) -> Json:
        found = await self.listing(self.client.flows.list(**options(arguments, "limit")), arguments.get("limit", 0))
        return {"flows": [flow_out(one) for one in found]}

    async def cancel_flow(self, arguments: Json) -> Json:
        change = await self.call(self.client.flows.cancel, arguments["flow_id"])
        return {"flow": flow_out(change.flow), "affected": change.affected}

    async def retry_flow(self, arguments: Json) -> Json:
        change = await self.call(self.client.flows.retry, arguments["flow_id"])
        return {"flow": flow_out(change.flow), "affected": change.affected}

    async def list_parents(self, arguments: Json) -> Json:
        parents = await self.call(self.client.flows.parents, arguments["job_id"])
        return {"parents": [{**fields(one), "result": one.result} for one in parents]}

    # ---- groups and explanations ------------------------------------------------------------------------------------

    async def update_group(self, arguments: Json) -> Json:
        reset: Json = {"reset": arguments["reset"]} if "reset" in arguments else {}
        settings = options(arguments.get("settings", {}))
        update = self.client.queues.update_group
        return {
            "group": group_out(await self.call(update, arguments["queue"], arguments["group"], **reset, **settings))
        }

    async def list_groups(self, arguments: Json) -> Json:
        found = self.client.queues.groups(arguments["queue"], **options(arguments, "queue", "limit"))
        return {"groups": [group_out(one) for one in await self.listing(found, arguments.get("limit", 0))]}

    async def explain_job(self, arguments: Json) -> Json:
        return fields(await self.call(self.client.explain, arguments["job_id"]))

    async def explain_queue(self, arguments: Json) -> Json:
        return {"reasons": out(await self.call(self.client.queues.explain, arguments["queue"]))}

    # ---- webhooks ---------------------------------------------------------------------------------------------------

    async def put_webhook(self, arguments: Json) -> Json:
        spec = arguments["webhook"]
        given = {**options(spec, "name", "url", "filter"), **spec.get("filter", {}), **options(arguments, "webhook")}
        put = await self.call(self.client.webhooks.put, spec["name"], spec["url"], **given)
        return {**webhook_out(put), "created": put.created}

    async def get_webhook(self, arguments: Json) -> Json:
        return webhook_out(await self.call(self.client.webhooks.get, arguments["name"]))

    async def list_webhooks(self, arguments: Json) -> Json:
        found = await self.listing(self.client.webhooks.list(), arguments.get("limit", 0))
        return {"webhooks": [webhook_out(one)["webhook"] for one in found]}

    async def delete_webhook(self, arguments: Json) -> Json:
        await self.call(self.client.webhooks.delete, arguments["name"])
        return {}

    async def rotate_webhook_secret(self, arguments: Json) -> Json:
        return webhook_out(await self.call(self.client.webhooks.rotate_secret, **options(arguments)))

    async def test_webhook(self, arguments: Json) -> Json:
        return {"attempt": out(await self.call(self.client.webhooks.test, arguments["name"]))}

    async def list_webhook_deliveries(self, arguments: Json) -> Json:
        found = self.client.webhooks.deliveries(**options(arguments, "limit"))
        return {"deliveries": out(await self.listing(found, arguments.get("limit", 0)))}

    async def resend_webhook_delivery(self, arguments: Json) -> Json:
        return {"delivery": out(await self.call(self.client.webhooks.resend, **options(arguments)))}

    async def verify_webhook(self, arguments: Json) -> Json:
        return fields(webhooks.verify(**arguments), "id")

    # ---- operating --------------------------------------------------------------------------------------------------

    async def list_workers(self, arguments: Json) -> Json:
        found = self.client.workers(**options(arguments, "limit"))
        return {"workers": out(await self.listing(found, arguments.get("limit", 0)))}

    async def create_backup(self, arguments: Json) -> Json:
        return {"backup": out(await self.call(self.client.backups.create, **options(arguments)))}

    async def list_backups(self, _: Json) -> Json:
        return {"backups": out(await self.call(self.client.backups.list))}
