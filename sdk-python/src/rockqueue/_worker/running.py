"""The handlers that run now: their starts, their ends, and what each end means for the job. On the worker's loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from time import monotonic
from types import MappingProxyType
from typing import Any, Protocol

from rockqueue._errors import PayloadError
from rockqueue._flow_models import ParentJob
from rockqueue._payloads import PayloadCodec
from rockqueue._worker.context import CancelCause, JobContext, Signal
from rockqueue._worker.handlers import Arguments, Handler
from rockqueue._worker.outcomes import (
    JobCancelled,
    NonRetryable,
    Outcome,
    cancelled,
    completed,
    failed,
    refused,
    released,
    snoozed,
)
from rockqueue._worker.session_parts import Dropped, Post
from rockqueue.v1.job_pb2 import JobSpec
from rockqueue.v1.work_service_pb2 import (
    CANCEL_CAUSE_REQUESTED,
    CANCEL_CAUSE_TIMEOUT,
    CancelRequest,
    Delivery,
    JobReport,
    Settlement,
)

log = logging.getLogger("rockqueue")

RESULT_BYTES = 1024 * 1024
SETTLEMENT_BYTES = 4 * 1024 * 1024 - 1024
UNKNOWN_NAME_PAUSE_S = 5.0


class Poster(Protocol):
    """Where outcomes and reports go."""

    def post(self, item: Post) -> None:
        """Takes an item; from any thread."""
        ...

    def post_all(self, items: list[Post]) -> None:
        """The same for several, in order."""
        ...


# A cause that this version does not know costs the lease like all that are no request.
_CAUSES = MappingProxyType({CANCEL_CAUSE_REQUESTED: CancelCause.REQUESTED, CANCEL_CAUSE_TIMEOUT: CancelCause.TIMEOUT})


FetchParents = Callable[[str], concurrent.futures.Future[list[ParentJob]]]
"""Asks the server for the parents of a job."""


class Run:
    """One delivery in the hands of its handler."""

    __slots__ = (
        "abandoned", "asked_to_stop", "began_s", "context", "delivery", "lost", "released", "said_stuck", "task",
    )  # fmt: skip

    def __init__(self, delivery: Delivery, context: JobContext) -> None:
        self.began_s = monotonic()
        self.said_stuck = False
        self.delivery = delivery
        self.context = context
        self.task: asyncio.Task[None] | None = None
        self.asked_to_stop = False
        self.lost = False
        self.released = False
        self.abandoned = False

    def stop(self, cause: CancelCause) -> None:
        """Tells the handler to stop: an async one is cancelled, a sync one can look."""
        if self.context.cancel_cause is None:
            self.context.cancel_cause = cause
        self.context.cancelled.set()
        if self.task is not None:
            self.task.cancel()


class Running:
    """Starts up to `concurrency` handlers, the others wait in the order in which they came."""

    def __init__(
        self,
        handlers: dict[str, Handler],
        codec: PayloadCodec,
        poster: Poster,
        concurrency: int,
        executor: Callable[[], Executor],
        *,
        parents: FetchParents,
    ) -> None:
        self._handlers = handlers
        self._parents = parents
        self._codec = codec
        self._poster = poster
        self._concurrency = concurrency
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Delivery] = deque()
        self._outcomes: list[Post] = []
        self._runs: dict[bytes, Run] = {}
        self._unknown_names: set[str] = set()
        self._accepting = True
        self._empty = asyncio.Event()
        self._empty.set()
        self.shutting_down = Signal()

    def report(self, report: JobReport) -> None:
        """Progress and log lines of a handler; from any thread."""
        self._poster.post(report)

    def parents(self, job_id: str) -> concurrent.futures.Future[list[ParentJob]]:
        """The parents of a job; from any thread."""
        return self._parents(job_id)

    def stuck_leases(self, longer_than_s: float) -> list[bytes]:
        """The deliveries whose handlers have run for so long, each said once in the log; from any thread.

        A handler that is stuck may be one that blocks the loop, so this is not asked on the loop.
        """
        before = monotonic() - longer_than_s
        stuck = [run for run in list(self._runs.values()) if run.began_s <= before]
        for run in stuck:
            if not run.said_stuck:
                run.said_stuck = True
                log.warning("%r has run for more than %g s and may be stuck", run.context, longer_than_s)
        return [run.delivery.lease_token for run in stuck]

    # ---- what the server says -----------------------------------------------------------------------------------

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Jobs to work on."""
        self._waiting.extend(deliveries)
        if self._accepting:
            self._start_waiting()
        else:
            self.release_waiting()

    def cancel(self, cancels: Sequence[CancelRequest]) -> None:
        """Handlers that should stop, and jobs that need not begin."""
        for request in cancels:
            requested = request.cause == CANCEL_CAUSE_REQUESTED
            run = self._runs.get(request.lease_token)
            if run is not None:
                run.asked_to_stop = run.asked_to_stop or requested
                run.lost = run.lost or not requested
                run.stop(_CAUSES.get(request.cause, CancelCause.LEASE_LOST))
            elif self._take_waiting(request.lease_token):
                token = request.lease_token
                self._post(cancelled(token) if requested else Dropped(token))

    def lose(self, tokens: Iterable[bytes]) -> None:
        """Leases that are lost: the handlers stop, their outcomes are dropped."""
        for token in tokens:
            run = self._runs.get(token)
            if run is not None:
                run.lost = True
                run.stop(CancelCause.LEASE_LOST)
            elif self._take_waiting(token):
                self._post(Dropped(token))

    def release_waiting(self) -> None:
        """Gives back what has not begun."""
        while self._waiting:
            self._post(released(self._waiting.popleft().lease_token))

    def _take_waiting(self, token: bytes) -> bool:
        for delivery in self._waiting:
            if delivery.lease_token == token:
                self._waiting.remove(delivery)
                return True
        return False

    def flush(self) -> None:
        """Hands over what has ended. Done once a loop turn: what ends together is settled together."""
        outcomes, self._outcomes = self._outcomes, []
        if outcomes:
            self._poster.post_all(outcomes)

    def _post(self, outcome: Post) -> None:
        if not self._outcomes:
            self._loop.call_soon(self.flush)
        self._outcomes.append(outcome)

    # ---- the end of the worker ----------------------------------------------------------------------------------

    def stop_accepting(self) -> None:
        """Begins no more handlers, tells those that run, and gives back what waits."""
        self._accepting = False
        self.release_waiting()
        self.shutting_down.set()

    async def wait_empty(self) -> None:
        """Returns when no handler runs."""
        await self._empty.wait()

    def cancel_all(self) -> None:
        """Cancels the handlers that are left; a job whose handler gives way is released."""
        for run in list(self._runs.values()):
            run.released = True
            run.stop(CancelCause.SHUTDOWN)

    def abandon_all(self) -> int:
        """Releases the jobs of handlers that do not stop, and ignores what becomes of them; returns how many."""
        runs = list(self._runs.values())
        for run in runs:
            run.abandoned = True
            self._post(Dropped(run.delivery.lease_token) if run.lost else released(run.delivery.lease_token))
        self._runs.clear()
        self._empty.set()
        return len(runs)

    # ---- one job ------------------------------------------------------------------------------------------------

    def _start_waiting(self) -> None:
        while self._waiting and len(self._runs) < self._concurrency:
            self._begin(self._waiting.popleft())

    def _begin(self, delivery: Delivery) -> None:
        handler = self._handlers.get(delivery.spec.name)
        if handler is None:
            self._put_off_unknown(delivery)
            return
        context = JobContext(delivery, self._codec, self, self.shutting_down)
        try:
            arguments = handler.prepare(context)
        except PayloadError as error:
            log.warning("%r: %s", context, error)
            self._post(refused(delivery.lease_token, "PAYLOAD_ERROR", str(error), for_good=True))
            return
        run = Run(delivery, context)
        self._runs[delivery.lease_token] = run
        self._empty.clear()
        if handler.is_async:
            run.task = self._loop.create_task(self._run_async(run, handler, arguments))
        else:
            self._run_in_thread(run, handler, arguments)

    def _put_off_unknown(self, delivery: Delivery) -> None:
        name = delivery.spec.name
        if name not in self._unknown_names:
            self._unknown_names.add(name)
            log.warning(
                "no handler for jobs called %r in queue %r; they are put off by %g s for workers that have one",
                name,
                delivery.spec.queue,
                UNKNOWN_NAME_PAUSE_S,
            )
        self._post(snoozed(delivery.lease_token, UNKNOWN_NAME_PAUSE_S))

    async def _run_async(self, run: Run, handler: Handler, arguments: Arguments) -> None:
        try:
            result = await handler.function(*arguments[0], **arguments[1])
        except asyncio.CancelledError as error:
            self._end(run, self._settle_stopped(run, error))
        except Exception as error:  # noqa: BLE001 - what a handler raises is its job's business
            self._end(run, self._settle_failed(run, error))
        else:
            self._end(run, self._settle_completed(run, result))

    def _run_in_thread(self, run: Run, handler: Handler, arguments: Arguments) -> None:
        variables = contextvars.copy_context()

        def call() -> Any:
            return variables.run(handler.function, *arguments[0], **arguments[1])

        future = self._loop.run_in_executor(self._executor(), call)
        future.add_done_callback(lambda done: self._thread_ended(run, done))

    def _thread_ended(self, run: Run, future: asyncio.Future[Any]) -> None:
        if future.cancelled():
            self._end(run, self._settle_stopped(run, asyncio.CancelledError()))
            return
        error = future.exception()
        if error is not None:
            self._end(run, self._settle_failed(run, error))
        else:
            self._end(run, self._settle_completed(run, future.result()))

    def _end(self, run: Run, settlement: Settlement) -> None:
        if run.abandoned:
            return
        token = run.delivery.lease_token
        self._runs.pop(token, None)
        self._post(Dropped(token) if run.lost else settlement)
        if self._accepting:
            self._start_waiting()
        if not self._runs:
            self._empty.set()

    # ---- what an end means --------------------------------------------------------------------------------------

    def _settle_completed(self, run: Run, result: Any) -> Settlement:
        token = run.delivery.lease_token
        follow_ups = run.context.take_follow_ups()
        if result is None and not follow_ups:
            return completed(token, b"", "", ())
        try:
            data, content_type = (b"", "") if result is None else self._codec.encode(result)
        except Exception as error:  # noqa: BLE001 - a codec of the user's
            log.warning("%r: its result cannot be encoded: %s", run.context, error)
            return refused(token, "PAYLOAD_ERROR", f"the result cannot be encoded: {error}", for_good=True)
        return self._within_limits(run, data, content_type, follow_ups)

    def _within_limits(self, run: Run, data: bytes, content_type: str, follow_ups: list[JobSpec]) -> Settlement:
        token = run.delivery.lease_token
        settlement = completed(token, data, content_type, follow_ups)
        if len(data) > RESULT_BYTES or settlement.ByteSize() > SETTLEMENT_BYTES:
            message = f"a result may have {RESULT_BYTES} bytes, and {SETTLEMENT_BYTES} with its follow-ups"
            log.warning("%r: %s", run.context, message)
            return refused(token, "LIMIT_EXCEEDED", message, for_good=True)
        return settlement

    def _settle_failed(self, run: Run, error: BaseException) -> Settlement:
        if isinstance(error, JobCancelled) and run.context.cancelled.is_set():
            return self._settle_stopped(run, error)
        if not isinstance(error, Outcome) or isinstance(error, NonRetryable):
            log.warning("%r failed: %s: %s", run.context, type(error).__name__, error)
        return failed(run.delivery.lease_token, error)

    def _settle_stopped(self, run: Run, error: BaseException) -> Settlement:
        token = run.delivery.lease_token
        if run.asked_to_stop:
            return cancelled(token)
        if run.released or not self._accepting:
            return released(token)
        # Nobody asked: something inside the handler was cancelled and it let that through.
        log.warning("%r failed: cancelled from within", run.context)
        return failed(token, error)
