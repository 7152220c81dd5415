"""Sends what is due of one webhook, up to 8 at a time, and notes what came of it.

Nothing is noted when a request leaves: after a crash it is sent again, with the same id.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from rockqueue.v1 import webhook_service_pb2
from rockqueue_server.contract.times import duration, timestamp
from rockqueue_server.errors import ServiceError
from rockqueue_server.webhooks import payload

if TYPE_CHECKING:
    import httpcore2

    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.webhooks.book import WebhookState
    from rockqueue_server.webhooks.outbox import Outbox
    from rockqueue_server.webhooks.transport import Answer, Transport

log = logging.getLogger("rockqueue.webhooks")

IN_FLIGHT = 8
_AFTER_TROUBLE_US = 1_000_000


class Mail(Protocol):
    """What a sender needs of the whole."""

    engine: Engine
    outbox: Outbox

    async def transport(self) -> Transport:
        """Sends requests."""
        ...

    def sent(self, answer: Answer) -> None:
        """Counts an answer."""
        ...

    def noted(self, webhook: WebhookState) -> None:
        """What came of a request of a webhook is in the outbox."""
        ...


class Sender:
    """The requests of one webhook."""

    def __init__(self, mail: Mail, webhook: WebhookState) -> None:
        self._mail = mail
        self._webhook = webhook
        self._in_flight: set[bytes] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pools: dict[str, httpcore2.AsyncConnectionPool] = {}
        self._alarm: Alarm | None = None
        self._not_before_us = 0
        self._stopped = False

    def look(self) -> None:
        """Sends what is due, as far as there is room, and rings for what comes next."""
        webhook, engine = self._webhook, self._mail.engine
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._stopped or webhook.deleted or webhook.disabled or engine.stopping:
            return
        now_us = engine.clock.now_us()
        if now_us < self._not_before_us:
            self._ring_at(self._not_before_us)
            return
        room = IN_FLIGHT - len(self._in_flight)
        if room <= 0:
            return
        for due_us, at in self._mail.outbox.due(webhook, 2 * IN_FLIGHT):
            if at in self._in_flight:
                continue
            if due_us > now_us:
                self._ring_at(due_us)
                return
            self._in_flight.add(at)
            task = asyncio.create_task(self._deliver(at), name=f"webhook {webhook.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            room -= 1
            if not room:
                return

    async def stop(self) -> None:
        """Ends what is under way; it is sent again by the next process."""
        self._stopped = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._let_go()

    async def finished(self) -> None:
        """Returns when nothing is under way any more; nothing new is begun."""
        self._stopped = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ring_at(self, due_us: int) -> None:
        self._alarm = self._mail.engine.alarms.set(due_us, self.look, absolute=True)

    async def _deliver(self, at: bytes) -> None:
        try:
            await self._attempt(at)
        except ServiceError as error:
            # The disk is full, or the engine is stopping: the request would be repeated at once, for ever.
            log.warning("what came of a webhook's request was not noted: %s", error)
            self._not_before_us = self._mail.engine.clock.now_us() + _AFTER_TROUBLE_US
        except Exception:
            log.exception("a webhook's delivery failed in an unforeseen way")
            self._not_before_us = self._mail.engine.clock.now_us() + _AFTER_TROUBLE_US
        finally:
            self._in_flight.discard(at)
            if not self._stopped:
                self.look()
            if not self._in_flight:
                await self._let_go()

    async def _attempt(self, at: bytes) -> None:
        mail, webhook, engine = self._mail, self._webhook, self._mail.engine
        record = mail.outbox.get(webhook, at)
        if record is None:
            return
        transport = await mail.transport()
        sent_us = engine.clock.now_us()
        body = payload.event_body(record.delivery.event)
        url = webhook.config.shown.spec.url
        headers = webhook.sign(record.delivery.id, sent_us, body)
        answer = await transport.post(await self._connections(transport, url), url, headers, body)
        mail.sent(answer)
        attempt = attempt_message(answer, sent_us)

        def note(now_us: int) -> None:
            if not webhook.deleted:
                commit = engine.commit(now_us)
                mail.outbox.attempted(commit, webhook, at, attempt, answer.retry_after)
                commit.write()

        await engine.submit(note, durable=False)
        mail.noted(webhook)

    async def _connections(self, transport: Transport, url: str) -> httpcore2.AsyncConnectionPool:
        tls = await transport.tls(url)
        if url not in self._pools:
            self._pools[url] = transport.pool(tls)
        return self._pools[url]

    async def _let_go(self) -> None:
        """A burst is over: an idle webhook holds no connection."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()


def attempt_message(answer: Answer, sent_us: int) -> webhook_service_pb2.WebhookAttempt:
    """An attempt as the contract tells it."""
    return webhook_service_pb2.WebhookAttempt(
        time=timestamp(sent_us), status=answer.status, error=answer.error, took=duration(round(answer.took_s * 1e6))
    )
