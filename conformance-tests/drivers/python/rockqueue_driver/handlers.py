"""Handlers as data: performs what the runner wrote down, in an async or a sync function."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NoReturn

import rockqueue
from rockqueue_conformance.protocol import driver_pb2 as pb

from .frames import Frames
from .values import given, new_job, told, value_in

POLL_S = 0.005


class Gate:
    """Something that opens once, for tasks and threads."""

    def __init__(self) -> None:
        self.for_tasks = asyncio.Event()
        self.for_threads = threading.Event()

    def open(self) -> None:
        """Lets everybody through."""
        self.for_tasks.set()
        self.for_threads.set()


class Gates(defaultdict[str, Gate]):
    """All gates by name."""

    def __init__(self) -> None:
        super().__init__(Gate)


class Run:
    """One delivery in the hands of the handler."""

    def __init__(
        self, handler: pb.Handler, worker: str, frames: Frames, gates: Gates, ctx: rockqueue.JobContext
    ) -> None:
        self.ctx = ctx
        self.gates = gates
        self._handler = handler
        self._frames = frames
        self._stop_reported = False
        self._who: dict[str, Any] = {"worker": worker, "job_id": ctx.id, "attempt": ctx.attempt}

    def actions(self) -> list[pb.Action]:
        """What to do in this attempt."""
        scripts = self._handler.attempts
        return list(scripts[min(self.ctx.attempt, len(scripts)) - 1].actions) if scripts else []

    def observe(self, **what: Any) -> None:
        """Reports something, unless the handler is to be silent."""
        if not self._handler.silent:
            self._frames.observe(**what)

    def began(self) -> None:
        """Reports what the SDK told of the job."""
        self.observe(began=told(pb.HandlerBegan(**self._who), self.ctx, self.ctx.origin))

    def stop_asked(self) -> None:
        """Reports, once, that the handler should stop."""
        if not self._stop_reported:
            self._stop_reported = True
            self.observe(stop_asked=pb.HandlerStopped(**self._who, cause=self.ctx.cancel_cause or ""))

    def shutdown_told(self) -> None:
        """Reports that the worker shuts down."""
        self.observe(shutdown_told=pb.HandlerShutdown(**self._who))

    def ended(self, by: str) -> None:
        """Reports how the handler ends."""
        self.observe(ended=pb.HandlerEnded(**self._who, by=by))

    def act(self, action: pb.Action, kind: str) -> None:
        """An action that does not wait."""
        if kind == "block":
            time.sleep(action.block.ToTimedelta().total_seconds())
        elif kind == "log":
            self.ctx.log(action.log)
        elif kind == "progress":
            self.ctx.progress(**given(action.progress))
        elif kind == "follow_up":
            self.ctx.follow_up(new_job(action.follow_up))

    def parents(self, found: dict[str, rockqueue.ParentJob]) -> Any:
        """Ends with the results of the parents."""
        self.ended("parents")
        return {node: parent.result for node, parent in found.items()}

    def end(self, action: pb.Action, kind: str) -> Any:
        """An action that ends the handler."""
        self.ended(kind)
        match kind:
            case "complete":
                return value_in(action.complete)
            case "fail":
                raise RuntimeError(action.fail)
            case "crash":
                raise AssertionError(action.crash)
            case "fail_for_good":
                raise rockqueue.NonRetryable(action.fail_for_good)
            case "retry_after":
                raise rockqueue.RetryAfter(action.retry_after.delay.ToTimedelta(), action.retry_after.message)
            case "snooze":
                raise rockqueue.Snooze(action.snooze.ToTimedelta())
            case _:
                raise rockqueue.Release


ENDS = frozenset({"complete", "fail", "fail_for_good", "retry_after", "snooze", "release", "stop", "crash"})
AT_ONCE = frozenset({"block", "log", "progress", "follow_up"})


def make_handler(
    handler: pb.Handler, worker: str, frames: Frames, gates: Callable[[], Gates], *, sync: bool
) -> Callable[..., Any]:
    """The function that the worker is given."""

    def handle(ctx: rockqueue.JobContext, _: Any) -> Any:
        run = Run(handler, worker, frames, gates(), ctx)
        run.began()
        return perform_in_thread(run)

    async def handle_async(ctx: rockqueue.JobContext, _: Any) -> Any:
        run = Run(handler, worker, frames, gates(), ctx)
        run.began()
        return await perform(run)

    return handle if sync else handle_async


async def perform(run: Run) -> Any:
    """The actions, on the event loop."""
    for action in run.actions():
        kind = action.WhichOneof("action") or ""
        if kind == "stop":
            run.ended(kind)
            raise asyncio.CancelledError
        if kind in ENDS:
            return run.end(action, kind)
        if kind == "parents":
            return run.parents(await run.ctx.parents())
        if kind in AT_ONCE:
            run.act(action, kind)
            continue
        try:
            await wait(run, action, kind)
        except asyncio.CancelledError:
            run.stop_asked()
            if kind == "deaf_gate":
                await deaf_wait(run.gates[action.deaf_gate])
            elif kind != "until_stopped":
                run.ended("stop")
                raise
    run.ended("complete")
    return None


async def deaf_wait(gate: Gate) -> None:
    """Waits, however often it is asked to stop."""
    while not gate.for_tasks.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await gate.for_tasks.wait()


async def wait(run: Run, action: pb.Action, kind: str) -> None:
    """An action that waits."""
    if kind == "sleep":
        await asyncio.sleep(action.sleep.ToTimedelta().total_seconds())
    elif kind == "until_shutdown":
        await run.ctx.shutting_down.wait()
        run.shutdown_told()
    elif kind == "until_stopped":
        await asyncio.Event().wait()
    else:
        await run.gates[action.gate or action.deaf_gate].for_tasks.wait()


def perform_in_thread(run: Run) -> Any:
    """The actions, in a thread of the worker's pool."""
    for action in run.actions():
        kind = action.WhichOneof("action") or ""
        if kind == "stop":
            stop_in_thread(run)
        if kind in ENDS:
            return run.end(action, kind)
        if kind == "parents":
            return run.parents(run.ctx.parents_in_thread())
        if kind in AT_ONCE:
            run.act(action, kind)
        elif wait_in_thread(run, action, kind):
            run.stop_asked()
            if kind == "deaf_gate":
                run.gates[action.deaf_gate].for_threads.wait()
            elif kind != "until_stopped":
                stop_in_thread(run)
    run.ended("complete")
    return None


def stop_in_thread(run: Run) -> NoReturn:
    """Gives way."""
    run.ended("stop")
    raise rockqueue.JobCancelled


def wait_in_thread(run: Run, action: pb.Action, kind: str) -> bool:
    """An action that waits; True when the handler should stop."""
    gate = run.gates[action.gate or action.deaf_gate].for_threads
    until = time.monotonic() + action.sleep.ToTimedelta().total_seconds()
    while not run.ctx.cancelled.wait_in_thread(POLL_S):
        if (kind == "sleep" and time.monotonic() >= until) or (kind in ("gate", "deaf_gate") and gate.is_set()):
            return False
        if kind == "until_shutdown" and run.ctx.shutting_down.is_set():
            run.shutdown_told()
            return False
    return True
