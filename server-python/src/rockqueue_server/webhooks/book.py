"""All webhooks by name and number, and the changes of their settings, each made within an engine operation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rockqueue.v1 import webhook_service_pb2
from rockqueue_server.contract.times import timestamp
from rockqueue_server.errors import webhook_not_found
from rockqueue_server.services.events import cursor_text
from rockqueue_server.webhooks import records
from rockqueue_server.webhooks.records import Config, Position
from rockqueue_server.webhooks.signing import secret_bytes, signatures

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine

MOST_WEBHOOKS = 500
_SALT_BYTES = 8
_SWEEP = 1000


@dataclass(slots=True, eq=False)
class WebhookState:
    """A webhook in memory."""

    number: int
    config: Config
    position: Position
    noted: Position
    """The position on disk: where nothing matched, the one in memory is ahead of it."""
    due_from_us: int = 0
    """Nothing that waits is due before this: scans begin here, behind what was deleted."""
    over_from_us: int = 0
    """The same for those that are over."""
    deleted: bool = False

    @property
    def name(self) -> str:
        """Its name."""
        return self.config.shown.spec.name

    @property
    def disabled(self) -> bool:
        """Nothing is sent."""
        return self.config.shown.spec.disabled

    def show(self, now_us: int, config: Config | None = None) -> webhook_service_pb2.Webhook:
        """The webhook as callers see it; with `config`, as it is about to be."""
        config = config or self.config
        shown = webhook_service_pb2.Webhook()
        shown.CopyFrom(config.shown)
        shown.cursor = cursor_text(self.position.commit, self.position.within)
        shown.pending = self.position.pending
        if config.former_secret and config.former_until_us > now_us:
            shown.former_secret_until_time.CopyFrom(timestamp(config.former_until_us))
        return shown

    def sign(self, message_id: str, now_us: int, body: bytes) -> dict[str, str]:
        """The headers that Standard Webhooks asks for."""
        config = self.config
        texts = [config.secret]
        if config.former_secret and config.former_until_us > now_us:
            texts.append(config.former_secret)
        signing = [key for text in texts if (key := secret_bytes(text)) is not None]
        time_s = now_us // 1_000_000
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(time_s),
            "webhook-signature": signatures(signing, message_id, time_s, body),
        }


class WebhookBook:
    """The webhooks. A webhook's number never changes and is never given to another."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.by_name: dict[str, WebhookState] = {}
        self.by_number: dict[int, WebhookState] = {}
        self._next_number: int = 1

    def load(self) -> None:
        """Reads the webhooks; goes on removing what deleted ones left behind."""
        column = self._engine.columns.webhooks
        stored = column.get(records.NEXT_KEY)
        self._next_number = int.from_bytes(stored, "big") if stored else 1
        for key, value in column.scan(b"c", b"d", 1 << 30):
            number = records.number_of(key)
            position = Position.unpack(column.get(records.position_key(number)) or b"")
            self._enter(WebhookState(number, Config.unpack(value), position, position))
        for key, _ in column.scan(b"g", b"h", 1 << 30):
            self._sweep_soon(records.number_of(key))

    def get(self, name: str) -> WebhookState:
        """A webhook. Raises WEBHOOK_NOT_FOUND."""
        webhook = self.by_name.get(name)
        if webhook is None:
            raise webhook_not_found(name)
        return webhook

    def make(self, commit: Commit, spec: webhook_service_pb2.WebhookSpec, secret: str) -> WebhookState:
        """A new webhook, from this commit on; known once the commit is written."""
        number: int = self._next_number
        now = timestamp(commit.now_us)
        shown = webhook_service_pb2.Webhook(spec=spec, create_time=now, update_time=now)
        position = Position(commit.number, records.WHOLE)
        config = Config(shown, secrets.token_bytes(_SALT_BYTES), secret)
        webhook = WebhookState(number, config, position, position)
        column = self._engine.columns.webhooks
        commit.put(records.NEXT_KEY, (number + 1).to_bytes(4, "big"), column.handle)
        commit.put(records.position_key(number), position.pack(), column.handle)
        commit.put(records.config_key(number), config.pack(), column.handle)

        def enter() -> None:
            self._next_number = number + 1
            self._enter(webhook)

        commit.after(enter)
        return webhook

    def change(self, commit: Commit, webhook: WebhookState, config: Config) -> None:
        """Another configuration, from this commit on."""
        commit.put(records.config_key(webhook.number), config.pack(), self._engine.columns.webhooks_h)

        def changed() -> None:
            webhook.config = config

        commit.after(changed)

    def move(self, commit: Commit, webhook: WebhookState, position: Position) -> None:
        """Another position, from this commit on."""
        commit.put(records.position_key(webhook.number), position.pack(), self._engine.columns.webhooks_h)

        def moved() -> None:
            webhook.position = webhook.noted = position

        commit.after(moved)

    def remove(self, commit: Commit, webhook: WebhookState) -> None:
        """Forgets a webhook and its secret at once, and its deliveries in steps after that."""
        handle = self._engine.columns.webhooks_h
        commit.delete(records.config_key(webhook.number), handle)
        commit.delete(records.position_key(webhook.number), handle)
        commit.put(records.gone_key(webhook.number), b"", handle)

        def removed() -> None:
            webhook.deleted = True
            del self.by_name[webhook.name], self.by_number[webhook.number]
            self._sweep_soon(webhook.number)

        commit.after(removed)

    def _enter(self, webhook: WebhookState) -> None:
        self.by_name[webhook.name] = webhook
        self.by_number[webhook.number] = webhook

    def _sweep_soon(self, number: int, ranges: list[tuple[bytes, bytes]] | None = None) -> None:
        """`ranges` are those that are left; each begins behind what was removed, so no scan passes that again."""
        left = [records.webhook_range(kind, number) for kind in records.KINDS] if ranges is None else ranges
        now_us = self._engine.clock.now_us()
        self._engine.alarms.set(now_us, lambda: self._sweep(number, left), absolute=True)

    def _sweep(self, number: int, ranges: list[tuple[bytes, bytes]]) -> None:
        """Removes some of what a deleted webhook left behind."""
        engine = self._engine
        commit = engine.commit(engine.clock.now_us())
        (lower, upper), later = ranges[0], ranges[1:]
        rows = engine.columns.webhook_deliveries.scan(lower, upper, _SWEEP)
        for key, _ in rows:
            commit.delete(key, engine.columns.webhook_deliveries_h)
        if len(rows) == _SWEEP:
            later = [(rows[-1][0], upper), *later]
        if not later:
            commit.delete(records.gone_key(number), engine.columns.webhooks_h)
        commit.write()
        if later:
            self._sweep_soon(number, later)
