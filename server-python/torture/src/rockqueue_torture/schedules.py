"""Schedules under kill -9: each slot makes one job, however often and wherever the server dies (P15)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import job_pb2, job_service_pb2, schedule_service_pb2
from rockqueue_server.failpoints import VARIABLE
from rockqueue_torture.checker import Violation
from rockqueue_torture.client import RawClient
from rockqueue_torture.environment.books import problems
from rockqueue_torture.server import Server
from rockqueue_torture.verdict import Verdict

_CALL_S = 15.0
_QUEUE = "slots"
_SECOND_US = 1_000_000
_INTERVALS_S = (1, 1, 2, 3)
_CRON = "* * * * * *"
_PAGE = 1000
_FAILPOINTS = ("before_write", "after_write_before_sync", "after_sync_before_answer", "during_close", "during_open")


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """So many lives of a server with a handful of schedules; `arguments` are more options of `rockqueue serve`."""

    rounds: int
    seed: int
    least_s: float = 0.3
    most_s: float = 2.5
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slots:
    """What is known of a schedule at the end: moments in microseconds."""

    name: str
    first_us: int
    last_us: int
    every_us: int
    runs: int
    jobs: list[int]
    """The slot of each job that it pushed."""


async def schedule_run(home: Path, plan: SchedulePlan) -> Verdict:
    """Puts schedules, kills the server again and again, and looks what became of each slot."""
    random = Random(plan.seed)  # noqa: S311 - a run has to be repeatable
    server = Server(home, testing=True, arguments=plan.arguments)
    verdict = Verdict("schedules", plan.seed, home)
    first: dict[str, int] = {}
    try:
        while verdict.rounds < plan.rounds:
            how = random.choice(_FAILPOINTS) if first and random.random() < 0.5 else "at random"  # noqa: PLR2004 - half
            server.environment = {VARIABLE: f"{how}:{random.randint(1, 6)}"} if how != "at random" else {}
            await server.launch()
            if await server.ready():
                if not first:
                    first = await _put(server.address)
                await server.exited(random.uniform(plan.least_s, plan.most_s))
            await server.kill()
            verdict.rounds += 1
            verdict.done[how] += 1
        server.environment = {}
        server.arguments = []
        await server.start()
        found = await _read(server.address, first)
        await server.stop()
    finally:
        await server.kill()
    verdict.acknowledged = sum(len(one.jobs) for one in found)
    verdict.violations = [Violation("P15", "", story) for one in found for story in wrong_slots(one)]
    verdict.violations += [Violation("P14", "", problem) for problem in await problems(server)]
    return verdict


def wrong_slots(slots: Slots) -> list[str]:
    """What is wrong with the jobs of a schedule: slots that made two, none, or that were no slots."""
    counted = Counter(slots.jobs)
    due = range(slots.first_us, slots.last_us + 1, slots.every_us) if slots.last_us else range(0)
    twice = [slot for slot, count in counted.items() if count > 1]
    wrong = [f"{slots.name}: slot {slot} made {counted[slot]} jobs" for slot in sorted(twice)]
    wrong += [f"{slots.name}: slot {slot} made no job" for slot in due if slot not in counted]
    wrong += [f"{slots.name}: there is a job of {slot}, which is no slot" for slot in sorted(set(counted) - set(due))]
    if slots.runs != len(due):
        wrong.append(f"{slots.name}: {len(due)} slots were due, and {slots.runs} runs are counted")
    return wrong


async def _put(address: str) -> dict[str, int]:
    """Puts the schedules; the first slot of each by its name."""
    first: dict[str, int] = {}
    async with RawClient(address) as client:
        for number, seconds in enumerate((*_INTERVALS_S, 0)):
            spec = schedule_service_pb2.ScheduleSpec(
                name=f"every-{seconds}-{number}" if seconds else "cron",
                misfire=schedule_service_pb2.MISFIRE_POLICY_FIRE_ALL,
                job=job_pb2.JobSpec(queue=_QUEUE, name="slot"),
            )
            if seconds:
                spec.interval.CopyFrom(Duration(seconds=seconds))
            else:
                spec.cron = _CRON
            request = schedule_service_pb2.PutScheduleRequest(request_id=f"put-{spec.name}", schedule=spec)
            answer = await client.schedules.PutSchedule(request, timeout=_CALL_S, wait_for_ready=True)
            first[spec.name] = answer.schedule.next_time.ToMicroseconds()
    return first


async def _read(address: str, first: dict[str, int]) -> list[Slots]:
    found: list[Slots] = []
    async with RawClient(address) as client:
        for name, first_us in first.items():
            request = schedule_service_pb2.PauseScheduleRequest(name=name)
            paused = (await client.schedules.PauseSchedule(request, timeout=_CALL_S, wait_for_ready=True)).schedule
            found.append(
                Slots(
                    name,
                    first_us,
                    paused.last_slot_time.ToMicroseconds() if paused.HasField("last_slot_time") else 0,
                    (paused.spec.interval.seconds or 1) * _SECOND_US,
                    paused.runs,
                    await _jobs(client, name),
                )
            )
    return found


async def _jobs(client: RawClient, name: str) -> list[int]:
    slots: list[int] = []
    token = ""
    while True:
        request = job_service_pb2.ListJobsRequest(
            filter=job_service_pb2.JobFilter(schedule=name), page_size=_PAGE, page_token=token
        )
        page = await client.jobs.ListJobs(request, timeout=_CALL_S)
        slots += [job.spec.origin.slot_time.ToMicroseconds() for job in page.jobs]
        token = page.next_page_token
        if not token:
            return slots
