"""Defects that the driver can be given, each a wrong translation that the cases must notice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import rockqueue
from rockqueue_conformance.protocol import driver_pb2 as pb

from . import commands, handlers, values
from .call_defects import CALL_DEFECTS
from .commands import Driver
from .events import EventReader
from .handlers import Run

Plant = Callable[[Driver], None]


def _cancel_ignored(_: Driver) -> None:
    wait = handlers.wait

    async def deaf(run: Run, action: pb.Action, kind: str) -> None:
        if kind == "gate":
            await handlers.deaf_wait(run.gates[action.gate])
        else:
            await wait(run, action, kind)

    handlers.wait = deaf


def _ending(replaced: str, instead: Callable[[pb.Action], Any]) -> Plant:
    def plant(_: Driver) -> None:
        end = Run.end

        def other(self: Run, action: pb.Action, kind: str) -> Any:
            if kind != replaced:
                return end(self, action, kind)
            self.ended(kind)
            return instead(action)

        Run.end = other

    return plant


def _raise(error: Exception) -> Any:
    raise error


def _kinds_lost(_: Driver) -> None:
    values.KINDS = ("RockQueueError",)


def _stop_not_awaited(driver: Driver) -> None:
    async def stop(wanted: pb.StopWorker) -> dict[str, Any]:
        worker = driver.workers[wanted.worker]
        driver.ends.add(asyncio.ensure_future(worker.stop()))
        return {"worker": pb.WorkerStatus(worker=worker.name, state="STOPPED")}

    driver.stop_worker = stop


def _pushes_reversed(driver: Driver) -> None:
    push = driver.push

    async def backwards(wanted: pb.Push) -> dict[str, Any]:
        turned = pb.Push(client=wanted.client, jobs=reversed(wanted.jobs), copies=wanted.copies, callers=wanted.callers)
        answer = await push(turned)
        return {"pushes": pb.Pushes(pushes=reversed(answer["pushes"].pushes))}

    driver.push = backwards


def _batch_pushed_singly(driver: Driver) -> None:
    push = driver.push

    async def singly(wanted: pb.PushMany) -> dict[str, Any]:
        return await push(pb.Push(client=wanted.client, jobs=wanted.jobs, copies=wanted.copies))

    driver.push_many = singly


def _new_job(change: Callable[[pb.NewJob], None]) -> Plant:
    def plant(_: Driver) -> None:
        new_job = values.new_job

        def other(job: pb.NewJob) -> rockqueue.NewJob:
            changed = pb.NewJob()
            changed.CopyFrom(job)
            change(changed)
            return new_job(changed)

        commands.new_job = other

    return plant


def _text_for_json(job: pb.NewJob) -> None:
    if job.payload.WhichOneof("value") == "json":
        job.payload.raw = job.payload.json.encode()


def _without_options(job: pb.NewJob) -> None:
    for name in ("priority", "headers", "tags", "retry", "unique"):
        job.ClearField(name)


def _dry_run_ignored(driver: Driver) -> None:
    change = driver.change_jobs

    async def in_earnest(wanted: pb.ChangeJobs) -> dict[str, Any]:
        wanted.dry_run = False
        return await change(wanted)

    driver.change_jobs = in_earnest


def _events_skipped(_: Driver) -> None:
    read = EventReader.read

    async def some(self: EventReader, count: int, timeout_s: float) -> list[rockqueue.Event]:
        return (await read(self, count, timeout_s))[1:]

    EventReader.read = some


def _one_at_a_time(driver: Driver) -> None:
    start = driver.start_worker

    async def alone(wanted: pb.StartWorker) -> dict[str, Any]:
        wanted.concurrency = 1
        return await start(wanted)

    driver.start_worker = alone


def _opened_otherwise(change: Callable[[pb.OpenClient], None]) -> Plant:
    def plant(driver: Driver) -> None:
        opening = driver.open_client

        async def other(wanted: pb.OpenClient) -> None:
            change(wanted)
            await opening(wanted)

        driver.open_client = other

    return plant


def _close_forgotten(driver: Driver) -> None:
    async def nothing(wanted: pb.CloseClient) -> None:
        assert wanted.client

    driver.close_client = nothing


def _errors_swallowed(driver: Driver) -> None:
    change = driver.change_jobs

    async def quiet(wanted: pb.ChangeJobs) -> dict[str, Any]:
        with contextlib.suppress(rockqueue.RockQueueError):
            return await change(wanted)
        return {"changed": pb.Changed()}

    driver.change_jobs = quiet


def _logs_lost(_: Driver) -> None:
    act = Run.act

    def silent(self: Run, action: pb.Action, kind: str) -> None:
        if kind != "log":
            act(self, action, kind)

    Run.act = silent


DEFECTS: dict[str, Plant] = {
    "cancel_ignored": _cancel_ignored,
    "result_dropped": _ending("complete", lambda _: None),
    "failure_taken_for_success": _ending("fail", lambda _: None),
    "failure_for_good_is_repeated": _ending("fail_for_good", lambda one: _raise(RuntimeError(one.fail_for_good))),
    "snooze_counts_as_failure": _ending("snooze", lambda _: _raise(RuntimeError("later"))),
    "error_classes_lost": _kinds_lost,
    "stop_not_awaited": _stop_not_awaited,
    "pushes_reversed": _pushes_reversed,
    "batch_pushed_singly": _batch_pushed_singly,
    "json_passed_as_bytes": _new_job(_text_for_json),
    "options_left_out": _new_job(_without_options),
    "group_dropped": _new_job(lambda job: job.ClearField("group")),
    "bulk_dry_run_ignored": _dry_run_ignored,
    "events_skipped": _events_skipped,
    "one_handler_at_a_time": _one_at_a_time,
    "retries_switched_off": _opened_otherwise(lambda one: setattr(one.retry, "disabled", True)),
    "timeout_ignored": _opened_otherwise(lambda one: one.ClearField("timeout")),
    "linger_ignored": _opened_otherwise(lambda one: one.ClearField("linger")),
    "close_forgotten": _close_forgotten,
    "errors_swallowed": _errors_swallowed,
    "log_lines_lost": _logs_lost,
    **CALL_DEFECTS,
}
"""Every defect by its name."""


def plant(driver: Driver, name: str) -> None:
    """Gives the driver the defect."""
    DEFECTS[name](driver)
