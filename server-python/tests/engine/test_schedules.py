"""Schedules: each slot makes one job, in the same commit in which the schedule goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue.v1 import schedule_service_pb2
from rockqueue_server.errors import ServiceError

Spec = schedule_service_pb2.ScheduleSpec
Schedule = schedule_service_pb2.Schedule


async def put(b: QueueBench, name: str = "nightly", **fields: object) -> Schedule:
    """Puts a schedule whose job goes to `mail`, every 60 s unless told otherwise."""
    fields.setdefault("job", spec())
    if "cron" not in fields:
        fields.setdefault("interval", seconds(60))
    request = schedule_service_pb2.PutScheduleRequest(schedule=Spec(name=name, **fields))  # type: ignore[arg-type]
    return (await b.core.schedules.put_schedule(request)).schedule


async def get(b: QueueBench, name: str = "nightly") -> Schedule:
    request = schedule_service_pb2.GetScheduleRequest(name=name)
    return (await b.core.schedules.get_schedule(request)).schedule


async def waiting(b: QueueBench) -> int:
    return (await b.queue()).counts.waiting


async def test_every_slot_of_an_interval_makes_one_job(queue_bench: QueueBench) -> None:
    made = await put(queue_bench)
    assert made.next_time.seconds == made.create_time.seconds + 60
    await queue_bench.advance(59.9)
    assert await waiting(queue_bench) == 0
    await queue_bench.advance(0.1)
    assert await waiting(queue_bench) == 1
    await queue_bench.advance(600)
    after = await get(queue_bench)
    assert (await waiting(queue_bench), after.runs) == (11, 11)
    jobs = await queue_bench.pull()
    slots = [job.spec.origin.slot_time.seconds - made.create_time.seconds for job in jobs]
    assert slots == [60 * n for n in range(1, 12)]
    assert {job.spec.origin.schedule for job in jobs} == {"nightly"}
    assert after.last_job_id == jobs[-1].job_id


async def test_a_schedule_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as b:
        await put(b)
        await b.advance(60)
    async with bench(tmp_path / "jobs.db") as b:
        await b.advance(120)
        assert (await get(b)).runs == 3
        assert await waiting(b) == 3


async def test_skip_makes_no_job_while_one_is_unfinished(queue_bench: QueueBench) -> None:
    await put(queue_bench, overlap=schedule_service_pb2.OVERLAP_POLICY_SKIP)
    await queue_bench.advance(180)
    assert await waiting(queue_bench) == 1
    (job,) = await queue_bench.pull()
    await queue_bench.complete(job)
    await queue_bench.advance(60)
    after = await get(queue_bench)
    assert (after.runs, after.skipped) == (2, 2)


async def test_queue_one_fires_when_the_earlier_job_ends(queue_bench: QueueBench) -> None:
    await put(queue_bench, overlap=schedule_service_pb2.OVERLAP_POLICY_QUEUE_ONE)
    await queue_bench.advance(60)
    (job,) = await queue_bench.pull(lease=seconds(3600))
    await queue_bench.advance(120)
    queued = await get(queue_bench)
    assert (queued.runs, queued.skipped, queued.HasField("queued_slot_time")) == (1, 1, True)
    await queue_bench.complete(job)
    after = await get(queue_bench)
    assert (after.runs, after.skipped, after.HasField("queued_slot_time")) == (2, 1, False)
    (second,) = await queue_bench.pull()
    assert second.spec.origin.slot_time == queued.queued_slot_time


async def test_cancel_running_cancels_the_earlier_job(queue_bench: QueueBench) -> None:
    await put(queue_bench, overlap=schedule_service_pb2.OVERLAP_POLICY_CANCEL_RUNNING)
    await queue_bench.advance(180)
    counts = (await queue_bench.queue()).counts
    assert (counts.waiting, counts.cancelled) == (1, 2)


async def test_pause_resume_trigger_and_delete(queue_bench: QueueBench) -> None:
    core = queue_bench.core
    await put(queue_bench)
    await core.schedules.pause_schedule(schedule_service_pb2.PauseScheduleRequest(name="nightly"))
    await queue_bench.advance(600)
    assert await waiting(queue_bench) == 0
    request = schedule_service_pb2.TriggerScheduleRequest(name="nightly", request_id="t")
    triggered = await core.schedules.trigger_schedule(request)
    assert triggered == await core.schedules.trigger_schedule(request)
    assert (await waiting(queue_bench), triggered.schedule.runs) == (1, 0)
    resumed = await core.schedules.resume_schedule(schedule_service_pb2.ResumeScheduleRequest(name="nightly"))
    assert resumed.schedule.HasField("next_time")
    await queue_bench.advance(60)
    assert await waiting(queue_bench) == 2
    await core.schedules.delete_schedule(schedule_service_pb2.DeleteScheduleRequest(name="nightly"))
    await queue_bench.advance(600)
    assert await waiting(queue_bench) == 2
    with pytest.raises(ServiceError, match="SCHEDULE_NOT_FOUND"):
        await get(queue_bench)


async def test_backfill_pushes_a_job_for_each_slot_of_a_range(queue_bench: QueueBench) -> None:
    made = await put(queue_bench, cron="0 * * * *")
    request = schedule_service_pb2.BackfillScheduleRequest(name="nightly")
    request.from_time.seconds = made.next_time.seconds - 10 * 3600
    request.before_time.seconds = made.next_time.seconds
    answer = await queue_bench.core.schedules.backfill_schedule(request)
    assert len(answer.job_ids) == 10
    assert (await get(queue_bench)).runs == 0
    job = await queue_bench.get(answer.job_ids[0])
    assert job.spec.origin.slot_time == request.from_time


async def test_preview_shows_the_next_slots(queue_bench: QueueBench) -> None:
    request = schedule_service_pb2.PreviewScheduleRequest(schedule=Spec(cron="30 1 * * *"), count=2)
    request.after_time.seconds = 86_400 * 365
    answer = await queue_bench.core.schedules.preview_schedule(request)
    assert [slot.seconds - 86_400 * 365 for slot in answer.slots] == [5400, 91_800]


async def test_schedules_are_listed_by_name_and_page(queue_bench: QueueBench) -> None:
    for name in ("b", "a.2", "a.1", "c"):
        await put(queue_bench, name)
    names: list[str] = []
    token = ""
    while True:
        request = schedule_service_pb2.ListSchedulesRequest(page_size=1, page_token=token)
        page = await queue_bench.core.schedules.list_schedules(request)
        names += [schedule.spec.name for schedule in page.schedules]
        token = page.next_page_token
        if not token:
            break
    assert names == ["a.1", "a.2", "b", "c"]
    page = await queue_bench.core.schedules.list_schedules(schedule_service_pb2.ListSchedulesRequest(prefix="a."))
    assert [schedule.spec.name for schedule in page.schedules] == ["a.1", "a.2"]
