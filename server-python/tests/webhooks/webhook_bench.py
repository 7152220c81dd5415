"""A core that may send to loopback, with a receiver, in few words."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from queue_bench import QueueBench, bench
from receiver import LIMIT_S, Receiver, receiver

from rockqueue.v1 import event_service_pb2, webhook_service_pb2
from rockqueue_server.core import CoreOptions

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

PENDING = webhook_service_pb2.WEBHOOK_DELIVERY_STATE_PENDING
SUCCEEDED = webhook_service_pb2.WEBHOOK_DELIVERY_STATE_SUCCEEDED
FAILED = webhook_service_pb2.WEBHOOK_DELIVERY_STATE_FAILED
PUSHED = event_service_pb2.EVENT_TYPE_JOB_PUSHED


class WebhookBench:
    """Calls of the service, with the fields that tests care about."""

    def __init__(self, queues: QueueBench, receiver: Receiver) -> None:
        self.queues = queues
        self.core = queues.core
        self.receiver = receiver

    async def put(self, name: str = "w", **fields: object) -> webhook_service_pb2.PutWebhookResponse:
        """Puts a webhook for JOB_PUSHED, unless told otherwise."""
        secret = str(fields.pop("secret", SECRET))
        fields = {"url": self.receiver.url, "filter": event_service_pb2.EventFilter(types=[PUSHED]), **fields}
        spec = webhook_service_pb2.WebhookSpec(name=name, **fields)  # type: ignore[arg-type]
        request = webhook_service_pb2.PutWebhookRequest(webhook=spec, secret=secret)
        return await self.core.webhooks.put_webhook(request)

    async def get(self, name: str = "w") -> webhook_service_pb2.Webhook:
        """One webhook."""
        return (await self.core.webhooks.get_webhook(webhook_service_pb2.GetWebhookRequest(name=name))).webhook

    async def deliveries(self, name: str = "w", **fields: object) -> list[webhook_service_pb2.WebhookDelivery]:
        """A page of the log."""
        request = webhook_service_pb2.ListWebhookDeliveriesRequest(name=name, **fields)  # type: ignore[arg-type]
        return list((await self.core.webhooks.list_webhook_deliveries(request)).deliveries)

    async def until(self, what: Callable[[list[webhook_service_pb2.WebhookDelivery]], bool], name: str = "w") -> None:
        """Returns when the log is as `what` says."""
        async with asyncio.timeout(LIMIT_S):
            while not what(found := await self.deliveries(name, page_size=1000)):
                del found
                await asyncio.sleep(0.005)

    async def tried(self, times: int, name: str = "w") -> webhook_service_pb2.WebhookDelivery:
        """The newest delivery, once it was tried so often."""
        await self.until(lambda found: bool(found) and len(found[0].attempts) >= times, name)
        return (await self.deliveries(name))[0]

    async def over(self, count: int, name: str = "w") -> list[webhook_service_pb2.WebhookDelivery]:
        """The log, once so many deliveries are over."""
        await self.until(lambda found: sum(one.state != PENDING for one in found) >= count, name)
        return await self.deliveries(name, page_size=1000)


@asynccontextmanager
async def webhook_bench(path: Path, to: Receiver | None = None, **options: object) -> AsyncGenerator[WebhookBench]:
    """Opens a core with a frozen clock; the books must balance in the end."""
    chosen = CoreOptions(testing=True, min_free_bytes=0, **{"webhook_allow": LOOPBACK, **options})  # type: ignore[arg-type]
    async with bench(path, options=chosen) as queues:
        if to is not None:
            yield WebhookBench(queues, to)
            return
        async with receiver() as made:
            yield WebhookBench(queues, made)
