"""The receiver of webhooks takes requests as they come, and notices what is wrong with each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from rockqueue_conformance.wire.receiver import Request, flaws, request_data, signed_by

KEY = bytes(range(32))
SECRETS = {"one": "whsec_" + base64.b64encode(KEY).decode(), "two": "whsec_" + base64.b64encode(bytes(32)).decode()}
TIME = "2026-11-22T12:00:00Z"


def request(**changed: Any) -> Request:
    """A good request, or one that is not: `key` signs it, `body` and headers replace what is right."""
    key = changed.pop("key", KEY)
    body = json.dumps(changed.pop("body", {"type": "job.pushed", "timestamp": TIME, "data": {"time": TIME}})).encode()
    signature = base64.b64encode(hmac.new(key, b"msg_1.7." + body, hashlib.sha256).digest()).decode()
    headers = {
        "content-type": "application/json",
        "user-agent": "rockqueue/1",
        "webhook-id": "msg_1",
        "webhook-timestamp": "7",
        "webhook-signature": f"v1,{signature}",
    }
    return Request("/hook", {**headers, **{name.replace("_", "-"): value for name, value in changed.items()}}, body)


def test_a_good_request_has_no_flaws() -> None:
    good = request()
    assert flaws(good, SECRETS) == []
    assert signed_by(good, SECRETS) == ["one"]
    data = request_data(good, SECRETS)
    assert (data["id"], data["timestamp"], data["type"], data["signatures"]) == ("msg_1", 7, "job.pushed", 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"key": b"another secret of 32 bytes......"},
        {"webhook_id": "msg_2"},
        {"webhook_timestamp": "8"},
        {"webhook_id": ""},
        {"webhook_signature": ""},
        {"content_type": "text/plain"},
        {"user_agent": "curl"},
        {"body": {"type": "job.pushed", "data": {}}},
        {"body": {"type": "job.pushed", "timestamp": "2026-11-22T13:00:00Z", "data": {"time": TIME}}},
    ],
)
def test_every_flaw_is_noticed(changed: dict[str, Any]) -> None:
    assert flaws(request(**changed), SECRETS)


def test_a_signature_by_two_secrets_is_seen_as_both() -> None:
    first, second = request(), request(key=bytes(32))
    both = f"{first.headers['webhook-signature']} {second.headers['webhook-signature']}"
    assert signed_by(request(webhook_signature=both), SECRETS) == ["one", "two"]
