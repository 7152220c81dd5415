"""Bulk calls by filter go on behind what they looked at; listings by tag cost what they find."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest
from queue_bench import QueueBench, spec

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2
from rockqueue_server.errors import ServiceError
from rockqueue_server.services import bulk, walk

Filter = job_service_pb2.JobFilter


@pytest.fixture
def small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rockqueue_server.contract.limits.BULK_JOBS", 30)
    monkeypatch.setattr("rockqueue_server.contract.limits.BULK_EXAMINED", 100)
    monkeypatch.setattr(bulk, "STEP", 10)
    monkeypatch.setattr(bulk, "STEP_EXAMINED", 20)


async def deletions(
    opened: QueueBench, wanted: Filter, *, dry_run: bool = False
) -> AsyncIterator[job_service_pb2.DeleteJobsResponse]:
    """Calls until there is no more, each with the token of the one before."""
    token = ""
    for number in itertools.count():
        request = job_service_pb2.DeleteJobsRequest(
            request_id=f"delete-{number}", filter=wanted, dry_run=dry_run, page_token=token
        )
        answer = await opened.core.jobs.delete_jobs(request)
        assert answer.more == bool(answer.next_page_token)
        yield answer
        token = answer.next_page_token
        if not token:
            return
        assert number < 1000


@pytest.mark.usefixtures("small_calls")
async def test_a_count_of_many_calls_counts_every_job_once(queue_bench: QueueBench) -> None:
    await queue_bench.push(*(spec(name=("odd", "even")[at % 2]) for at in range(250)))
    answers = [answer async for answer in deletions(queue_bench, Filter(name="odd"), dry_run=True)]
    assert sum(answer.affected for answer in answers) == 125
    assert sum(answer.examined for answer in answers) == 250
    assert all(answer.affected <= 30 and answer.examined <= 120 for answer in answers)
    assert (await queue_bench.queue()).counts.waiting == 250


@pytest.mark.usefixtures("small_calls")
async def test_a_call_that_finds_nothing_ends_and_the_next_goes_on(queue_bench: QueueBench) -> None:
    await queue_bench.push(*(spec(name="other") for _ in range(230)), spec(name="rare"))
    answers = [answer async for answer in deletions(queue_bench, Filter(name="rare"))]
    assert [answer.affected for answer in answers] == [0, 0, 1]
    assert [answer.examined for answer in answers] == [100, 100, 31]
    assert (await queue_bench.queue()).counts.waiting == 230


@pytest.mark.usefixtures("small_calls")
@pytest.mark.parametrize(
    "wanted", [Filter(queue="mail", state=job_pb2.JOB_STATE_WAITING), Filter(), Filter(tags=["t"])]
)
async def test_what_is_pushed_and_moved_meanwhile_hides_nothing(queue_bench: QueueBench, wanted: Filter) -> None:
    old = await queue_bench.push(*(spec(tags=["t"]) for _ in range(100)))
    affected = 0
    async for answer in deletions(queue_bench, wanted):
        affected += answer.affected
        if affected < 60:
            await queue_bench.push(spec(queue="late", tags=["t"]))
            await queue_bench.pull("late")
    assert affected >= 100
    for job_id in old:
        with pytest.raises(ServiceError, match="JOB_NOT_FOUND"):
            await queue_bench.get(job_id)


@pytest.mark.usefixtures("small_calls")
async def test_a_repeated_call_gives_the_same_token(queue_bench: QueueBench) -> None:
    await queue_bench.push(*(spec() for _ in range(50)))
    request = job_service_pb2.CancelJobsRequest(request_id="once", filter=Filter(queue="mail"))
    first = await queue_bench.core.jobs.cancel_jobs(request)
    assert (first.affected, first.examined, first.more) == (30, 30, True)
    assert await queue_bench.core.jobs.cancel_jobs(request) == first


async def test_tokens_are_bound_to_their_question(queue_bench: QueueBench) -> None:
    await queue_bench.push(*(spec() for _ in range(3)))
    listed = await queue_bench.core.jobs.list_jobs(job_service_pb2.ListJobsRequest(page_size=1))
    for request in (
        job_service_pb2.CancelJobsRequest(filter=Filter(), page_token=listed.next_page_token),
        job_service_pb2.CancelJobsRequest(filter=Filter(), page_token="?"),
        job_service_pb2.CancelJobsRequest(
            jobs=job_service_pb2.JobIds(ids=[listed.jobs[0].id]), page_token=listed.next_page_token
        ),
    ):
        with pytest.raises(ServiceError) as refused:
            await queue_bench.core.jobs.cancel_jobs(request)
        assert refused.value.metadata["field"] == "page_token"


async def listed(
    opened: QueueBench, wanted: Filter, order: job_service_pb2.ListOrder = job_service_pb2.LIST_ORDER_OLDEST_FIRST
) -> tuple[list[str], int]:
    """All ids of a listing in pages of 7, and how many pages there were."""
    ids: list[str] = []
    token = ""
    for pages in itertools.count(1):
        request = job_service_pb2.ListJobsRequest(filter=wanted, order=order, page_size=7, page_token=token)
        answer = await opened.core.jobs.list_jobs(request)
        ids += [job.id for job in answer.jobs]
        token = answer.next_page_token
        if not token:
            return ids, pages
    raise AssertionError


@pytest.mark.parametrize("order", [job_service_pb2.LIST_ORDER_OLDEST_FIRST, job_service_pb2.LIST_ORDER_NEWEST_FIRST])
@pytest.mark.parametrize("probe", [1, 1000])
async def test_every_index_gives_the_same_listing(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch, order: job_service_pb2.ListOrder, probe: int
) -> None:
    monkeypatch.setattr(walk, "_PROBE", probe)
    for at in range(120):
        await queue_bench.push(
            spec(
                queue=("mail", "news")[at % 2],
                name=("a", "b", "c")[at % 3],
                tags=["all", *(["x"] if at % 5 == 0 else []), *(["y"] if at % 7 == 0 else [])],
                priority=at % 4,
                group=("", "g0", "g1", "g2")[at % 4],
            )
        )
        if at % 10 == 0:
            await queue_bench.advance(1)
    for delivery in await queue_bench.pull("mail", most=20):
        await queue_bench.complete(delivery)
    for delivery in await queue_bench.pull("news", most=20):
        await queue_bench.complete(delivery)
    await queue_bench.pull("mail", most=5)
    for name in ("b", "c"):
        wanted = Filter(state=job_pb2.JOB_STATE_WAITING, name=name, tags=["x"])
        cancelled = await queue_bench.core.jobs.cancel_jobs(job_service_pb2.CancelJobsRequest(filter=wanted))
        assert cancelled.affected
    everything = [(await queue_bench.get(job_id)) for job_id in (await listed(queue_bench, Filter()))[0]]
    assert len(everything) == 120
    times = everything[60].create_time
    for wanted in (
        Filter(tags=["x"]), Filter(tags=["x", "y"]), Filter(tags=["nobody"]), Filter(tags=["all"], name="a"),
        Filter(tags=["x"], queue="mail", state=job_pb2.JOB_STATE_COMPLETED),
        Filter(tags=["all"], queue="mail", state=job_pb2.JOB_STATE_WAITING),
        Filter(queue="mail", state=job_pb2.JOB_STATE_WAITING, created_from=times),
        Filter(queue="mail", state=job_pb2.JOB_STATE_WAITING, group="g1"),
        Filter(queue="mail", state=job_pb2.JOB_STATE_WAITING, group="nobody"),
        Filter(queue="news", tags=["y"], created_before=times), Filter(state=job_pb2.JOB_STATE_ACTIVE, tags=["all"]),
        Filter(state=job_pb2.JOB_STATE_COMPLETED), Filter(state=job_pb2.JOB_STATE_CANCELLED, created_from=times),
        Filter(state=job_pb2.JOB_STATE_WAITING, name="a"), Filter(state=job_pb2.JOB_STATE_DEAD, tags=["x"]),
        Filter(group="g1"), Filter(schedule="s"), Filter(flow_id="01890000-0000-7000-8000-000000000000"),
        Filter(queue="news", name="b", created_from=times),
    ):  # fmt: skip
        expected = [job for job in everything if fits(job, wanted)]
        if wanted.queue and wanted.state == job_pb2.JOB_STATE_WAITING:
            # Those without a group first, then group by group as they came up.
            groups = ["", *dict.fromkeys(job.spec.group for job in everything if job.spec.group)]
            expected.sort(
                key=lambda job: (
                    groups.index(job.spec.group), -job.spec.priority, job.ready_time.ToMicroseconds(), job.id
                )
            )  # fmt: skip
        if order == job_service_pb2.LIST_ORDER_NEWEST_FIRST:
            expected.reverse()
        assert (await listed(queue_bench, wanted, order))[0] == [job.id for job in expected], wanted


def fits(job: job_pb2.Job, wanted: Filter) -> bool:
    """What a filter means, the slow way."""
    created = job.create_time.ToMicroseconds()
    return (
        wanted.queue in ("", job.spec.queue)
        and wanted.state in (0, job.state)
        and wanted.name in ("", job.spec.name)
        and set(wanted.tags) <= set(job.spec.tags)
        and wanted.group in ("", job.spec.group)
        and wanted.schedule in ("", job.spec.origin.schedule)
        and wanted.flow_id in ("", job.spec.origin.flow_id)
        and (not wanted.HasField("created_from") or created >= wanted.created_from.ToMicroseconds())
        and (not wanted.HasField("created_before") or created < wanted.created_before.ToMicroseconds())
    )


async def test_one_job_among_many_is_found_at_once_by_its_tag(queue_bench: QueueBench) -> None:
    for _ in range(12):
        await queue_bench.push(*(spec() for _ in range(1000)))
    (rare,) = await queue_bench.push(spec(tags=["rare"]))
    for wanted in (
        Filter(tags=["rare"]),
        Filter(tags=["rare"], queue="mail", state=job_pb2.JOB_STATE_WAITING),
        Filter(tags=["rare"], name="send"),
    ):
        assert await listed(queue_bench, wanted) == ([rare], 1)


async def test_the_index_of_tags_goes_with_its_jobs(queue_bench: QueueBench) -> None:
    """In every way in which a job goes. The bench checks the books at its end."""
    kept = await queue_bench.push(
        *(spec(tags=["t"], name=name) for name in ("deleted", "purged", "stays")),
        spec(tags=["t"], queue="other"),
    )
    await queue_bench.push(*(spec(tags=["t"], retention=job_pb2.JobSpec().retention) for _ in range(2)))
    deliveries = await queue_bench.pull("mail")
    for delivery in deliveries:
        await queue_bench.complete(delivery)
    request = job_service_pb2.DeleteJobsRequest(jobs=job_service_pb2.JobIds(ids=[kept[0]]))
    await queue_bench.core.jobs.delete_jobs(request)
    assert (await listed(queue_bench, Filter(tags=["t"])))[0] == kept[1:]
    await queue_bench.core.queues.purge_queue(queue_service_pb2.PurgeQueueRequest(queue="other"))
    assert (await listed(queue_bench, Filter(tags=["t"])))[0] == kept[1:3]
    await queue_bench.advance(8 * 86_400)
    assert (await listed(queue_bench, Filter(tags=["t"])))[0] == []
    assert queue_bench.core.engine.columns.tags.scan(b"", b"\xff", 10) == []
