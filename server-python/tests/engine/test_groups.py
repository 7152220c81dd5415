"""Groups under anything that may happen: the books balance, limits and orders hold, whatever is in memory."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flow_bench import node, push_flow
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.engine.groups import selection
from rockqueue_server.store.base import Batch, StorageFull

GROUPS = ("", "a", "b", "c", "strict")
LIMITS = {"a": 2, "strict": 1}
LONG = seconds(40_000)


class Story:
    """Random calls on one store, over restarts, beside a plain notion of who may be delivered."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.held: dict[str, work_service_pb2.Delivery] = {}
        self.turn = ""
        self.known: list[str] = []

    async def step(self, opened: QueueBench) -> None:
        """One call."""
        act = self.chance.choice((self.push, self.push, self.pull, self.settle, self.settle, self.mend, self.wait))
        await act(opened)

    async def push(self, opened: QueueBench) -> None:
        """Some jobs, of any group, some delayed, some mortal."""
        options: list[dict[str, Any]] = [{}, {"delay": seconds(3)}, {"priority": 2}, {"ttl": seconds(4)}]
        fields = self.chance.choice(options)
        group = self.chance.choice(GROUPS)
        jobs = [spec(group=group, retry={"base": seconds(2)}, **fields) for _ in range(self.chance.randint(1, 12))]
        self.known += await opened.push(*jobs)

    async def pull(self, opened: QueueBench) -> None:
        """Some deliveries: within the limits, and for the strict group the job whose turn it is."""
        for delivery in await opened.pull(most=self.chance.randint(1, 9), lease=LONG):
            assert delivery.job_id not in self.held
            if delivery.spec.group == "strict" and self.turn:
                assert delivery.job_id == self.turn
            self.held[delivery.job_id] = delivery
        active = Counter(delivery.spec.group for delivery in self.held.values())
        assert all(active[group] <= most for group, most in LIMITS.items())

    async def settle(self, opened: QueueBench) -> None:
        """One delivery ends, one way or another."""
        if not self.held:
            return
        delivery = self.held.pop(self.chance.choice(sorted(self.held)))
        outcome = self.chance.choice(("complete", "fail", "never", "release", "snooze"))
        if outcome == "complete":
            await opened.complete(delivery)
        elif outcome in ("fail", "never"):
            await opened.fail(delivery, **({"never": True} if outcome == "never" else {}))
        else:
            way: dict[str, object] = {"release": work_service_pb2.Release()}
            if outcome == "snooze":
                way = {"snooze": work_service_pb2.Snooze(delay=seconds(self.chance.randint(0, 3)))}
            await opened.settle(work_service_pb2.Settlement(lease_token=delivery.lease_token, **way))  # type: ignore[arg-type]
        if delivery.spec.group == "strict":
            state = await opened.state(delivery.job_id)
            self.turn = delivery.job_id if outcome in ("fail", "release") and state in ("DELAYED", "WAITING") else ""

    async def mend(self, opened: QueueBench) -> None:
        """What an operator does."""
        ids = job_service_pb2.JobIds(ids=self.chance.sample(self.known, min(3, len(self.known))) or ["0" * 36])
        jobs, kind = opened.core.jobs, self.chance.randint(0, 3)
        if not self.known or kind == 0:
            settings = queue_service_pb2.GroupSettings(weight=self.chance.randint(1, 5))
            request = queue_service_pb2.UpdateGroupRequest(queue="mail", group="b", settings=settings)
            await opened.core.queues.update_group(request)
        elif kind == 1:
            await jobs.cancel_jobs(job_service_pb2.CancelJobsRequest(jobs=ids))
            for job_id in ids.ids:
                if job_id in self.held:
                    cancelled = work_service_pb2.Cancelled()
                    token = self.held.pop(job_id).lease_token
                    await opened.settle(work_service_pb2.Settlement(lease_token=token, cancelled=cancelled))
        elif kind == 2:
            await jobs.retry_jobs(job_service_pb2.RetryJobsRequest(jobs=ids))
        else:
            await jobs.delete_jobs(job_service_pb2.DeleteJobsRequest(jobs=ids))
        if kind in (1, 3) and self.turn in ids.ids and self.turn not in self.held:
            self.turn = ""

    async def wait(self, opened: QueueBench) -> None:
        """Time passes."""
        await opened.advance(self.chance.choice((0.5, 1, 4)))


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_books_balance_and_limits_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(selection, "WINDOW", 8)
    story = Story(seed)
    for life in range(4):
        async with bench(tmp_path / "jobs.db") as opened:
            if not life:
                for group, most in LIMITS.items():
                    await opened.core.queues.update_group(
                        queue_service_pb2.UpdateGroupRequest(
                            queue="mail", group=group, settings=queue_service_pb2.GroupSettings(max_active=most)
                        )
                    )
            for _ in range(40):
                await story.step(opened)
            assert await opened.problems() == []
    async with bench(tmp_path / "jobs.db") as opened:
        for delivery in story.held.values():
            await opened.complete(delivery)
        await opened.advance(10)
        while deliveries := await opened.pull(lease=LONG):
            for delivery in deliveries:
                await opened.complete(delivery)
            await opened.advance(4)
        counts = (await opened.queue()).counts
        assert (counts.waiting, counts.delayed, counts.active) == (0, 0, 0)
        request = queue_service_pb2.ListGroupsRequest(queue="mail")
        groups = (await opened.core.queues.list_groups(request)).groups
        assert [(group.waiting, group.active) for group in groups] == [(0, 0)] * len(groups)


async def test_deliveries_that_meet_a_full_disk_leave_groups_and_rates_as_they_were(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = queue_service_pb2.RateLimit(count=2, period=seconds(3600))
    await queue_bench.update(group_max_active=2, group_rate=limit, rate=queue_service_pb2.RateLimit(count=3))
    ids = await queue_bench.push(*(spec(group="a") for _ in range(3)))
    store = queue_bench.core.engine.store
    real, full = store.write, [True]

    def write(batch: Batch) -> None:
        if full.pop() if full else False:
            raise StorageFull("No space left")
        real(batch)

    monkeypatch.setattr(store, "write", write)
    assert await queue_bench.pull() == []
    await queue_bench.advance(2)
    assert [d.job_id for d in await queue_bench.pull()] == ids[:2]
    assert await queue_bench.problems() == []


async def test_a_push_that_meets_a_full_disk_leaves_no_group(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = queue_bench.core.engine.store
    real = store.write

    def write(_: Batch) -> None:
        raise StorageFull("No space left")

    monkeypatch.setattr(store, "write", write)
    with pytest.raises(Exception, match="STORAGE_FAILED"):
        await queue_bench.push(spec(group="a"))
    monkeypatch.setattr(store, "write", real)
    await queue_bench.push(spec(group="b"), spec(group="a"))
    assert [d.spec.group for d in await queue_bench.pull()] == ["b", "a"]


async def test_jobs_of_flows_have_their_groups_while_they_are_blocked(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as before:
        await before.update(group_max_active=1)
        flow = await push_flow(before, node("one", group="a"), node("two", "one", group="a"), node("three", "one"))
        reasons = (
            await before.core.jobs.explain_job(job_service_pb2.ExplainJobRequest(job_id=flow.jobs["two"]))
        ).reasons
        assert [(one.kind, list(one.job_ids)) for one in reasons] == [
            (job_service_pb2.EXPLANATION_KIND_BLOCKED, [flow.jobs["one"]])
        ]
        (one,) = await before.pull(lease=LONG)
    async with bench(tmp_path / "jobs.db") as after:
        await after.complete(one)
        assert sorted(d.spec.group for d in await after.pull()) == ["", "a"]


async def test_a_group_is_forgotten_in_memory_when_it_has_nothing_to_do(queue_bench: QueueBench) -> None:
    for number in range(50):
        await queue_bench.push(spec(group=f"key-{number}"), spec(group=f"late-{number}", delay=seconds(5)))
        for delivery in await queue_bench.pull():
            await queue_bench.complete(delivery)
    groups = queue_bench.core.engine.queues.by_name["mail"].groups
    assert groups is not None
    assert not groups.by_key
    assert len(queue_bench.core.engine.columns.group.scan(b"", b"\xff", 100)) == 50


async def test_many_groups_are_served_about_as_fast_as_few(tmp_path: Path) -> None:
    """The bound is generous: what is looked for is a cost that grows with the number of groups."""
    jobs = 4000
    took: dict[int, float] = {}
    for count in (10, jobs):
        async with bench(tmp_path / f"{count}.db") as opened:
            for at in range(0, jobs, 1000):
                await opened.push(*(spec(group=f"key-{number % count}") for number in range(at, at + 1000)))
            began = time.process_time()
            seen = 0
            while deliveries := await opened.pull(most=256):
                seen += len(deliveries)
            took[count] = time.process_time() - began
            assert seen == jobs
            states = opened.core.engine.queues.by_name["mail"].groups
            assert states is not None
            assert all(len(state.first) <= 2 * states.window for state in states.by_key.values())
            assert opened.core.engine.queues.by_name["mail"].counts[job_pb2.JOB_STATE_ACTIVE] == jobs
    assert took[jobs] < 4 * took[10]
