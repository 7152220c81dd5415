"""Defects in the calls that have no command of their own: what is asked for, what is told, and pages left unread."""

from __future__ import annotations

import copy
import hmac
from collections.abc import Callable
from typing import Any

from rockqueue._operations import Operations

from .calls import Calls
from .documents import Json

Change = Callable[[Json], object]
PlantCall = Callable[[object], None]


def _asked(method: str, change: Change) -> PlantCall:
    """The call is made with other arguments."""

    def plant(_: object) -> None:
        make = getattr(Calls, method)

        async def other(self: Calls, arguments: Json) -> Json:
            wanted = copy.deepcopy(arguments)
            change(wanted)
            return await make(self, wanted)

        setattr(Calls, method, other)

    return plant


def _told(method: str, change: Change) -> PlantCall:
    """The call tells something else."""

    def plant(_: object) -> None:
        make = getattr(Calls, method)

        async def other(self: Calls, arguments: Json) -> Json:
            answer = await make(self, arguments)
            change(answer)
            return answer

        setattr(Calls, method, other)

    return plant


def _one_page(listing: str) -> PlantCall:
    """Only the first page is read."""

    def plant(_: object) -> None:
        call = Operations.call

        async def other(self: Operations, method: Any, request: Any, **options: Any) -> Any:
            response: Any = await call(self, method, request, **options)
            if method.name == listing:
                response.next_page_token = ""
            return response

        Operations.call = other

    return plant


def _without(*path: str) -> Change:
    """Leaves a field out."""

    def change(found: Json) -> None:
        for name in path[:-1]:
            found = found.get(name, {})
        found.pop(path[-1], None)

    return change


def _jitter_in_milliseconds(arguments: Json) -> None:
    spec = arguments["schedule"]
    if "jitter" in spec:
        spec["jitter"] = f"{float(spec['jitter'][:-1]) / 1000:g}s"


def _last_edge_lost(arguments: Json) -> None:
    arguments["nodes"][-1].get("parents", [])[-1:] = []


def _one_parent_each(arguments: Json) -> None:
    for node in arguments["nodes"]:
        node.get("parents", [])[1:] = []


def _edge_policies_left_out(arguments: Json) -> None:
    for node in arguments["nodes"]:
        for edge in node.get("parents", ()):
            edge.pop("on_failure", None)


def _moments_left_out(answer: Json) -> None:
    for reason in answer["reasons"]:
        reason.pop("until_time", None)


def _no_older_than_now(arguments: Json) -> None:
    arguments["now"] = max(arguments["now"], _signed_at(arguments))


def _no_newer_than_now(arguments: Json) -> None:
    arguments["now"] = min(arguments["now"], _signed_at(arguments))


def _signed_at(arguments: Json) -> int:
    return next(int(value) for name, value in arguments["headers"].items() if name.lower() == "webhook-timestamp")


def _signature_unchecked(_: object) -> None:
    def same(*_: object) -> bool:
        return True

    hmac.compare_digest = same


CALL_DEFECTS: dict[str, PlantCall] = {
    "schedule_zone_dropped": _asked("put_schedule", _without("schedule", "time_zone")),
    "preview_zone_dropped": _asked("preview_schedule", _without("schedule", "time_zone")),
    "schedule_jitter_in_milliseconds": _asked("put_schedule", _jitter_in_milliseconds),
    "schedule_pages_unread": _one_page("ListSchedules"),
    "flow_edge_lost": _asked("push_flow", _last_edge_lost),
    "flow_join_waits_for_one": _asked("push_flow", _one_parent_each),
    "flow_edge_policy_dropped": _asked("push_flow", _edge_policies_left_out),
    "flow_policy_dropped": _asked("push_flow", _without("on_parent_failure")),
    "flow_pages_unread": _one_page("ListFlows"),
    "parent_pages_unread": _one_page("ListParents"),
    "group_rate_dropped": _asked("update_group", _without("settings", "rate")),
    "group_reset_dropped": _asked("update_group", _without("reset")),
    "group_pages_unread": _one_page("ListGroups"),
    "explain_moments_lost": _told("explain_job", _moments_left_out),
    "explain_queue_silent": _told("explain_queue", lambda answer: answer.update(reasons=[])),
    "webhook_filter_dropped": _asked("put_webhook", _without("webhook", "filter")),
    "webhook_age_unchecked": _asked("verify_webhook", _no_newer_than_now),
    "webhook_future_unchecked": _asked("verify_webhook", _no_older_than_now),
    "webhook_signature_unchecked": _signature_unchecked,
    "webhook_second_secret_ignored": _asked("verify_webhook", lambda one: one.update(secrets=one["secrets"][:1])),
    "webhook_pages_unread": _one_page("ListWebhooks"),
    "delivery_pages_unread": _one_page("ListWebhookDeliveries"),
    "workers_of_all_queues": _asked("list_workers", _without("queue")),
    "worker_pages_unread": _one_page("ListWorkers"),
    "bulk_stops_after_a_page": _one_page("DeleteJobs"),
    "backup_name_dropped": _asked("create_backup", _without("name")),
    "backup_path_lost": _told("create_backup", _without("backup", "path")),
}
"""Every defect by its name."""
