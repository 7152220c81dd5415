"""Groups, limits, and why a job is not running."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rockqueue import Client, ExplanationKind, JobContext, NewJob, RateLimit, Worker
from rockqueue._queues import _update_group_request, _update_request
from rockqueue.testing import RockQueueServer


async def test_a_group_travels_with_its_job(embedded: Client) -> None:
    async def told(ctx: JobContext, payload: object) -> str | None:
        del payload
        return ctx.group

    pushed = await embedded.push("q", "told", group="tenant ü")
    other = await embedded.push("q", "told")
    async with Worker(embedded, handlers={"told": told}, queues=["q"]):
        assert await embedded.result(pushed.id, timeout=10) == "tenant ü"
        assert await embedded.result(other.id, timeout=10) is None
    assert (await embedded.get(pushed.id)).group == "tenant ü"
    assert (await embedded.get(other.id)).group is None
    assert [job.id async for job in embedded.list(queue="q", group="tenant ü")] == [pushed.id]


async def test_limits_of_a_queue_are_set_shown_and_reset(embedded: Client) -> None:
    rate = RateLimit(5, period=timedelta(seconds=1), burst=6)
    await embedded.queues.update("q", rate=rate, group_max_active=1, group_rate=RateLimit(2))
    queue = await embedded.queues.get("q")
    assert (queue.rate, queue.group_max_active, queue.group_rate) == (rate, 1, RateLimit(2))
    await embedded.queues.update("q", reset=["rate", "group_max_active", "group_rate"])
    queue = await embedded.queues.get("q")
    assert (queue.rate, queue.group_max_active, queue.group_rate) == (None, None, None)


async def test_settings_of_a_group(embedded: Client) -> None:
    rate = RateLimit(10, period=timedelta(minutes=1), burst=20)
    made = await embedded.queues.update_group("q", "a", weight=3, max_active=2, rate=rate)
    assert (made.key, made.weight, made.max_active, made.rate) == ("a", 3, 2, rate)
    await embedded.push("q", "n", group="b")
    groups = [one async for one in embedded.queues.groups("q")]
    assert [(one.key, one.weight, one.waiting, one.active) for one in groups] == [("a", 3, 0, 0), ("b", None, 1, 0)]
    assert [one.key async for one in embedded.queues.groups("q", prefix="b")] == ["b"]
    reset = await embedded.queues.update_group("q", "a", reset=["weight", "rate"])
    assert (reset.weight, reset.max_active, reset.rate) == (None, 2, None)


def test_a_rate_keeps_what_was_not_given_unset() -> None:
    sent = _update_request("q", {"rate": RateLimit(2)}, ()).settings.rate
    assert (sent.count, sent.HasField("period"), sent.HasField("burst")) == (2, False, False)


def test_settings_that_do_not_exist_are_refused_here() -> None:
    wrong: Any = {"weigth": 1}
    with pytest.raises(TypeError, match="weight"):
        _update_group_request("q", "a", wrong, ())
    with pytest.raises(TypeError, match="group_max_active"):
        _update_request("q", wrong, ())


async def test_why_a_job_is_not_running(rockqueue_server: RockQueueServer) -> None:
    await rockqueue_server.freeze()
    async with rockqueue_server.client() as client:
        delayed = await client.push("q", "n", delay=3600)
        explained = await client.explain(delayed.id)
        found = {reason.kind: reason for reason in explained.reasons}
        until = found[ExplanationKind.DELAYED].until_time
        assert explained.state == "DELAYED"
        assert until is not None
        assert until - await rockqueue_server.now() == timedelta(hours=1)
        assert found[ExplanationKind.DELAYED].message
        await client.queues.pause("q")
        assert ExplanationKind.QUEUE_PAUSED in [reason.kind for reason in await client.queues.explain("q")]


def test_a_group_with_one_at_a_time_says_so(rockqueue_server: RockQueueServer) -> None:
    with rockqueue_server.sync_client() as client:
        client.queues.update("q", group_max_active=1)
        first, second = client.push_many([NewJob("q", "n", group="a"), NewJob("q", "n", group="a")])
        assert ExplanationKind.NO_WORKER in [reason.kind for reason in client.explain(first.id).reasons]
        assert ExplanationKind.BEHIND in [reason.kind for reason in client.explain(second.id).reasons]
        assert [one.waiting for one in client.queues.groups("q")] == [2]
