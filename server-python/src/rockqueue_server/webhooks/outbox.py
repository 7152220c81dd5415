"""The outbox: deliveries on disk, from the event that is put in to the end of its log entry.

Each function decides within an engine operation; a delivery, its place in the order and the counters are one commit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, webhook_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.times import timestamp
from rockqueue_server.webhooks import records, schedule
from rockqueue_server.webhooks.records import FAILED, PENDING, SUCCEEDED, Config, Position, Record

if TYPE_CHECKING:
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.webhooks.book import WebhookBook, WebhookState

KEEP_OVER = 1000
KEEP_US = 7 * limits.DAY_US
MOST_ATTEMPTS_SHOWN = 100
GONE = 410
_STEP = 500


class Outbox:
    """The deliveries of all webhooks. `changed(webhook)` is called when something may be due earlier than it was."""

    def __init__(self, engine: Engine, book: WebhookBook, changed: Callable[[WebhookState], None]) -> None:
        self._engine = engine
        self._book = book
        self._changed = changed
        self._forgetting: dict[WebhookState, Alarm] = {}

    def load(self) -> None:
        """Looks up when the first entry of each log is to be forgotten."""
        for webhook in self._book.by_number.values():
            self._forget_later(webhook)

    def take_in(
        self, commit: Commit, webhook: WebhookState, events: list[event_service_pb2.Event], position: Position
    ) -> None:
        """Puts events in, and moves the cursor behind them: both or none."""
        handle = self._engine.columns.webhook_deliveries_h
        for event in events:
            number, index = place_of(event)
            at = records.place(number, index)
            id_ = records.delivery_id(webhook.config.salt, event.time.ToMicroseconds(), number, index)
            delivery = webhook_service_pb2.WebhookDelivery(id=id_, state=PENDING, event=event)
            record = Record(delivery, 0, commit.now_us)
            commit.put(records.delivery_key(webhook.number, at), record.pack(), handle)
            commit.put(records.order_key(records.WAITING, webhook.number, commit.now_us, at), b"", handle)
        self._book.move(commit, webhook, position._replace(pending=webhook.position.pending + len(events)))
        if events:
            self._due_by(commit, webhook, commit.now_us)

    def due(self, webhook: WebhookState, most: int) -> list[tuple[int, bytes]]:
        """The first `most` of those that wait, under way or not: when they are due, and their places."""
        lower = records.order_key(records.WAITING, webhook.number, webhook.due_from_us)
        upper = records.webhook_range(records.WAITING, webhook.number)[1]
        rows = self._engine.columns.webhook_deliveries.scan(lower, upper, most)
        found = [records.order_parts(key) for key, _ in rows]
        webhook.due_from_us = found[0][0] if found else self._engine.clock.now_us()
        return found

    def get(self, webhook: WebhookState, at: bytes) -> Record | None:
        """A delivery."""
        value = self._engine.columns.webhook_deliveries.get(records.delivery_key(webhook.number, at))
        return None if value is None else Record.unpack(value)

    def attempted(
        self, commit: Commit, webhook: WebhookState, at: bytes, attempt: webhook_service_pb2.WebhookAttempt, asked: str
    ) -> None:
        """Notes an attempt and what follows from it. `asked` is the receiver's `retry-after`."""
        record = self.get(webhook, at)
        if record is None or record.delivery.state != PENDING:
            return
        self._leave(commit, webhook, records.WAITING, record, at)
        del record.delivery.attempts[: -MOST_ATTEMPTS_SHOWN + 1]
        record.delivery.attempts.append(attempt)
        record.tried += 1
        if not attempt.error:
            self._end(commit, webhook, record, at, SUCCEEDED)
        elif (pause_us := schedule.pause_us(record.tried, self._engine.random.random())) is None:
            self._end(commit, webhook, record, at, FAILED)
        else:
            pause_us = max(pause_us, schedule.asked_us(asked, commit.now_us))
            self._wait(commit, webhook, record, at, commit.now_us + pause_us)
        if attempt.status == GONE and not webhook.disabled:
            self._switch_off(commit, webhook)

    def resend(self, commit: Commit, webhook: WebhookState, at: bytes, record: Record) -> None:
        """Lets a delivery begin anew; one that waits is due now."""
        position = webhook.position
        if record.delivery.state == PENDING:
            self._leave(commit, webhook, records.WAITING, record, at)
        else:
            self._leave(commit, webhook, records.OVER, record, at)
            record.delivery.state = PENDING
            record.tried = 0
            position = position._replace(pending=position.pending + 1, over=position.over - 1)
        self._wait(commit, webhook, record, at, commit.now_us)
        self._book.move(commit, webhook, position)

    def _wait(self, commit: Commit, webhook: WebhookState, record: Record, at: bytes, due_us: int) -> None:
        handle = self._engine.columns.webhook_deliveries_h
        record.time_us = due_us
        commit.put(records.delivery_key(webhook.number, at), record.pack(), handle)
        commit.put(records.order_key(records.WAITING, webhook.number, due_us, at), b"", handle)
        self._due_by(commit, webhook, due_us)

    def _end(self, commit: Commit, webhook: WebhookState, record: Record, at: bytes, state: int) -> None:
        """The delivery is over; the oldest of those that are over makes room."""
        handle = self._engine.columns.webhook_deliveries_h
        record.delivery.state = state  # type: ignore[assignment]
        record.time_us = commit.now_us
        commit.put(records.delivery_key(webhook.number, at), record.pack(), handle)
        commit.put(records.order_key(records.OVER, webhook.number, commit.now_us, at), b"", handle)
        position = webhook.position
        over = position.over + 1
        if over > KEEP_OVER:
            over -= self._drop(commit, webhook, self._oldest(webhook, over - KEEP_OVER))
        self._book.move(commit, webhook, position._replace(pending=position.pending - 1, over=over))
        if not position.over:
            commit.after(lambda: self._forget_later(webhook))

    def _leave(self, commit: Commit, webhook: WebhookState, kind: bytes, record: Record, at: bytes) -> None:
        key = records.order_key(kind, webhook.number, record.time_us, at)
        commit.delete(key, self._engine.columns.webhook_deliveries_h)

    def _due_by(self, commit: Commit, webhook: WebhookState, due_us: int) -> None:
        def apply() -> None:
            webhook.due_from_us = min(webhook.due_from_us, due_us)
            self._changed(webhook)

        commit.after(apply)

    def _switch_off(self, commit: Commit, webhook: WebhookState) -> None:
        config = webhook.config
        shown = webhook_service_pb2.Webhook()
        shown.CopyFrom(config.shown)
        shown.spec.disabled = True
        shown.gone_time.CopyFrom(timestamp(commit.now_us))
        changed = Config(shown, config.salt, config.secret, config.former_secret, config.former_until_us)
        self._book.change(commit, webhook, changed)

    def _oldest(self, webhook: WebhookState, most: int) -> list[tuple[int, bytes]]:
        """Those of the log that were over first."""
        lower = records.order_key(records.OVER, webhook.number, webhook.over_from_us)
        upper = records.webhook_range(records.OVER, webhook.number)[1]
        rows = self._engine.columns.webhook_deliveries.scan(lower, upper, most)
        found = [records.order_parts(key) for key, _ in rows]
        if found:
            webhook.over_from_us = found[0][0]
        return found

    def _drop(self, commit: Commit, webhook: WebhookState, oldest: list[tuple[int, bytes]]) -> int:
        handle = self._engine.columns.webhook_deliveries_h
        for over_us, at in oldest:
            commit.delete(records.order_key(records.OVER, webhook.number, over_us, at), handle)
            commit.delete(records.delivery_key(webhook.number, at), handle)
        return len(oldest)

    def _forget_later(self, webhook: WebhookState) -> None:
        """Rings when the first entry of the log is old enough to be forgotten."""
        alarm = self._forgetting.pop(webhook, None)
        if alarm is not None:
            alarm.cancel()
        oldest = self._oldest(webhook, 1)
        if oldest and not webhook.deleted:
            due_us = max(oldest[0][0] + KEEP_US, self._engine.clock.now_us())
            alarms = self._engine.alarms
            self._forgetting[webhook] = alarms.set(due_us, lambda: self._forget(webhook), absolute=True)

    def _forget(self, webhook: WebhookState) -> None:
        if webhook.deleted:
            self._forgetting.pop(webhook, None)
            return
        now_us = self._engine.clock.now_us()
        old = [entry for entry in self._oldest(webhook, _STEP) if entry[0] + KEEP_US <= now_us]
        if old:
            commit = self._engine.commit(now_us)
            dropped = self._drop(commit, webhook, old)
            position = webhook.position
            self._book.move(commit, webhook, position._replace(over=position.over - dropped))
            commit.write()
        self._forget_later(webhook)


def place_of(event: event_service_pb2.Event) -> tuple[int, int]:
    """Commit and index of an event, of which its cursor speaks."""
    _, commit, index = event.cursor.split(".")
    return int(commit, 16), int(index, 16)
