"""Explanations: every reason that holds, the one that will last longest first, with what to do about it."""

from __future__ import annotations

from queue_bench import QueueBench, seconds, spec

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2

MINUTE = queue_service_pb2.RateLimit(count=1, period=seconds(60))


def kinds(reasons: object) -> list[str]:
    """Names of the kinds."""
    name = job_service_pb2.ExplanationKind.Name
    return [name(one.kind).removeprefix("EXPLANATION_KIND_") for one in reasons]  # type: ignore[attr-defined]


async def of_job(queue_bench: QueueBench, job_id: str) -> list[job_service_pb2.Explanation]:
    """The reasons of a job."""
    answer = await queue_bench.core.jobs.explain_job(job_service_pb2.ExplainJobRequest(job_id=job_id))
    assert answer.state == (await queue_bench.get(job_id)).state
    assert all(reason.message for reason in answer.reasons)
    return list(answer.reasons)


async def of_queue(queue_bench: QueueBench) -> list[job_service_pb2.Explanation]:
    """The reasons of a queue."""
    request = queue_service_pb2.ExplainQueueRequest(queue="mail")
    return list((await queue_bench.core.queues.explain_queue(request)).reasons)


async def test_a_job_from_push_to_end(queue_bench: QueueBench) -> None:
    (job_id,) = await queue_bench.push(spec(delay=seconds(5)))
    (reason,) = await of_job(queue_bench, job_id)
    assert (kinds([reason]), reason.until_time) == (["DELAYED"], (await queue_bench.get(job_id)).ready_time)
    await queue_bench.core.queues.pause_queue(queue_service_pb2.PauseQueueRequest(queue="mail"))
    assert kinds(await of_job(queue_bench, job_id)) == ["QUEUE_PAUSED", "DELAYED"]
    await queue_bench.advance(5)
    assert kinds(await of_job(queue_bench, job_id)) == ["QUEUE_PAUSED", "NO_WORKER"]
    await queue_bench.core.queues.resume_queue(queue_service_pb2.ResumeQueueRequest(queue="mail"))
    (delivery,) = await queue_bench.pull()
    (reason,) = await of_job(queue_bench, job_id)
    assert (kinds([reason]), reason.worker) == (["RUNNING"], "w")
    await queue_bench.core.jobs.cancel_jobs(
        job_service_pb2.CancelJobsRequest(jobs=job_service_pb2.JobIds(ids=[job_id]))
    )
    (reason,) = await of_job(queue_bench, job_id)
    assert (kinds([reason]), reason.worker) == (["CANCELLING"], "w")
    await queue_bench.complete(delivery)
    assert kinds(await of_job(queue_bench, job_id)) == ["FINISHED"]


async def test_limits_of_the_queue_and_the_place_in_it(queue_bench: QueueBench) -> None:
    ids = await queue_bench.push(spec(), spec(), spec(), spec(priority=-1))
    await queue_bench.update(max_active=1, rate=MINUTE)
    await queue_bench.pull()
    reasons = await of_job(queue_bench, ids[3])
    assert kinds(reasons) == ["NO_WORKER", "QUEUE_MAX_ACTIVE", "QUEUE_RATE", "BEHIND"]
    assert (reasons[1].count, reasons[3].count) == (1, 2)
    assert reasons[2].until_time.ToSeconds() > 0
    assert kinds(await of_job(queue_bench, ids[1])) == ["NO_WORKER", "QUEUE_MAX_ACTIVE", "QUEUE_RATE"]
    assert kinds(await of_queue(queue_bench)) == ["NO_WORKER", "QUEUE_MAX_ACTIVE", "QUEUE_RATE"]


async def test_limits_of_a_group_and_the_job_whose_turn_it_is(queue_bench: QueueBench) -> None:
    ids = await queue_bench.push(*(spec(group=key) for key in "aabb"))
    await queue_bench.update(group_max_active=1, group_rate=MINUTE)
    first, _ = await queue_bench.pull(lease=seconds(600))
    reasons = await of_job(queue_bench, ids[1])
    assert kinds(reasons) == ["NO_WORKER", "GROUP_MAX_ACTIVE", "GROUP_RATE"]
    assert (reasons[1].count, kinds(await of_queue(queue_bench))) == (1, ["NO_WORKER", "GROUP_MAX_ACTIVE"])
    await queue_bench.fail(first, retry_delay=seconds(100))
    await queue_bench.advance(60)
    reasons = await of_job(queue_bench, ids[1])
    assert kinds(reasons) == ["NO_WORKER", "GROUP_MAX_ACTIVE"]
    assert ids[0] in reasons[1].message
    await queue_bench.advance(40)
    assert kinds(await of_job(queue_bench, ids[0])) == ["NO_WORKER"]
    reasons = await of_job(queue_bench, ids[1])
    assert (kinds(reasons), reasons[-1].count) == (["NO_WORKER", "BEHIND"], 1)


async def test_workers_that_are_busy_and_a_queue_with_nothing_to_do(queue_bench: QueueBench) -> None:
    engine = queue_bench.core.engine
    queues = engine.queues.hold(["mail"])
    session = await engine.submit(lambda now_us: engine.sessions.open(queues, "w", None, 1_000_000, now_us))
    ids = await queue_bench.push(spec(), spec())
    assert kinds(await of_job(queue_bench, ids[0])) == ["WORKERS_BUSY"]
    assert kinds(await of_job(queue_bench, ids[1])) == ["WORKERS_BUSY", "BEHIND"]
    assert kinds(await of_queue(queue_bench)) == ["WORKERS_BUSY"]
    engine.sessions.add_credits(session, 1)
    assert kinds(await of_job(queue_bench, ids[0])) == ["NEXT"]
    assert kinds(await of_queue(queue_bench)) == ["NEXT"]
    await queue_bench.pull()
    await queue_bench.pull()
    (reason,) = await of_queue(queue_bench)
    assert kinds([reason]) == ["EMPTY"]
    assert "2 active" in reason.message


async def test_what_is_before_a_job_is_counted_up_to_a_bound(queue_bench: QueueBench) -> None:
    for _ in range(11):
        await queue_bench.push(*(spec() for _ in range(1000)))
    (job_id,) = await queue_bench.push()
    assert (await of_job(queue_bench, job_id))[-1].count == 10_000


async def test_a_job_that_is_released_is_explained_where_it_waits(queue_bench: QueueBench) -> None:
    (job_id,) = await queue_bench.push(spec(group="a"))
    (delivery,) = await queue_bench.pull()
    await queue_bench.settle(
        work_service_pb2.Settlement(lease_token=delivery.lease_token, release=work_service_pb2.Release())
    )
    assert await queue_bench.state(job_id) == job_pb2.JobState.Name(1).removeprefix("JOB_STATE_")
    assert kinds(await of_job(queue_bench, job_id)) == ["NO_WORKER"]
