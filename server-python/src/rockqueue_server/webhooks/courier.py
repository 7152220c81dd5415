"""All of webhooks in one place: reads the feed into the outbox, and has a sender for each webhook."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import ipaddress
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2
from rockqueue_server.engine.stats import WebhookGauges
from rockqueue_server.errors import ServiceError
from rockqueue_server.services.events import matching_events
from rockqueue_server.webhooks import records
from rockqueue_server.webhooks.book import WebhookBook, WebhookState
from rockqueue_server.webhooks.outbox import Outbox, place_of
from rockqueue_server.webhooks.records import Position
from rockqueue_server.webhooks.sender import Sender

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.webhooks.addresses import Network
    from rockqueue_server.webhooks.transport import Answer, Transport

log = logging.getLogger("rockqueue.webhooks")

MOST_PENDING = 100_000
"""With so many deliveries waiting a webhook takes in no more: its events wait in the feed."""
STEP = 500
"""Events that are taken in at once."""
_NOTE_EVERY = 1000
"""A cursor that passed so many commits in which nothing matched is noted on disk."""
_AFTER_TROUBLE_S = 1.0
_DEFECT_S = 1.0
_EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
_TRANSPORT = "rockqueue_server.webhooks.transport"


class Courier:
    """Brings events to receivers. Everything is called on the engine's event loop."""

    def __init__(self, engine: Engine, allowed: Sequence[Network], user_agent: str) -> None:
        self.engine = engine
        self.book = WebhookBook(engine)
        self.outbox = Outbox(engine, self.book, self._changed)
        self._allowed = tuple(allowed)
        self._user_agent = user_agent
        self._senders: dict[WebhookState, Sender] = {}
        self._transport: asyncio.Task[Transport] | None = None
        self._wake: asyncio.Event | None = None
        self._reader: asyncio.Task[None] | None = None
        self._full: set[WebhookState] = set()
        self._ending: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Reads what is on disk, and goes on. Without webhooks nothing runs."""
        self.book.load()
        self.outbox.load()
        for webhook in self.book.by_number.values():
            self.go_on(webhook)

    def go_on(self, webhook: WebhookState) -> None:
        """A webhook is new, or was changed: look at its events and at what waits."""
        if self._reader is None:
            self._wake = self.engine.feed.watcher()
            self._reader = asyncio.create_task(self._read(), name="webhooks")
        if self._wake is not None:
            self._wake.set()
        self._changed(webhook)

    async def transport(self) -> Transport:
        """Sends requests; the library for it is imported when the first one is sent."""
        if self._transport is None:
            self._transport = asyncio.create_task(self._make_transport())
        return await asyncio.shield(self._transport)

    def sent(self, answer: Answer) -> None:
        """Counts an answer."""
        stats = self.engine.stats
        stats.webhook_requests[answer.outcome] += 1
        stats.webhook_s.observe(answer.took_s)

    def noted(self, webhook: WebhookState) -> None:
        """There is room again for a webhook that had too much waiting."""
        if webhook in self._full and webhook.position.pending <= MOST_PENDING - STEP and self._wake is not None:
            self._full.discard(webhook)
            self._wake.set()

    async def stop(self, grace_s: float) -> None:
        """Begins nothing new, waits up to `grace_s` for what is under way, and ends it."""
        if self._wake is not None:
            self.engine.feed.leave(self._wake)
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        senders = list(self._senders.values())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await asyncio.gather(*(sender.finished() for sender in senders))
        await asyncio.gather(*(sender.stop() for sender in senders), *self._ending)
        if self._transport is not None:
            (await self._transport).close()

    def gauges(self) -> WebhookGauges:
        """What waits."""
        now_us = self.engine.clock.now_us()
        waiting = [webhook for webhook in self.book.by_number.values() if webhook.position.pending]
        sent = [webhook for webhook in waiting if not webhook.disabled]
        late_us = [now_us - due[0][0] for webhook in sent if (due := self.outbox.due(webhook, 1))]
        pending = sum(webhook.position.pending for webhook in waiting)
        return WebhookGauges(pending, max(0, *late_us, 0) / 1e6)

    async def _make_transport(self) -> Transport:
        loop = asyncio.get_running_loop()
        module = await loop.run_in_executor(None, importlib.import_module, _TRANSPORT)
        defects = self.engine.defects
        allowed = _EVERYWHERE if "webhook_private_address_sent" in defects else self._allowed
        follow = "webhook_redirect_followed" in defects
        return module.Transport(allowed, user_agent=self._user_agent, follow_redirects=follow)

    def _changed(self, webhook: WebhookState) -> None:
        sender = self._senders.get(webhook)
        if webhook.deleted:
            self._senders.pop(webhook, None)
            self._full.discard(webhook)
            if sender is not None:
                ending = asyncio.create_task(sender.stop())
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
            return
        if sender is None:
            sender = self._senders[webhook] = Sender(self, webhook)
        sender.look()

    async def _read(self) -> None:
        """Takes events in as they are published, each webhook from its own cursor."""
        wake = self._wake
        assert wake is not None
        while not self.engine.stopping:
            wake.clear()
            try:
                more = [await self._take(webhook) for webhook in list(self.book.by_number.values())]
            except ServiceError as error:
                log.warning("events for webhooks wait: %s", error)
                await asyncio.sleep(_AFTER_TROUBLE_S)
                continue
            if not any(more):
                await wake.wait()

    async def _take(self, webhook: WebhookState) -> bool:
        """Takes the next events in; False when there are none, or not now."""
        if webhook.deleted or webhook.disabled:
            return False
        if webhook.position.pending >= MOST_PENDING:
            self._full.add(webhook)
            return False
        return await self.engine.submit(lambda now_us: self._take_now(webhook, now_us), durable=False)

    def _take_now(self, webhook: WebhookState, now_us: int) -> bool:
        feed, position = self.engine.feed, webhook.position
        if webhook.deleted or webhook.disabled:
            return False
        if position.commit < feed.gone:
            log.warning(
                "webhook %s missed events: they were not kept until their turn; it goes on with the earliest",
                webhook.name,
            )
            position = webhook.position = position._replace(commit=feed.gone, within=records.WHOLE)
        rows = feed.read(position.commit - (position.within != records.WHOLE))
        if not rows:
            return False
        events, behind = self._matching(webhook, rows, position)
        if events and "webhook_cursor_advances_before_outbox" in self.engine.defects:
            self._cursor_first(webhook, events, behind, now_us)
        elif events or behind.commit - webhook.noted.commit >= _NOTE_EVERY:
            commit = self.engine.commit(now_us)
            self.outbox.take_in(commit, webhook, events, behind)
            commit.write()
        else:
            webhook.position = behind
        return True

    def _cursor_first(
        self, webhook: WebhookState, events: list[event_service_pb2.Event], behind: Position, now_us: int
    ) -> None:
        """A defect: who dies between the two commits has lost the events."""

        def put_in(later_us: int) -> None:
            commit = self.engine.commit(later_us)
            self.outbox.take_in(commit, webhook, events, webhook.position)
            commit.write()

        commit = self.engine.commit(now_us)
        self.book.move(commit, webhook, behind)
        commit.write()
        asyncio.get_running_loop().call_later(_DEFECT_S, self.engine.submit, put_in)

    def _matching(
        self, webhook: WebhookState, rows: list[tuple[int, bytes]], position: Position
    ) -> tuple[list[event_service_pb2.Event], Position]:
        """The events that match, up to STEP of them, and the position behind the last one."""
        match = matching_events(self.engine, webhook.config.shown.spec.filter)
        taken: list[event_service_pb2.Event] = []
        for number, value in rows:
            skip = position.within if number == position.commit and position.within != records.WHOLE else 0
            events = match(number, value, skip)
            room = STEP - len(taken)
            if len(events) > room:
                taken += events[:room]
                last = place_of(taken[-1])
                return taken, position._replace(commit=last[0], within=last[1])
            taken += events
            position = position._replace(commit=number, within=records.WHOLE)
        return taken, position
