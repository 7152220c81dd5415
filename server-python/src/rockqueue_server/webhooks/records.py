"""What stands on disk: webhooks with their secrets and positions, deliveries, and the order in which they are due.

webhooks             c, number                        the webhook: spec, times, secrets
                     p, number                        its position in the feed, how many deliveries wait and are over
                     g, number                        a webhook that was deleted, until its deliveries are gone
                     next                             the next number
webhook_deliveries   d, number, commit, index         a delivery, under the place of its event
                     w, number, due, commit, index    those that wait
                     o, number, end, commit, index    those that are over
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from rockqueue.v1 import webhook_service_pb2
from rockqueue_server.contract.times import timestamp

NEXT_KEY = b"next"
DELIVERY, WAITING, OVER = KINDS = b"d", b"w", b"o"
WHOLE = 0xFFFFFFFF
"""Index of a position behind all events of its commit."""

_PLACE = struct.Struct(">QI")
_POSITION = struct.Struct(">QIQQ")
_HEAD = struct.Struct(">BHQ")
_CONFIG = struct.Struct(">8sQHH")
_ID = re.compile(r"msg_([0-9a-f]{16})([0-9a-f]{8})[0-9a-f]{16}\Z")

PENDING = webhook_service_pb2.WEBHOOK_DELIVERY_STATE_PENDING
SUCCEEDED = webhook_service_pb2.WEBHOOK_DELIVERY_STATE_SUCCEEDED
FAILED = webhook_service_pb2.WEBHOOK_DELIVERY_STATE_FAILED


@dataclass(slots=True)
class Config:
    """A webhook as it was put. `shown` lacks what changes by itself: cursor and pending."""

    shown: webhook_service_pb2.Webhook
    salt: bytes
    """Goes into the ids of its deliveries: a webhook of the same name, made later, has others."""
    secret: str = field(repr=False)
    former_secret: str = field(default="", repr=False)
    former_until_us: int = 0

    def pack(self) -> bytes:
        """Value in column `webhooks`."""
        secret, former = self.secret.encode(), self.former_secret.encode()
        head = _CONFIG.pack(self.salt, self.former_until_us, len(secret), len(former))
        return head + secret + former + self.shown.SerializeToString()

    @classmethod
    def unpack(cls, value: bytes) -> Config:
        """Reads `pack`."""
        salt, until_us, secret, former = _CONFIG.unpack_from(value)
        at = _CONFIG.size
        texts = value[at : at + secret].decode(), value[at + secret : at + secret + former].decode()
        shown = webhook_service_pb2.Webhook.FromString(value[at + secret + former :])
        return cls(shown, salt, texts[0], texts[1], until_us)


class Position(NamedTuple):
    """Behind the first `within` events of `commit`; how many deliveries wait, and how many are over and still kept."""

    commit: int
    within: int
    pending: int = 0
    over: int = 0

    def pack(self) -> bytes:
        """Value in column `webhooks`."""
        return _POSITION.pack(*self)

    @classmethod
    def unpack(cls, value: bytes) -> Position:
        """Reads `pack`."""
        return cls(*_POSITION.unpack(value))


@dataclass(slots=True)
class Record:
    """A delivery. `tried` counts attempts since it began to wait; `time_us` is when it is due, or was over."""

    delivery: webhook_service_pb2.WebhookDelivery
    tried: int
    time_us: int

    def pack(self) -> bytes:
        """Value in column `webhook_deliveries`."""
        return _HEAD.pack(self.delivery.state, self.tried, self.time_us) + self.delivery.SerializeToString()

    @classmethod
    def unpack(cls, value: bytes) -> Record:
        """Reads `pack`."""
        _, tried, time_us = _HEAD.unpack_from(value)
        return cls(webhook_service_pb2.WebhookDelivery.FromString(value[_HEAD.size :]), tried, time_us)

    def shown(self) -> webhook_service_pb2.WebhookDelivery:
        """As callers see it."""
        if self.delivery.state == PENDING:
            self.delivery.next_time.CopyFrom(timestamp(self.time_us))
        return self.delivery


def state_of(value: bytes) -> int:
    """The state in a packed Record."""
    return value[0]


def config_key(number: int) -> bytes:
    """Key of a webhook."""
    return b"c" + number.to_bytes(4, "big")


def position_key(number: int) -> bytes:
    """Key of a webhook's position."""
    return b"p" + number.to_bytes(4, "big")


def gone_key(number: int) -> bytes:
    """Key of a deleted webhook."""
    return b"g" + number.to_bytes(4, "big")


def number_of(key: bytes) -> int:
    """The number in any key of these columns but `next`."""
    return int.from_bytes(key[1:5], "big")


def place(commit: int, index: int) -> bytes:
    """The place of an event, the last part of the keys of its delivery."""
    return _PLACE.pack(commit, index)


def delivery_key(number: int, at: bytes) -> bytes:
    """Key of a delivery."""
    return DELIVERY + number.to_bytes(4, "big") + at


def order_key(kind: bytes, number: int, time_us: int, at: bytes = b"") -> bytes:
    """Key among those that wait or are over."""
    return kind + number.to_bytes(4, "big") + time_us.to_bytes(8, "big") + at


def order_parts(key: bytes) -> tuple[int, bytes]:
    """When, and the place."""
    return int.from_bytes(key[5:13], "big"), key[13:]


def webhook_range(kind: bytes, number: int) -> tuple[bytes, bytes]:
    """Bounds of all keys of a kind of one webhook."""
    return kind + number.to_bytes(4, "big"), kind + (number + 1).to_bytes(4, "big")


def delivery_id(salt: bytes, time_us: int, commit: int, index: int) -> str:
    """The id of the delivery of an event: always the same one.

    A power cut may take back that the event was put into the outbox, but not that its request was sent. The time is in
    it because a store that was restored from a backup gives its numbers to other events.
    """
    digest = hashlib.blake2b(salt + time_us.to_bytes(8, "big"), digest_size=8, person=b"webhook").hexdigest()
    return f"msg_{commit:016x}{index:08x}{digest}"


def place_of_id(text: str) -> bytes | None:
    """The place of the event of a delivery; None for what is no id of one."""
    match = _ID.match(text)
    return bytes.fromhex(match[1] + match[2]) if match else None
