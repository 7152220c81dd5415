"""Schedules: what is asked for, what comes back, and slots that become jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from scripted import Refusal, ScriptedServer

import rockqueue
from rockqueue import Client, EventType, JobContext, JobState, NewJob, Worker
from rockqueue.testing import RockQueueServer
from rockqueue.v1 import schedule_service_pb2 as pb

START = datetime(2030, 1, 1, tzinfo=UTC)


@rockqueue.job(queue="reports", tags=["nightly"])
async def digest(ctx: JobContext, days: int = 1) -> dict[str, Any]:
    return {"days": days, "schedule": ctx.origin.schedule, "slot": str(ctx.origin.slot_time)}


async def test_every_option_is_sent(client: Client, server: ScriptedServer) -> None:
    server.answer("PutSchedule", pb.PutScheduleResponse())
    await client.schedules.put(
        "nightly",
        NewJob("reports", "digest", {"days": 1}, priority=3),
        cron="30 3 * * 1-5",
        time_zone="Europe/London",
        start_time=START,
        end_time=START + timedelta(days=365),
        max_runs=7,
        jitter=60,
        misfire="fire_all",
        catch_up=timedelta(hours=2),
        overlap="queue_one",
    )
    request: pb.PutScheduleRequest = server.of("PutSchedule")[0]
    spec = request.schedule
    assert request.request_id
    assert (spec.name, spec.cron, spec.time_zone, spec.max_runs) == ("nightly", "30 3 * * 1-5", "Europe/London", 7)
    assert (spec.start_time.ToDatetime(UTC), spec.end_time.seconds - spec.start_time.seconds) == (START, 365 * 86_400)
    assert (spec.jitter.seconds, spec.catch_up.seconds) == (60, 7200)
    assert (spec.misfire, spec.overlap) == (pb.MISFIRE_POLICY_FIRE_ALL, pb.OVERLAP_POLICY_QUEUE_ONE)
    assert (spec.job.queue, spec.job.name, spec.job.payload, spec.job.priority) == (
        "reports", "digest", b'{"days":1}', 3,
    )  # fmt: skip


async def test_what_is_not_given_is_not_sent(client: Client, server: ScriptedServer) -> None:
    server.answer("PutSchedule", pb.PutScheduleResponse())
    await client.schedules.put("hourly", NewJob("q", "n"), every=3600, max_runs=None, time_zone=None)
    sent = server.of("PutSchedule")[0].schedule
    assert {field.name for field, _ in sent.ListFields()} == {"name", "interval", "job"}


async def test_every_field_comes_back(client: Client, server: ScriptedServer) -> None:
    answer = pb.Schedule(paused=True, runs=5, skipped=2, last_job_id="j-1")
    spec = answer.spec
    spec.name, spec.cron, spec.time_zone, spec.max_runs = "nightly", "@daily", "Europe/London", 9
    spec.misfire, spec.overlap = pb.MISFIRE_POLICY_SKIP, pb.OVERLAP_POLICY_CANCEL_RUNNING
    spec.job.queue, spec.job.name, spec.job.payload = "reports", "digest", b'{"days":2}'
    spec.job.content_type = "application/json"
    for number, name in enumerate(("create_time", "update_time", "next_time", "last_slot_time", "queued_slot_time")):
        getattr(answer, name).FromDatetime(START + timedelta(days=number))
    server.answer("GetSchedule", pb.GetScheduleResponse(schedule=answer))
    found = await client.schedules.get("nightly")
    assert (found.name, found.cron, found.every, found.time_zone) == ("nightly", "@daily", None, "Europe/London")
    assert (found.max_runs, found.misfire, found.overlap) == (9, "skip", "cancel_running")
    assert (found.queue, found.job_name, found.payload) == ("reports", "digest", {"days": 2})
    assert (found.paused, found.runs, found.skipped, found.last_job_id) == (True, 5, 2, "j-1")
    times = [
        found.create_time, found.update_time, found.next_time, found.last_slot_time, found.queued_slot_time,
    ]  # fmt: skip
    assert times == [START + timedelta(days=number) for number in range(5)]
    assert (found.jitter, found.catch_up, found.start_time, found.end_time) == (None, None, None, None)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cron": "@daily", "every": 5},
        {"crom": "@daily"},
        {"every": 5, "misfire": "later"},
        {"every": 5, "jitter": "x"},
    ],
)
async def test_options_that_make_no_sense_are_refused_here(client: Client, options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        await client.schedules.put("s", NewJob("q", "n"), **options)
    with pytest.raises(TypeError, match="preview"):
        await client.schedules.preview("s", cron="@daily")


async def test_a_lost_reply_does_not_fire_twice(client: Client, server: ScriptedServer) -> None:
    down = Refusal(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", retry_after_s=0.001)
    server.answer("TriggerSchedule", down, pb.TriggerScheduleResponse(job_id="j"))
    assert await client.schedules.trigger("s") == "j"
    assert len({request.request_id for request in server.of("TriggerSchedule")}) == 1


async def test_a_slot_becomes_a_job_that_knows_it(rockqueue_server: RockQueueServer) -> None:
    await rockqueue_server.freeze()
    async with rockqueue_server.client() as client, Worker(client, jobs=[digest]):
        made = await digest.schedule("nightly", cron="0 3 * * *", overlap="skip").put(client, days=7)
        assert (made.created, made.runs, made.payload) == (True, 0, {"days": 7})
        assert made.next_time is not None
        async with client.events(schedules=["nightly"], types=[EventType.SCHEDULE_FIRED]) as events:
            await rockqueue_server.advance(made.next_time - await rockqueue_server.now())
            fired = await anext(events)
        assert (fired.schedule, fired.slot_time) == ("nightly", made.next_time)
        assert await client.result(fired.job_id, timeout=10) == {
            "days": 7,
            "schedule": "nightly",
            "slot": str(made.next_time),
        }
        job = await client.get(fired.job_id)
        assert (job.origin.schedule, job.origin.slot_time, job.tags) == ("nightly", made.next_time, ("nightly",))
        assert [one.id async for one in client.list(queue="reports", schedule="nightly")] == [fired.job_id]
        after = await client.schedules.get("nightly")
        assert (after.runs, after.last_job_id, after.last_slot_time) == (1, fired.job_id, made.next_time)
        again = await digest.schedule("nightly", every=3600).put(client)
        assert (again.created, again.every, again.runs) == (False, timedelta(hours=1), 1)


async def test_pause_trigger_resume_and_delete(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client() as client:
        await client.schedules.put("s", NewJob("q", "n"), cron="@daily", overlap="skip")
        paused = await client.schedules.pause("s")
        assert (paused.paused, paused.next_time) == (True, None)
        job_id = await client.schedules.trigger("s")
        assert job_id is not None
        assert (await client.get(job_id)).state is JobState.WAITING
        assert await client.schedules.trigger("s") is None
        resumed = await client.schedules.resume("s")
        assert resumed.next_time is not None
        await client.schedules.delete("s")
        with pytest.raises(rockqueue.ScheduleNotFound) as caught:
            await client.schedules.get("s")
        assert isinstance(caught.value, rockqueue.NotFound)


def test_preview_backfill_and_listing_without_a_loop(rockqueue_server: RockQueueServer) -> None:
    with rockqueue_server.sync_client() as client:
        slots = client.schedules.preview(
            cron="30 1 * * *", time_zone="Europe/London", after_time=datetime(2026, 3, 28, 12, tzinfo=UTC), count=2
        )
        assert slots == [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 30, 0, 30, tzinfo=UTC)]
        for name in ("b.two", "b.one", "other"):
            digest.schedule(name, cron="0 0 * * *").put(client, days=1)
        assert [schedule.name for schedule in client.schedules.list(prefix="b.")] == ["b.one", "b.two"]
        assert client.schedules.preview("b.one", after_time=START) == [START + timedelta(days=n) for n in range(1, 6)]
        job_ids = client.schedules.backfill("b.one", START, START + timedelta(days=3))
        assert [client.get(job_id).origin.slot_time for job_id in job_ids] == [
            START + timedelta(days=n) for n in range(3)
        ]
        with pytest.raises(ValueError, match="from_time"):
            client.schedules.backfill("b.one", datetime(2030, 1, 1), START)  # noqa: DTZ001 - that is the point
