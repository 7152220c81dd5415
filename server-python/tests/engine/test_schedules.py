"""Schedules: each slot makes one job, in the same commit in which the schedule goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue.v1 import schedule_service_pb2
from rockqueue_server.engine import firing, schedules
from rockqueue_server.engine.schedule_records import due_key, state_key, unpack_state
from rockqueue_server.errors import ServiceError
from rockqueue_server.metrics import Recorder
from rockqueue_server.store.base import StorageFull

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


def jump(b: QueueBench, by_s: float) -> None:
    """The clock jumps, as after a time in which the server was down; what is due is done then."""
    engine = b.core.engine
    engine.clock.turn_to(engine.clock.now_us() + round(by_s * 1e6))
    engine.run_due(engine.clock.now_us())


async def slots_of(b: QueueBench, since: int) -> list[int]:
    return [job.spec.origin.slot_time.seconds - since for job in await b.pull()]


@pytest.mark.parametrize(
    ("misfire", "fired", "skipped"),
    [
        (schedule_service_pb2.MISFIRE_POLICY_UNSPECIFIED, [240, 300], 3),
        (schedule_service_pb2.MISFIRE_POLICY_FIRE_ONCE, [240, 300], 3),
        (schedule_service_pb2.MISFIRE_POLICY_FIRE_ALL, [60, 120, 180, 240, 300], 0),
        (schedule_service_pb2.MISFIRE_POLICY_SKIP, [300], 4),
    ],
)
async def test_slots_that_were_missed(queue_bench: QueueBench, misfire: int, fired: list[int], skipped: int) -> None:
    made = await put(queue_bench, misfire=misfire)
    jump(queue_bench, 305)
    after = await get(queue_bench)
    assert await slots_of(queue_bench, made.create_time.seconds) == fired
    assert (after.runs, after.skipped) == (len(fired), skipped)


async def test_jitter_makes_no_slot_missed(queue_bench: QueueBench) -> None:
    made = await put(queue_bench, jitter=seconds(50), misfire=schedule_service_pb2.MISFIRE_POLICY_SKIP)
    jump(queue_bench, 119)
    assert await slots_of(queue_bench, made.create_time.seconds) == [60]


async def test_thousands_of_missed_slots_cost_no_more_than_those_that_fire(queue_bench: QueueBench) -> None:
    await put(queue_bench, cron="* * * * * *", misfire=schedule_service_pb2.MISFIRE_POLICY_FIRE_ALL)
    jump(queue_bench, 86_400)
    after = await get(queue_bench)
    assert 110 <= after.runs <= 112
    assert after.skipped == 100


async def test_what_is_due_is_found_among_many_that_are_not(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        await put(queue_bench, f"rare-{number}", interval=seconds(86_400))
    await put(queue_bench, "often", interval=seconds(1))
    column = queue_bench.core.engine.columns.schedules
    read = 0
    scan = column.scan

    def counted(*args: object, **options: object) -> list[tuple[bytes, bytes]]:
        nonlocal read
        rows = scan(*args, **options)  # type: ignore[arg-type]
        read += len(rows)
        return rows

    monkeypatch.setattr(column, "scan", counted)
    await queue_bench.advance(100)
    assert (await get(queue_bench, "often")).runs == 100
    assert read <= 2 * 100


async def test_a_burst_of_schedules_is_fired_in_steps(queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "STEP", 7)
    for number in range(30):
        await put(queue_bench, f"s{number}")
    before = queue_bench.core.engine.written
    await queue_bench.advance(60)
    assert await waiting(queue_bench) == 30
    assert queue_bench.core.engine.written - before >= 5


async def test_a_slot_that_met_a_full_disk_fires_later_and_once(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(queue_bench)
    engine = queue_bench.core.engine
    full = True
    write = engine.store.write

    def refuse(batch: object) -> None:
        if full:
            raise StorageFull("No space left on device")
        write(batch)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.store, "write", refuse)
    engine.clock.turn_to(engine.clock.now_us() + 60_000_000)
    with pytest.raises(StorageFull):
        engine.run_due(engine.clock.now_us())
    full = False
    await queue_bench.advance(2)
    assert ((await get(queue_bench)).runs, await waiting(queue_bench)) == (1, 1)


async def test_a_spec_that_cannot_fire_any_more_holds_up_no_other(
    queue_bench: QueueBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(queue_bench, "bad")
    await put(queue_bench, "good")
    job_of = firing.job_of

    def broken(spec: Spec, name: str, slot_us: int) -> object:
        if name == "bad":
            raise ValueError("no such time zone any more")
        return job_of(spec, name, slot_us)

    monkeypatch.setattr(firing, "job_of", broken)
    await queue_bench.advance(60)
    assert (await get(queue_bench, "bad")).paused
    assert (await get(queue_bench, "good")).runs == 1


def left_behind(path: Path) -> None:
    """A store with a schedule that fired twice, left behind by a process that was killed."""
    script = f"""
import asyncio, os, sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from queue_bench import bench, seconds, spec
from rockqueue.v1 import schedule_service_pb2
async def main():
    async with bench(Path({str(path)!r})) as b:
        schedule = schedule_service_pb2.ScheduleSpec(name="nightly", interval=seconds(60), job=spec())
        await b.core.schedules.put_schedule(schedule_service_pb2.PutScheduleRequest(schedule=schedule))
        await b.advance(150)
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == -9


async def test_a_schedule_left_behind_by_a_killed_server_fires_each_slot_once(tmp_path: Path) -> None:
    left_behind(tmp_path / "jobs.db")
    async with bench(tmp_path / "jobs.db") as b:
        made = await get(b)
        assert made.runs == 2
        await b.advance(30)
        assert await slots_of(b, made.create_time.seconds) == [60, 120, 180]


async def test_metrics_count_what_fired_and_what_did_not(queue_bench: QueueBench) -> None:
    await put(queue_bench, overlap=schedule_service_pb2.OVERLAP_POLICY_SKIP)
    await queue_bench.advance(180)
    text = Recorder(queue_bench.core, "1").snapshot().exposition().decode()
    assert "rockqueue_schedules 1.0" in text
    assert "rockqueue_schedules_fired_total 1.0" in text
    assert "rockqueue_schedules_skipped_total 2.0" in text
    assert "rockqueue_schedule_late_seconds_count 1.0" in text


async def test_the_check_finds_a_schedule_that_would_never_fire(queue_bench: QueueBench) -> None:
    made = await put(queue_bench)
    engine = queue_bench.core.engine
    state = unpack_state("nightly", engine.columns.schedules.get(state_key("nightly")) or b"")
    batch = engine.store.batch()
    batch.delete(due_key(state.due_us, "nightly"), engine.columns.schedules_h)
    engine.store.write(batch)
    (problem,) = await queue_bench.problems()
    assert "schedule nightly says it is due at" in problem
    batch = engine.store.batch()
    batch.put(due_key(state.due_us, "nightly"), b"", engine.columns.schedules_h)
    engine.store.write(batch)
    assert made.HasField("next_time")
