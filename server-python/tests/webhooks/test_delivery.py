"""Events become requests: which ones, what is in them, and what follows from the answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from queue_bench import spec
from receiver import Answer
from standardwebhooks.webhooks import Webhook as Verifier
from webhook_bench import FAILED, PENDING, SECRET, SUCCEEDED, WebhookBench, webhook_bench

from rockqueue.v1 import event_service_pb2, webhook_service_pb2
from rockqueue_server import errors
from rockqueue_server.webhooks.schedule import STEPS_US


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[WebhookBench]:
    """A core and a receiver."""
    async with webhook_bench(tmp_path / "jobs.db") as opened:
        yield opened


async def test_an_event_is_sent_signed_and_noted(hooks: WebhookBench) -> None:
    await hooks.put()
    job_id = (await hooks.queues.push())[0]
    request = (await hooks.receiver.wait(1))[0]
    assert request.target == "/hook"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("rockqueue/")
    body = request.json
    assert (body["type"], body["data"]["job_id"], body["data"]["queue"]) == ("job.pushed", job_id, "mail")
    assert body["timestamp"] == body["data"]["time"]
    now_s = hooks.core.engine.clock.now_us() // 1_000_000
    assert request.headers["webhook-timestamp"] == str(now_s)
    log = await hooks.over(1)
    assert (log[0].id, log[0].state, log[0].event.job_id) == (request.id, SUCCEEDED, job_id)
    assert [(a.status, a.error) for a in log[0].attempts] == [(204, "")]
    assert (await hooks.get()).pending == 0
    # The clock of the test was just frozen: the signature is fresh for a verifier that looks at the wall clock.
    Verifier(SECRET).verify(request.body, request.headers)


async def test_a_delivery_is_given_up_after_ten_attempts(hooks: WebhookBench) -> None:
    hooks.receiver.answers = [Answer(500)]
    await hooks.put()
    await hooks.queues.push()
    for times in range(1, 10):
        delivery = await hooks.tried(times)
        assert delivery.state == PENDING
        pause = delivery.next_time.ToMicroseconds() - hooks.core.engine.clock.now_us()
        assert 0.8 * STEPS_US[times - 1] <= pause <= 1.2 * STEPS_US[times - 1]
        await hooks.queues.advance(pause / 1e6 - 0.001)
        assert len(hooks.receiver.requests) == times
        await hooks.queues.advance(0.001)
    delivery = await hooks.tried(10)
    assert delivery.state == FAILED
    assert len({request.id for request in hooks.receiver.requests}) == 1
    assert [attempt.error for attempt in delivery.attempts] == ["the receiver answered 500"] * 10
    assert (await hooks.get()).pending == 0


async def test_gone_switches_off_until_it_is_put_again(hooks: WebhookBench) -> None:
    hooks.receiver.answers = [Answer(410), Answer(200)]
    await hooks.put()
    await hooks.queues.push()
    await hooks.tried(1)
    webhook = await hooks.get()
    assert webhook.spec.disabled
    assert webhook.HasField("gone_time")
    await hooks.queues.push()
    await hooks.queues.advance(10)
    assert len(hooks.receiver.requests) == 1
    webhook = (await hooks.put()).webhook
    assert (webhook.spec.disabled, webhook.HasField("gone_time")) == (False, False)
    await hooks.over(2)


async def test_what_no_filter_matches_is_not_sent(hooks: WebhookBench) -> None:
    wanted = event_service_pb2.EventFilter(queues=["a"], names=["n"])
    await hooks.put(filter=wanted)
    await hooks.queues.push(spec(queue="b", name="n"), spec(queue="a", name="m"), spec(queue="a", name="n"))
    await hooks.over(1)
    assert [request.json["data"]["name"] for request in hooks.receiver.requests] == ["n"]


async def test_a_secret_changes_with_an_overlap(hooks: WebhookBench) -> None:
    await hooks.put()
    request = webhook_service_pb2.RotateWebhookSecretRequest(name="w")
    answer = await hooks.core.webhooks.rotate_webhook_secret(request)
    assert answer.secret != SECRET
    await hooks.queues.push()
    first = (await hooks.receiver.wait(1))[0]
    assert len(first.headers["webhook-signature"].split()) == 2
    await hooks.queues.advance(86_400)
    await hooks.queues.push()
    second = (await hooks.receiver.wait(2))[1]
    assert len(second.headers["webhook-signature"].split()) == 1


async def test_a_delivery_is_sent_again_on_demand(hooks: WebhookBench) -> None:
    await hooks.put()
    await hooks.queues.push()
    log = await hooks.over(1)
    request = webhook_service_pb2.ResendWebhookDeliveryRequest(name="w", delivery_id=log[0].id)
    answer = await hooks.core.webhooks.resend_webhook_delivery(request)
    assert (answer.delivery.state, answer.delivery.id) == (PENDING, log[0].id)
    again = await hooks.tried(2)
    assert again.state == SUCCEEDED
    assert [one.id for one in hooks.receiver.requests] == [log[0].id] * 2


async def test_a_trial_is_sent_at_once_and_leaves_no_trace(hooks: WebhookBench) -> None:
    await hooks.put(disabled=True)
    answer = await hooks.core.webhooks.test_webhook(webhook_service_pb2.TestWebhookRequest(name="w"))
    assert (answer.attempt.status, answer.attempt.error) == (204, "")
    assert hooks.receiver.requests[0].json["type"] == "webhook.test"
    assert await hooks.deliveries() == []


async def test_a_deleted_webhook_leaves_nothing_behind(hooks: WebhookBench) -> None:
    hooks.receiver.answers = [Answer(500)]
    await hooks.put()
    await hooks.queues.push(*[spec()] * 50)
    await hooks.until(lambda found: len(found) == 50)
    await hooks.core.webhooks.delete_webhook(webhook_service_pb2.DeleteWebhookRequest(name="w"))
    await hooks.queues.advance(1)
    columns = hooks.core.engine.columns
    assert columns.webhook_deliveries.scan(b"", b"\xff", 10) == []
    assert [key for key, _ in columns.webhooks.scan(b"", b"\xff", 10)] == [b"next"]
    with pytest.raises(errors.ServiceError, match="WEBHOOK_NOT_FOUND"):
        await hooks.get()


async def test_a_private_address_is_refused(tmp_path: Path) -> None:
    async with webhook_bench(tmp_path / "jobs.db", webhook_allow=()) as hooks:
        await hooks.put()
        await hooks.queues.push()
        delivery = await hooks.tried(1)
        assert "not public" in delivery.attempts[0].error
        assert hooks.receiver.connections == 0


async def test_a_slow_receiver_has_eight_requests_at_most_and_slows_nobody(hooks: WebhookBench) -> None:
    gate = asyncio.Event()
    hooks.receiver.answers = [Answer(gate=gate)]
    await hooks.put()
    await hooks.queues.push(*[spec()] * 30)
    await hooks.receiver.wait(8)
    await hooks.queues.push(*[spec()] * 30)
    assert (await hooks.get()).pending in (30, 60)
    assert len(hooks.receiver.requests) == 8
    gate.set()
    await hooks.over(60)
    assert hooks.receiver.most_open == 8
    assert hooks.receiver.connections <= 8
