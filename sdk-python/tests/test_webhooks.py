"""Receiving webhooks: the vectors that every SDK shares, and what they cannot say."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

import rockqueue
from rockqueue import webhooks

VECTORS = Path(__file__).parents[2] / "conformance-tests" / "vectors" / "webhooks.json"
CASES: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
ACCEPTED = CASES[0]


def verified(case: dict[str, Any], **other: Any) -> webhooks.WebhookEvent:
    options: dict[str, Any] = {"now": case["now_s"], "tolerance": case["tolerance_s"], **other}
    return webhooks.verify(case["body"].encode(), case["headers"], case["secrets"], **options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_vector(case: dict[str, Any]) -> None:
    if case["event"] is None:
        with pytest.raises(rockqueue.WebhookVerificationError):
            verified(case)
        return
    event = verified(case)
    assert (event.type, event.data) == (case["event"]["type"], case["event"]["data"])
    assert event.timestamp == datetime.fromisoformat(case["event"]["timestamp"])
    assert event.id == next(value for name, value in case["headers"].items() if name.lower() == "webhook-id")


@pytest.mark.parametrize("case", [case for case in CASES if case["event"]], ids=lambda case: case["name"])
def test_the_library_of_the_standard_signs_the_vectors_alike(case: dict[str, Any]) -> None:
    headers = {name.lower(): value for name, value in case["headers"].items()}
    sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    theirs = [Webhook(secret).sign(headers["webhook-id"], sent, case["body"]) for secret in case["secrets"]]
    assert set(theirs) & set(headers["webhook-signature"].split())


def test_what_the_library_of_the_standard_signs_is_accepted() -> None:
    secret, sent = ACCEPTED["secrets"][0], datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", sent, ACCEPTED["body"]),
    }
    assert webhooks.verify(ACCEPTED["body"], headers, secret).type == "job.completed"


def test_a_lone_secret_a_text_and_a_datetime_will_do() -> None:
    now = datetime.fromtimestamp(ACCEPTED["now_s"], UTC)
    event = webhooks.verify(ACCEPTED["body"], ACCEPTED["headers"], ACCEPTED["secrets"][0], now=now)
    assert event.type == "job.completed"
    assert event.data["job_id"] == "0193f0a4-3c00-7000-8000-000000000001"


def test_five_minutes_are_allowed_unless_said_otherwise() -> None:
    for minutes, fits in ((5, True), (-5, True), (6, False), (-6, False)):
        now = ACCEPTED["now_s"] + minutes * 60
        if fits:
            assert webhooks.verify(ACCEPTED["body"], ACCEPTED["headers"], ACCEPTED["secrets"], now=now)
        else:
            with pytest.raises(rockqueue.WebhookVerificationError, match="300 s are allowed"):
                webhooks.verify(ACCEPTED["body"], ACCEPTED["headers"], ACCEPTED["secrets"], now=now)
    late = ACCEPTED["now_s"] + 600
    assert verified(ACCEPTED, now=late, tolerance=timedelta(minutes=10)).type == "job.completed"


def test_without_a_time_it_is_now() -> None:
    # The vectors are of one moment, which is not that of this test.
    with pytest.raises(rockqueue.WebhookVerificationError, match=r"s (old|in the future)"):
        webhooks.verify(ACCEPTED["body"], ACCEPTED["headers"], ACCEPTED["secrets"])


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_***", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="])
def test_a_secret_that_is_none_is_a_mistake_of_the_receiver(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_") as caught:
        webhooks.verify(ACCEPTED["body"], ACCEPTED["headers"], [*ACCEPTED["secrets"], secret])
    assert not secret or secret == "whsec_" or secret not in str(caught.value)


def test_headers_that_are_no_text_are_refused() -> None:
    headers = {**ACCEPTED["headers"], "webhook-signature": "v1,\udcff", "webhook-id": "\udcff"}
    with pytest.raises(rockqueue.WebhookVerificationError, match="signature"):
        webhooks.verify(ACCEPTED["body"], headers, ACCEPTED["secrets"], now=ACCEPTED["now_s"])


def test_a_receiver_needs_no_client() -> None:
    program = "import sys, rockqueue.webhooks; print('rockqueue._client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"
