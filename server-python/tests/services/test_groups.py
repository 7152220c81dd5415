"""Groups of a queue: served in turn, within their limits, in their order, also across a restart."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.errors import ServiceError


async def update_group(
    queue_bench: QueueBench, group: str, reset: tuple[str, ...] = (), **settings: object
) -> queue_service_pb2.Group:
    """Changes settings of a group."""
    request = queue_service_pb2.UpdateGroupRequest(
        queue="mail",
        group=group,
        settings=queue_service_pb2.GroupSettings(**settings),  # type: ignore[arg-type]
        reset=reset,
    )
    return (await queue_bench.core.queues.update_group(request)).group


async def groups(queue_bench: QueueBench, **request: object) -> list[tuple[str, int, int]]:
    """Key, waiting, active of the groups of a queue."""
    answer = await queue_bench.core.queues.list_groups(
        queue_service_pb2.ListGroupsRequest(queue="mail", **request)  # type: ignore[arg-type]
    )
    return [(group.key, group.waiting, group.active) for group in answer.groups]


def keys_of(deliveries: list[work_service_pb2.Delivery]) -> str:
    """The groups of deliveries, in their order."""
    return "".join(delivery.spec.group or "-" for delivery in deliveries)


async def push_to(queue_bench: QueueBench, keys: str, **fields: object) -> list[str]:
    """Pushes a job for each letter; `-` is no group."""
    jobs = [spec(group="" if key == "-" else key, **fields) for key in keys]  # type: ignore[arg-type]
    return await queue_bench.push(*jobs)


async def test_groups_are_served_in_turn_and_jobs_without_one_are_one_more(queue_bench: QueueBench) -> None:
    await push_to(queue_bench, "aaaa--bc")
    assert keys_of(await queue_bench.pull()) == "abc-a-aa"


async def test_weights_say_how_many_are_served(queue_bench: QueueBench) -> None:
    await update_group(queue_bench, "b", weight=3)
    await push_to(queue_bench, "a" * 40 + "b" * 40)
    assert Counter(keys_of(await queue_bench.pull(most=40))) == {"a": 10, "b": 30}


async def test_within_a_group_the_order_is_that_of_a_queue(queue_bench: QueueBench) -> None:
    low = await push_to(queue_bench, "aa")
    high = await push_to(queue_bench, "aa", priority=3)
    assert [d.job_id for d in await queue_bench.pull()] == high + low


async def test_a_million_of_one_do_not_starve_ten_of_another(queue_bench: QueueBench) -> None:
    await push_to(queue_bench, "a" * 500)
    await queue_bench.pull(most=100)
    await push_to(queue_bench, "b" * 10)
    assert keys_of(await queue_bench.pull(most=20)).count("b") == 10


async def test_no_more_of_a_group_are_active_than_it_may(queue_bench: QueueBench) -> None:
    await queue_bench.update(group_max_active=2)
    await update_group(queue_bench, "b", max_active=3)
    await push_to(queue_bench, "aaaabbbb--")
    deliveries = await queue_bench.pull()
    assert Counter(keys_of(deliveries)) == {"a": 2, "b": 3, "-": 2}
    assert await queue_bench.pull() == []
    await queue_bench.complete(deliveries[0])
    assert keys_of(await queue_bench.pull()) == "a"
    assert await groups(queue_bench) == [("a", 1, 2), ("b", 1, 3)]
    await queue_bench.update(group_max_active=4)
    assert keys_of(await queue_bench.pull()) == "a"


async def test_with_one_active_the_next_starts_when_the_one_before_is_finished(queue_bench: QueueBench) -> None:
    await queue_bench.update(group_max_active=1)
    first, second = await push_to(queue_bench, "aa")
    (urgent,) = await push_to(queue_bench, "a", priority=9)
    (delivery,) = await queue_bench.pull()
    assert delivery.job_id == urgent
    await push_to(queue_bench, "a", priority=10)
    await queue_bench.fail(delivery, retry_delay=seconds(5))
    assert await queue_bench.pull() == []
    await queue_bench.advance(5)
    (again,) = await queue_bench.pull()
    assert (again.job_id, again.attempt) == (urgent, 2)
    await queue_bench.fail(again, retry_delay=seconds(0))
    (again,) = await queue_bench.pull()
    assert (again.job_id, again.attempt) == (urgent, 3)
    await queue_bench.fail(again, never=True)
    (highest,) = await queue_bench.pull()
    await queue_bench.complete(highest)
    (one,) = await queue_bench.pull()
    assert one.job_id == first
    await queue_bench.settle(
        work_service_pb2.Settlement(lease_token=one.lease_token, release=work_service_pb2.Release())
    )
    (one,) = await queue_bench.pull()
    assert one.job_id == first
    snooze = work_service_pb2.Snooze(delay=seconds(60))
    await queue_bench.settle(work_service_pb2.Settlement(lease_token=one.lease_token, snooze=snooze))
    assert [d.job_id for d in await queue_bench.pull()] == [second]


@pytest.mark.parametrize("end", ["cancel", "delete"])
async def test_the_end_of_the_job_whose_turn_it_is_lets_the_next_go(queue_bench: QueueBench, end: str) -> None:
    await queue_bench.update(group_max_active=1)
    first, second = await push_to(queue_bench, "aa")
    (delivery,) = await queue_bench.pull()
    await queue_bench.fail(delivery, retry_delay=seconds(5))
    assert await queue_bench.pull() == []
    ids = job_service_pb2.JobIds(ids=[first])
    if end == "cancel":
        await queue_bench.core.jobs.cancel_jobs(job_service_pb2.CancelJobsRequest(jobs=ids))
    else:
        await queue_bench.core.jobs.delete_jobs(job_service_pb2.DeleteJobsRequest(jobs=ids))
    assert [d.job_id for d in await queue_bench.pull()] == [second]


@pytest.mark.parametrize("retried_before", [False, True])
async def test_the_turn_survives_a_restart(tmp_path: Path, retried_before: bool) -> None:
    async with bench(tmp_path / "jobs.db") as before:
        await before.update(group_max_active=1)
        first, second = await push_to(before, "aa")
        await push_to(before, "a", priority=5, delay=seconds(1))
        (delivery,) = await before.pull()
        await before.fail(delivery, retry_delay=seconds(5))
        await before.advance(5 if retried_before else 2)
    async with bench(tmp_path / "jobs.db") as after:
        if not retried_before:
            assert await after.pull() == []
            await after.advance(5)
        (again,) = await after.pull()
        assert (again.job_id, again.attempt) == (first, 2)
        await after.complete(again)
        (urgent,) = await after.pull()
        assert urgent.spec.priority == 5
        await after.complete(urgent)
        assert [d.job_id for d in await after.pull()] == [second]


async def test_active_jobs_of_a_group_are_counted_after_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as before:
        await before.update(group_max_active=2)
        await push_to(before, "aaab")
        deliveries = await before.pull()
        assert keys_of(deliveries) == "aba"
    async with bench(tmp_path / "jobs.db") as after:
        assert await after.pull() == []
        assert await groups(after) == [("a", 1, 2), ("b", 0, 1)]
        await after.complete(deliveries[0])
        assert keys_of(await after.pull()) == "a"


async def test_embedded_the_jobs_of_the_former_process_wait_again(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as before:
        await before.update(group_max_active=1)
        await push_to(before, "aab")
        assert keys_of(await before.pull()) == "ab"
    async with bench(tmp_path / "jobs.db", embedded=True) as after:
        assert [(d.spec.group, d.crashes) for d in await after.pull()] == [("a", 1), ("b", 1)]


async def test_a_rate_lets_no_more_through_and_goes_on_by_itself(queue_bench: QueueBench) -> None:
    await queue_bench.update(rate=queue_service_pb2.RateLimit(count=2, period=seconds(10)))
    await push_to(queue_bench, "-----")
    assert len(await queue_bench.pull()) == 2
    await queue_bench.advance(4)
    assert await queue_bench.pull() == []
    await queue_bench.advance(1)
    assert len(await queue_bench.pull()) == 1
    await queue_bench.update(rate=queue_service_pb2.RateLimit(count=100))
    assert len(await queue_bench.pull()) == 2


async def test_a_restart_fills_no_bucket(tmp_path: Path) -> None:
    limit = queue_service_pb2.RateLimit(count=1, period=seconds(3600), burst=2)
    async with bench(tmp_path / "jobs.db") as before:
        await before.update(rate=limit)
        await update_group(before, "a", rate=limit)
        await push_to(before, "a--")
        await before.push(spec(queue="other", group="a"))
        assert len(await before.pull(lease=seconds(7200))) == 2
    async with bench(tmp_path / "jobs.db") as after:
        assert await after.pull() == []
        await after.advance(3601)
        assert len(await after.pull()) == 1


async def test_rates_of_groups_hold_for_each_and_across_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as before:
        await before.update(group_rate=queue_service_pb2.RateLimit(count=1, period=seconds(60)))
        await update_group(before, "b", rate=queue_service_pb2.RateLimit(count=2, period=seconds(60)))
        await push_to(before, "aaabbb-")
        assert Counter(keys_of(await before.pull(lease=seconds(600)))) == {"a": 1, "b": 2, "-": 1}
    async with bench(tmp_path / "jobs.db") as after:
        assert await after.pull() == []
        await after.advance(31)
        assert keys_of(await after.pull(lease=seconds(600))) == "b"
        await after.advance(30)
        assert keys_of(await after.pull(lease=seconds(600))) == "a"
        await update_group(after, "a", rate=queue_service_pb2.RateLimit(count=10))
        assert keys_of(await after.pull()) == "a"


async def test_the_record_of_a_group_goes_with_its_last_job_and_its_bucket(queue_bench: QueueBench) -> None:
    await queue_bench.update(group_rate=queue_service_pb2.RateLimit(count=1, period=seconds(60)))
    await push_to(queue_bench, "ab")
    column = queue_bench.core.engine.columns.group
    for delivery in await queue_bench.pull():
        await queue_bench.complete(delivery)
    assert await groups(queue_bench) == []
    assert len(column.scan(b"", b"\xff", 10)) == 2
    await push_to(queue_bench, "a")
    assert await queue_bench.pull() == []
    await queue_bench.advance(61)
    assert len(column.scan(b"", b"\xff", 10)) == 1
    assert not queue_bench.core.engine.queues.by_name["mail"].groups.by_key.keys() - {"a"}  # type: ignore[union-attr]


async def test_jobs_that_leave_the_middle_of_a_group_are_not_delivered(queue_bench: QueueBench) -> None:
    ids = await push_to(queue_bench, "a" * 30)
    await queue_bench.core.jobs.cancel_jobs(
        job_service_pb2.CancelJobsRequest(jobs=job_service_pb2.JobIds(ids=ids[3:20]))
    )
    unique = job_pb2.UniqueKey(key="k", on_conflict=job_pb2.UNIQUE_CONFLICT_REPLACE)
    (held,) = await queue_bench.push(spec(group="a", unique=unique))
    assert await queue_bench.push(spec(group="a", unique=unique, priority=1)) == [held]
    assert [d.job_id for d in await queue_bench.pull()] == [held, *ids[:3], *ids[20:]]


async def test_a_dead_job_is_put_back_into_the_same_group_of_another_queue(queue_bench: QueueBench) -> None:
    (job_id,) = await push_to(queue_bench, "a")
    (delivery,) = await queue_bench.pull()
    await queue_bench.fail(delivery, never=True)
    assert await groups(queue_bench) == []
    await queue_bench.core.jobs.retry_jobs(
        job_service_pb2.RetryJobsRequest(jobs=job_service_pb2.JobIds(ids=[job_id]), queue="other")
    )
    request = queue_service_pb2.ListGroupsRequest(queue="other")
    assert [group.key for group in (await queue_bench.core.queues.list_groups(request)).groups] == ["a"]
    assert [d.job_id for d in await queue_bench.pull("other")] == [job_id]


async def test_delayed_and_expired_and_purged_jobs_leave_their_groups_right(queue_bench: QueueBench) -> None:
    await push_to(queue_bench, "ab", delay=seconds(5))
    await push_to(queue_bench, "ac", ttl=seconds(3))
    assert await groups(queue_bench) == [("a", 1, 0), ("b", 0, 0), ("c", 1, 0)]
    await queue_bench.advance(4)
    assert await groups(queue_bench) == [("a", 0, 0), ("b", 0, 0)]
    await queue_bench.advance(1)
    assert await groups(queue_bench) == [("a", 1, 0), ("b", 1, 0)]
    await queue_bench.core.queues.purge_queue(queue_service_pb2.PurgeQueueRequest(queue="mail"))
    assert await groups(queue_bench) == []
    assert await queue_bench.pull() == []


async def test_listings_know_groups(queue_bench: QueueBench) -> None:
    ids = await push_to(queue_bench, "ba-ba-")
    queued = job_service_pb2.JobFilter(queue="mail", state=job_pb2.JOB_STATE_WAITING)

    async def listed(wanted: job_service_pb2.JobFilter, order: int = 1, size: int = 2) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            request = job_service_pb2.ListJobsRequest(
                filter=wanted,
                page_size=size,
                page_token=token,
                order=order,  # type: ignore[arg-type]
            )
            page = await queue_bench.core.jobs.list_jobs(request)
            found += [job.id for job in page.jobs]
            token = page.next_page_token
            if not token:
                return found

    order = [ids[at] for at in (2, 5, 0, 3, 1, 4)]
    for size in (1, 2, 3, 10):
        assert await listed(queued, size=size) == order
        assert await listed(queued, 2, size) == order[::-1]
        assert await listed(job_service_pb2.JobFilter(queue="mail", state=1, group="a"), size=size) == [ids[1], ids[4]]  # type: ignore[arg-type]
        assert await listed(job_service_pb2.JobFilter(group="b"), size=size) == [ids[0], ids[3]]
    assert (await queue_bench.queue()).HasField("oldest_ready_time")


async def test_groups_are_listed_a_page_at_a_time_by_key(queue_bench: QueueBench) -> None:
    await push_to(queue_bench, "dacb")
    request = queue_service_pb2.ListGroupsRequest(queue="mail", page_size=3)
    page = await queue_bench.core.queues.list_groups(request)
    assert [group.key for group in page.groups] == ["a", "b", "c"]
    request.page_token = page.next_page_token
    page = await queue_bench.core.queues.list_groups(request)
    assert ([group.key for group in page.groups], page.next_page_token) == (["d"], "")
    assert await groups(queue_bench, prefix="c") == [("c", 1, 0)]


@pytest.mark.parametrize(
    "request_",
    [
        queue_service_pb2.UpdateGroupRequest(queue="mail"),
        queue_service_pb2.UpdateGroupRequest(queue="mail", group="x" * 257),
        queue_service_pb2.UpdateGroupRequest(queue="mail", group="\n"),
        queue_service_pb2.UpdateGroupRequest(queue="", group="a"),
        queue_service_pb2.UpdateGroupRequest(queue="mail", group="a", reset=["key"]),
        queue_service_pb2.UpdateGroupRequest(
            queue="mail", group="a", reset=["weight"], settings=queue_service_pb2.GroupSettings(weight=1)
        ),
        *(
            queue_service_pb2.UpdateGroupRequest(queue="mail", group="a", settings=settings)
            for settings in (
                queue_service_pb2.GroupSettings(weight=0),
                queue_service_pb2.GroupSettings(weight=1001),
                queue_service_pb2.GroupSettings(max_active=0),
                queue_service_pb2.GroupSettings(rate=queue_service_pb2.RateLimit()),
                queue_service_pb2.GroupSettings(rate=queue_service_pb2.RateLimit(count=1, burst=0)),
                queue_service_pb2.GroupSettings(rate=queue_service_pb2.RateLimit(count=1_000_001)),
                queue_service_pb2.GroupSettings(rate=queue_service_pb2.RateLimit(count=1, period=seconds(0))),
                queue_service_pb2.GroupSettings(rate=queue_service_pb2.RateLimit(count=1, period=seconds(86401))),
            )
        ),
    ],
)
async def test_settings_that_make_no_sense_are_refused(
    queue_bench: QueueBench, request_: queue_service_pb2.UpdateGroupRequest
) -> None:
    with pytest.raises(ServiceError, match=r"INVALID_FIELD|LIMIT_EXCEEDED"):
        await queue_bench.core.queues.update_group(request_)


async def test_limits_that_hold_are_counted(queue_bench: QueueBench) -> None:
    hour = queue_service_pb2.RateLimit(count=1, period=seconds(3600))
    await queue_bench.update(group_max_active=1, max_active=3, rate=queue_service_pb2.RateLimit(count=3))
    await update_group(queue_bench, "b", rate=hour, max_active=9)
    await push_to(queue_bench, "aabb---")
    await queue_bench.pull()
    await queue_bench.pull()
    await queue_bench.update(max_active=9)
    await queue_bench.pull()
    await queue_bench.update(rate=queue_service_pb2.RateLimit(count=100))
    await queue_bench.pull()
    core = queue_bench.core
    assert all(core.stats.queues["mail"].throttled.values())
    assert core.gauges().ready_groups["mail"] == 2


async def test_settings_of_a_group_are_kept_changed_and_reset(queue_bench: QueueBench) -> None:
    await update_group(queue_bench, "a", weight=3, max_active=2)
    group = await update_group(queue_bench, "a", reset=("weight",), rate=queue_service_pb2.RateLimit(count=1))
    assert (group.settings.HasField("weight"), group.settings.max_active, group.settings.rate.count) == (False, 2, 1)
    assert await groups(queue_bench) == [("a", 0, 0)]
    await update_group(queue_bench, "a", reset=("max_active", "rate"))
    assert await groups(queue_bench) == []
