"""Receiving webhooks: whether a request comes from RockQueue, and what it says. Needs no client.

from rockqueue import webhooks

@app.post("/hook")
async def hook(request: Request) -> Response:
    try:
        event = webhooks.verify(await request.body(), request.headers, SECRET)
    except rockqueue.WebhookVerificationError:
        return Response(status_code=400)
    if seen_before(event.id):  # a delivery may come twice, under the same id
        return Response(status_code=200)
    ...
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, cast

from rockqueue._durations import Seconds, seconds
from rockqueue._errors import WebhookVerificationError

__all__ = ["Headers", "WebhookEvent", "WebhookVerificationError", "verify"]

_PREFIX = "whsec_"
# What no secret can have signed must be refused, and not end in another error.
_LENIENT = ("utf-8", "replace")
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class Headers(Protocol):
    """The headers of a request, as web frameworks have them, or a dict. Upper and lower case are the same."""

    def items(self) -> Iterable[tuple[str, str]]:
        """Names and values."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What a webhook says.

    Attributes:
        id: The delivery's id, the same at each attempt: to tell repeated ones by.
        type: The event's type in lower case with a dot: "job.completed", "queue.paused", or "webhook.test".
        timestamp: When it happened.
        data: The event, with the field names of `rockqueue.v1.Event` and values as proto3 JSON has them.
    """

    id: str
    type: str
    timestamp: datetime
    data: Mapping[str, Any]


def verify(
    body: bytes | str,
    headers: Headers,
    secrets: str | Sequence[str],
    *,
    tolerance: Seconds = timedelta(minutes=5),
    now: datetime | float | None = None,
) -> WebhookEvent:
    """The event of a request that a webhook sent.

    Args:
        body: The body as it came: parsed and written anew it has another signature.
        headers: The request's headers.
        secrets: The webhook's secret; several while it is being changed.
        tolerance: How far the request's timestamp may be from now, either way. Default: 5 minutes.
        now: The time, or seconds since 1970. Default: now.

    Raises WebhookVerificationError for a request that cannot be trusted, and ValueError for a secret that is none.
    """
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    found = {name.lower(): value for name, value in headers.items()}
    delivery_id, timestamp = _header(found, "webhook-id"), _header(found, "webhook-timestamp")
    raw = body.encode() if isinstance(body, str) else bytes(body)
    _check_time(timestamp, seconds(tolerance, "tolerance"), _seconds_of(now))
    _check_signature(_header(found, "webhook-signature"), f"{delivery_id}.{timestamp}.".encode(*_LENIENT) + raw, keys)
    return _event(delivery_id, raw)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or not secret.startswith(_PREFIX):
        # Without the secret itself: errors end up in logs.
        raise ValueError(f'a webhook\'s secret is "{_PREFIX}" and base64; this one is not')
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise WebhookVerificationError(f"the request has no {name}")
    return value


def _seconds_of(now: datetime | float | None) -> float:
    if now is None:
        return time.time()
    return now.timestamp() if isinstance(now, datetime) else now


def _check_time(timestamp: str, tolerance_s: float, now_s: float) -> None:
    if _SECONDS.fullmatch(timestamp) is None:
        raise WebhookVerificationError("webhook-timestamp is not a number of seconds")
    age_s = now_s - int(timestamp)
    if abs(age_s) > tolerance_s:
        where = "old" if age_s > 0 else "in the future"
        raise WebhookVerificationError(f"the request is {abs(age_s):.0f} s {where}; {tolerance_s:g} s are allowed")


def _check_signature(header: str, signed: bytes, keys: Sequence[bytes]) -> None:
    expected = [b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    given = [entry.encode(*_LENIENT) for entry in header.split()]
    if not any(hmac.compare_digest(one, other) for one in expected for other in given):
        raise WebhookVerificationError("no signature of the request is that of a secret: changed, or another's")


def _event(delivery_id: str, raw: bytes) -> WebhookEvent:
    try:
        body: Any = json.loads(raw.decode())
        kind, timestamp, data = body["type"], datetime.fromisoformat(body["timestamp"]), body["data"]
    except (ValueError, TypeError, KeyError, RecursionError) as cause:
        raise WebhookVerificationError("the request is signed, but its body is not an event") from cause
    if not isinstance(kind, str) or not isinstance(data, dict) or timestamp.tzinfo is None:
        raise WebhookVerificationError("the request is signed, but its body is not an event")
    return WebhookEvent(delivery_id, kind, timestamp, cast("dict[str, Any]", data))
