"""The worker as users see it: its states, its start, and its graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from enum import StrEnum
from typing import Any, Self

from rockqueue._client import Client
from rockqueue._durations import Seconds, seconds
from rockqueue._errors import RockQueueError
from rockqueue._flow_calls import list_parents
from rockqueue._jobs import JobDefinition
from rockqueue._middleware import Middleware, for_worker
from rockqueue._runtime import Runtime
from rockqueue._worker.credits import MAX_WINDOW
from rockqueue._worker.handlers import build_handlers
from rockqueue._worker.health import Health, LoopWatch
from rockqueue._worker.middleware import with_middleware
from rockqueue._worker.running import Running
from rockqueue._worker.session import Session
from rockqueue._worker.session_parts import SessionOptions
from rockqueue.v1.work_service_pb2 import CancelRequest, Delivery

log = logging.getLogger("rockqueue")

# How long handlers that were cancelled may take to clean up.
CLEAN_UP_S = 5.0
# How much longer than the leases the worker tries to deliver its last settlements.
FLUSH_SLACK_S = 5.0
DEFAULT_RESUME_GRACE_S = 10.0
GOODBYE_TIMEOUT_S = 5.0


class WorkerState(StrEnum):
    """CREATED -> RUNNING -> DRAINING -> STOPPED, or FAILED."""

    CREATED = "CREATED"
    RUNNING = "RUNNING"
    DRAINING = "DRAINING"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


class Worker:
    """Takes jobs from queues and runs their handlers.

        worker = Worker(client, jobs=[send_email], concurrency=20)
        await worker.run()

    Async handlers run on the loop that starts the worker, sync ones in a thread pool. What a handler returns is the
    job's result; what it raises fails the attempt, and the job's policy says whether and when it is tried again.
    Heartbeats come from another thread: a handler that blocks the loop does not lose its lease. A sync handler cannot
    be interrupted: one that looks at neither `ctx.cancelled` nor `ctx.shutting_down` holds up the end of the process.

    Args:
        client: The connection; it must stay open while the worker runs.
        jobs: Typed jobs, made by `rockqueue.job`.
        handlers: Functions by the name of the job, called with (payload) or (ctx, payload).
        queues: The queues to work on, 1 to 64. Default: the queues of `jobs`; needed when there are only `handlers`.
        concurrency: How many handlers run at once. Default: 10.
        prefetch: How many further jobs are held ready. Default: as many as `concurrency`. 0 for long jobs.
        name: What people call this worker. Default: host name and process id.
        lease: How long a job is safe from others when this process dies. Default: the queue's setting, 30 s.
        resume_grace: How long the server keeps the leases of a broken connection. Default: 10 s.
        grace: How long handlers may go on when the worker is asked to stop. Default: 30 s.
        executor: Where sync handlers run. Default: a pool of `concurrency` threads.
        middleware: What stands around every handler, inside the middleware of the client. Default: none.
        stuck_after: After how long a handler that does not end is said to be stuck: in the log, once, and in what
            `client.workers()` shows. Default: 10 minutes. None or 0: never.
    """

    def __init__(
        self,
        client: Client,
        *,
        jobs: Sequence[JobDefinition[..., Any]] = (),
        handlers: Mapping[str, Callable[..., Any]] | None = None,
        queues: Sequence[str] | None = None,
        concurrency: int = 10,
        prefetch: int | None = None,
        name: str | None = None,
        lease: Seconds | None = None,
        resume_grace: Seconds | None = None,
        grace: Seconds = 30.0,
        executor: Executor | None = None,
        middleware: Sequence[Middleware] = (),
        stuck_after: Seconds | None = 600.0,
    ) -> None:
        """No I/O. Raises ValueError and TypeError for options that make no sense."""
        prefetch = concurrency if prefetch is None else prefetch
        if concurrency < 1 or prefetch < 0 or concurrency + prefetch > MAX_WINDOW:
            raise ValueError(f"concurrency must be 1 or more, prefetch 0 or more, together at most {MAX_WINDOW}")
        self._handlers = with_middleware(
            build_handlers(jobs, handlers or {}, client.codec),
            [*client.middleware, *for_worker(middleware)],
            self._pool_or_executor,
        )
        self._client = client
        self._options = SessionOptions(
            queues=_queues_of(jobs, queues),
            worker=name or f"{socket.gethostname()}-{os.getpid()}"[:128],
            concurrency=concurrency,
            prefetch=prefetch,
            lease_s=None if lease is None else seconds(lease, "lease"),
            resume_grace_s=None if resume_grace is None else seconds(resume_grace, "resume_grace"),
        )
        self._grace_s = seconds(grace, "grace")
        self.stuck_after_s = seconds(stuck_after or 0, "stuck_after")
        self._own_executor: ThreadPoolExecutor | None = None
        self._executor = executor
        self._state = WorkerState.CREATED
        self._live: _Live | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._failure: RockQueueError | Exception | None = None
        self._hurry = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def state(self) -> WorkerState:
        """Where the worker is in its life."""
        return self._state

    @property
    def name(self) -> str:
        """What people call this worker."""
        return self._options.worker

    async def start(self) -> None:
        """Begins to work and returns at once; the connection is made, and made again, in the background.

        A worker starts once. Raises RuntimeError when it has been started before.
        """
        if self._state is not WorkerState.CREATED:
            raise RuntimeError(f"this worker is {self._state}; a worker starts once")
        operations = self._client.operations()
        self._state = WorkerState.RUNNING
        self._live = _Live(self, operations.runtime)
        session = Session(operations, self._options, self._live)
        running = Running(
            self._handlers,
            self._client.codec,
            session,
            self._options.concurrency,
            self._pool_or_executor,
            parents=lambda job_id: operations.runtime.submit(list_parents(operations, job_id)),
        )
        self._live.begin(session, running)

    async def run(self, *, install_signal_handlers: bool = True) -> None:
        """Works until `stop`, SIGINT or SIGTERM, and returns when all is settled. Raises what made the worker fail.

        The first signal drains, a second one does not wait for handlers. Cancelling `run` drains too. Signal handlers
        are installed in the main thread only; switch them off where the program has its own.
        """
        with self._signals(wanted=install_signal_handlers):
            await self.start()
            try:
                await self.wait()
            except asyncio.CancelledError:
                await self.stop()
                raise

    async def wait(self) -> None:
        """Returns when the worker has stopped. Raises what made it fail."""
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure

    async def stop(self, *, grace: Seconds | None = None) -> None:
        """Stops in good order; handlers get `grace` (default: the worker's) to finish. Never raises; twice is fine.

        No more jobs are taken, those that have not begun are given back; handlers see `ctx.shutting_down`; after the
        grace period they are cancelled and their jobs released, which costs no attempt. Leases are kept alive until
        all outcomes are on the server's disk.
        """
        if grace is not None and seconds(grace, "grace") == 0:
            self._hurry.set()
        if self._state is WorkerState.CREATED:
            self._state = WorkerState.STOPPED
            self._ended.set()
        if self._state is WorkerState.RUNNING:
            self._state = WorkerState.DRAINING
            grace_s = self._grace_s if grace is None else seconds(grace, "grace")
            self._stopping = asyncio.ensure_future(self._drain(grace_s))
        if self._stopping is not None:
            await asyncio.shield(self._stopping)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()
        if self._failure is not None and exc_info[1] is None:
            raise self._failure

    async def _drain(self, grace_s: float) -> None:
        live = self._live
        assert live is not None
        try:
            await live.on_io(live.session.drain)
            live.running.stop_accepting()
            await self._until_empty(live.running, grace_s)
            live.running.cancel_all()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(live.running.wait_empty(), CLEAN_UP_S)
            await self._flush(live)
            left = live.running.abandon_all()
            if left:
                log.warning("%d handlers did not stop; their jobs are released", left)
                await self._flush(live)
            await live.on_io(live.session.say_goodbye)
            await live.ended(GOODBYE_TIMEOUT_S)
        except RockQueueError as error:
            log.warning("the worker could not say goodbye: %s", error)
        finally:
            self._finish(WorkerState.STOPPED)

    async def _until_empty(self, running: Running, grace_s: float) -> None:
        waits = [asyncio.ensure_future(running.wait_empty()), asyncio.ensure_future(self._hurry.wait())]
        try:
            await asyncio.wait(waits, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _flush(self, live: _Live) -> None:
        live.running.flush()
        timeout_s = (self._options.resume_grace_s or DEFAULT_RESUME_GRACE_S) + FLUSH_SLACK_S
        if not await live.settled(timeout_s):
            log.warning("%d outcomes could not be delivered; their jobs run again", live.session.open_settlements)

    def session_ended(self, error: BaseException | None) -> None:
        """The session is over; only while RUNNING is that a surprise."""
        if error is None or self._state not in (WorkerState.RUNNING, WorkerState.DRAINING):
            return
        log.error("the worker failed: %s", error)
        self._failure = error if isinstance(error, Exception) else RuntimeError("the worker's session was cancelled")
        if self._live is not None:
            self._live.running.stop_accepting()
            self._live.running.cancel_all()
        if self._state is WorkerState.RUNNING:
            self._finish(WorkerState.FAILED)

    def _finish(self, state: WorkerState) -> None:
        self._state = WorkerState.FAILED if self._failure is not None else state
        if self._live is not None:
            self._live.close()
        if self._own_executor is not None:
            self._own_executor.shutdown(wait=False, cancel_futures=True)
        self._ended.set()

    def _pool_or_executor(self) -> Executor:
        if self._executor is not None:
            return self._executor
        if self._own_executor is None:
            self._own_executor = ThreadPoolExecutor(self._options.concurrency, thread_name_prefix="rockqueue-job")
        return self._own_executor

    @contextlib.contextmanager
    def _signals(self, *, wanted: bool) -> Generator[None]:
        if not wanted or threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in numbers}
        for number in numbers:
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
                signal.signal(number, before[number])

    def _signalled(self) -> None:
        if self._stopping is not None:
            log.warning("second signal: not waiting for handlers")
            self._hurry.set()
            return
        log.info("stopping; %g s for the handlers", self._grace_s)
        self._state = WorkerState.DRAINING
        self._stopping = asyncio.ensure_future(self._drain(self._grace_s))


class _Live:
    """The two halves of a started worker, and the hops between their loops."""

    session: Session
    running: Running

    def __init__(self, worker: Worker, runtime: Runtime) -> None:
        self._worker = worker
        self.runtime = runtime
        self._loop = asyncio.get_running_loop()
        self._watch = LoopWatch()
        self._task: asyncio.Future[None] | None = None

    def begin(self, session: Session, running: Running) -> None:
        """Starts the session."""
        self.session, self.running = session, running
        self._task = asyncio.wrap_future(self.runtime.submit(session.run()))
        self._task.add_done_callback(self._session_done)

    def _session_done(self, task: asyncio.Future[None]) -> None:
        if task.cancelled():
            self._worker.session_ended(asyncio.CancelledError())
        else:
            self._worker.session_ended(task.exception())

    def on_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """From the session, on the I/O loop."""
        self._loop.call_soon_threadsafe(self.running.deliver, deliveries)

    def on_cancels(self, cancels: Sequence[CancelRequest]) -> None:
        """From the session, on the I/O loop."""
        self._loop.call_soon_threadsafe(self.running.cancel, cancels)

    def on_lost(self, tokens: frozenset[bytes]) -> None:
        """From the session, on the I/O loop."""
        self._loop.call_soon_threadsafe(self.running.lose, tokens)

    def on_server_drain(self) -> None:
        """From the session, on the I/O loop."""
        self._loop.call_soon_threadsafe(self.running.release_waiting)

    def health(self) -> Health:
        """From the session, on the I/O loop: the handlers' loop may be blocked."""
        stuck_after_s = self._worker.stuck_after_s
        stuck = self.running.stuck_leases(stuck_after_s) if stuck_after_s else []
        return Health(self._watch.take_lag_s(), stuck)

    async def on_io(self, action: Callable[[], None]) -> None:
        """Does something on the I/O loop."""

        async def act() -> None:
            action()

        await self.runtime.run(act())

    async def settled(self, timeout_s: float) -> bool:
        """Waits until every outcome is on disk; False when the time is up or the session is over first."""
        settled = asyncio.ensure_future(self.runtime.run(self.session.settled()))
        waits: list[asyncio.Future[None]] = [settled] if self._task is None else [settled, self._task]
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if settled.done():
            await settled
            return True
        settled.cancel()
        return False

    async def ended(self, timeout_s: float) -> None:
        """Waits until the session is over."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)

    def close(self) -> None:
        """Ends the session, whatever it is doing."""
        self._watch.stop()
        if self._task is not None and not self._task.done():
            self._task.cancel()


def _queues_of(jobs: Sequence[JobDefinition[..., Any]], queues: Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(queues, str):
        raise TypeError(f"queues must be a list of names, not the string {queues!r}")
    chosen = dict.fromkeys(definition.queue for definition in jobs) if queues is None else dict.fromkeys(queues)
    if not chosen:
        raise ValueError("a worker with handlers={...} needs queues=[...]")
    return tuple(chosen)
