"""A worker session on the I/O loop: one stream after the other, until the worker says goodbye."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable

import grpc

from rockqueue._durations import from_duration, to_duration
from rockqueue._errors import RockQueueError, Unavailable
from rockqueue._operations import Operations
from rockqueue._retry import backoff, spread
from rockqueue._runtime import Mailbox
from rockqueue._transport import WorkStream
from rockqueue._version import CLIENT
from rockqueue._worker.credits import CreditLedger
from rockqueue._worker.outbox import Outbox
from rockqueue._worker.outcomes import refused, released
from rockqueue._worker.session_parts import Post, SessionListener, SessionOptions, StreamState
from rockqueue.v1.job_service_pb2 import EntryStatus
from rockqueue.v1.work_service_pb2 import (
    CANCEL_CAUSE_REQUESTED,
    AddCredits,
    Drain,
    Goodbye,
    Heartbeat,
    JobReport,
    OpenSession,
    SessionOpened,
    Settlement,
    WorkRequest,
    WorkResponse,
)

log = logging.getLogger("rockqueue")

OPEN_TIMEOUT_S = 10.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
HELD_LEASES = 10_000
STUCK_LEASES = 1_000
HOST_CHARACTERS = 255
# One break is nothing to speak of; one that the first reconnect does not mend is.
WARN_AT_PAUSE = 2
REPORT_PAUSE_S = 0.1
# A loop that was kept from running has messages waiting: it may read them before silence is taken for a broken stream.
WATCHDOG_SECOND_LOOK_S = 0.05

_FATAL = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)


class Session:
    """Keeps the stream, the credits, the heartbeats and the settlements of one worker.

    `post` and `post_all` may be called from any thread; all else runs on the I/O loop.
    """

    def __init__(self, operations: Operations, options: SessionOptions, listener: SessionListener) -> None:
        self._operations = operations
        self._options = options
        self._listener = listener
        self._ledger = CreditLedger(options.concurrency, options.prefetch)
        self._outbox = Outbox()
        self._lost: set[bytes] = set()
        self._mailbox = Mailbox[Post](operations.runtime.loop(), self._take)
        self._session_id = ""
        self._pauses = 0
        self._draining = False
        self._leaving = asyncio.Event()
        self._changed = asyncio.Event()
        self._answered = asyncio.Event()
        self._stream = StreamState()
        operations.runtime.heartbeats.add(self)

    def beat(self) -> None:
        """Sends a heartbeat now."""
        self._stream.heartbeat_due = True
        self._changed.set()

    def post(self, item: Post) -> None:
        """A settlement, a report, or a delivery that needs none."""
        self._mailbox.post(item)

    def post_all(self, items: list[Post]) -> None:
        """The same for several, in order."""
        self._mailbox.post_all(items)

    async def run(self) -> None:
        """Works until goodbye. Raises what no reconnect can mend."""
        while True:
            try:
                await self._serve()
                if self._leaving.is_set():
                    return
                log.info("worker session ended by a server that shuts down; opening a new one")
            except RockQueueError as error:
                if error.reason == "SESSION_TAKEN":
                    self._forget_session()
                elif error.code in _FATAL:
                    raise
                log.debug("worker stream broke off: %s", error)
            finally:
                self._ledger.stream_ended()
                self._outbox.stream_ended()
            await self._pause()
            if self._leaving.is_set():
                # The worker has waited for its settlements as long as it wanted to.
                return

    async def _pause(self) -> None:
        pause = backoff(self._pauses, FIRST_PAUSE_S, LONGEST_PAUSE_S, spread()) if self._pauses else 0.0
        self._pauses += 1
        if self._pauses == WARN_AT_PAUSE:
            log.warning("no connection for the worker session; trying on")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._leaving.wait(), pause)

    def drain(self) -> None:
        """Grants no more credits, and tells the server."""
        self._draining = True
        self._changed.set()

    async def settled(self) -> None:
        """Returns when every settlement posted so far has its answer."""
        while not self._outbox.idle:
            self._answered.clear()
            await self._answered.wait()

    def say_goodbye(self) -> None:
        """Ends the session in good order; `run` returns when the server has ended the stream."""
        self._leaving.set()
        self._changed.set()

    @property
    def open_settlements(self) -> int:
        """Settlements that the server has not answered."""
        return self._outbox.open_settlements

    # ---- one stream ---------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        transport = await self._operations.runtime.transport()
        stream = transport.open_work()
        helpers: list[asyncio.Task[None]] = []
        try:
            interval_s = self._take_opened(await self._open(stream))
            writer = asyncio.ensure_future(self._write(stream))
            # A writer that fails wakes the reader, who knows the stream's status.
            writer.add_done_callback(lambda task: None if _in_order(task) else stream.cancel())
            helpers = [writer, asyncio.ensure_future(self._keep_alive(stream, interval_s))]
            await self._read(stream)
        finally:
            for helper in helpers:
                helper.cancel()
            outcomes = await asyncio.gather(*helpers, return_exceptions=True)
            stream.cancel()
            for outcome in outcomes:
                if isinstance(outcome, Exception) and not isinstance(outcome, RockQueueError):
                    raise outcome

    async def _open(self, stream: WorkStream) -> SessionOpened:
        options = self._options
        held = [token for token in self._ledger.tokens if token not in self._lost] + list(self._outbox.tokens())
        message = OpenSession(
            queues=options.queues,
            worker=options.worker,
            session_id=self._session_id,
            held_leases=held[:HELD_LEASES] if self._session_id else (),
            lease=None if options.lease_s is None else to_duration(options.lease_s),
            resume_grace=None if options.resume_grace_s is None else to_duration(options.resume_grace_s),
            client=CLIENT,
            host=socket.gethostname()[:HOST_CHARACTERS],
            pid=os.getpid(),
        )
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                # What goes wrong here is told by the status, which only reading gives.
                with contextlib.suppress(RockQueueError):
                    await stream.write(WorkRequest(open=message))
                first = await stream.read()
        except TimeoutError as cause:
            stream.give_up()
            raise Unavailable(f"the server did not open the session within {OPEN_TIMEOUT_S:g} s") from cause
        if first is None or first.WhichOneof("message") != "opened":
            raise Unavailable("the server ended the stream before it opened the session")
        return first.opened

    def _take_opened(self, opened: SessionOpened) -> float:
        if self._session_id and not opened.resumed:
            self._lose(frozenset(self._ledger.tokens) | frozenset(self._outbox.tokens()))
        elif opened.lost_leases:
            self._lose(frozenset(opened.lost_leases))
        self._session_id = opened.session_id
        self._stream = StreamState(last_received=asyncio.get_running_loop().time(), reports_due=True)
        self._changed.set()
        return from_duration(opened.heartbeat_interval)

    def _lose(self, tokens: frozenset[bytes]) -> None:
        dropped = self._outbox.drop(tokens)
        running = frozenset(token for token in tokens if token in self._ledger)
        self._lost |= running
        if dropped or running:
            log.warning("%d leases were lost while the worker had no connection", dropped + len(running))
        self._answered.set()
        if running:
            self._listener.on_lost(running)

    def _forget_session(self) -> None:
        log.warning("another stream took over the worker session %s; opening a new one", self._session_id)
        self._outbox.stream_ended()
        self._lose(frozenset(self._ledger.tokens) | frozenset(self._outbox.tokens()))
        self._session_id = ""

    # ---- reading ------------------------------------------------------------------------------------------------

    async def _read(self, stream: WorkStream) -> None:
        loop = asyncio.get_running_loop()
        state = self._stream
        while True:
            message = await stream.read()
            if message is None:
                if state.goodbye_said:
                    self._session_id = ""
                    return
                raise Unavailable("the server ended the stream")
            state.last_received = loop.time()
            if not state.server_drains:
                # The stream works: the next break is the first again.
                self._pauses = 0
            self._handle(message)

    def _handle(self, message: WorkResponse) -> None:
        kind = message.WhichOneof("message")
        if kind == "deliveries":
            deliveries = list(message.deliveries.deliveries)
            for delivery in deliveries:
                self._ledger.delivered(delivery.lease_token)
            self._listener.on_deliveries(deliveries)
        elif kind == "settled":
            for settlement, status in self._outbox.answered(message.settled):
                self._not_carried_out(settlement, status)
            self._answered.set()
            self._changed.set()
        elif kind == "cancels":
            cancels = list(message.cancels.cancels)
            self._lost.update(
                one.lease_token
                for one in cancels
                if one.cause != CANCEL_CAUSE_REQUESTED and one.lease_token in self._ledger
            )
            self._listener.on_cancels(cancels)
        elif kind == "drain":
            self._stream.server_drains = True
            self._pauses = 1
            self._listener.on_server_drain()
            self._changed.set()

    def _not_carried_out(self, settlement: Settlement, status: EntryStatus) -> None:
        token, outcome = settlement.lease_token, settlement.WhichOneof("outcome")
        if status.reason == "LEASE_LOST":
            log.info("a settlement (%s) came too late: %s", outcome, status.message)
            return
        log.warning("the server refused a settlement (%s): %s: %s", outcome, status.reason, status.message)
        # The job is still ACTIVE, and heartbeats would keep it so for ever: it has to be settled somehow.
        if outcome in ("complete", "cancelled", "snooze"):
            for_good = status.reason in ("INVALID_FIELD", "LIMIT_EXCEEDED")
            self._outbox.add(refused(token, status.reason, status.message, for_good=for_good))
        elif outcome == "fail":
            self._outbox.add(released(token))

    # ---- writing ------------------------------------------------------------------------------------------------

    def _take(self, items: list[Post]) -> None:
        for item in items:
            if isinstance(item, JobReport):
                if item.lease_token not in self._lost:
                    self._outbox.report(item)
                    self._schedule_reports()
                continue
            self._ledger.settled(item.lease_token)
            if item.lease_token in self._lost:
                self._lost.discard(item.lease_token)
            elif isinstance(item, Settlement):
                self._outbox.add(item)
        self._changed.set()

    def _schedule_reports(self) -> None:
        state = self._stream
        if not state.reports_scheduled:
            state.reports_scheduled = True
            asyncio.get_running_loop().call_later(REPORT_PAUSE_S, self._reports_due, state)

    def _reports_due(self, state: StreamState) -> None:
        state.reports_scheduled = False
        state.reports_due = True
        self._changed.set()

    async def _write(self, stream: WorkStream) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            # Asked before anything is written: a drain that is asked for meanwhile has to be said before the goodbye.
            leaving = self._may_say_goodbye()
            for message in self._compose():
                await stream.write(message)
            if leaving and self._may_say_goodbye():
                self._stream.goodbye_said = True
                await stream.write(WorkRequest(goodbye=Goodbye()))
                await stream.done_writing()
                return

    def _compose(self) -> list[WorkRequest]:
        """All there is to say now, in the order in which the server should hear it."""
        state, outbox = self._stream, self._outbox
        messages: list[WorkRequest] = []
        if self._draining and not state.drain_said:
            state.drain_said = True
            messages.append(WorkRequest(drain=Drain()))
        if state.heartbeat_due:
            state.heartbeat_due = False
            state.heartbeats += 1
            health = self._listener.health()
            heartbeat = Heartbeat(
                sequence=state.heartbeats,
                loop_lag=to_duration(health.loop_lag_s),
                stuck_leases=health.stuck_leases[:STUCK_LEASES],
            )
            messages.append(WorkRequest(heartbeat=heartbeat))
        if state.reports_due or outbox.has_settlements:
            # Before the settlements: reports for settled leases are dropped.
            state.reports_due = False
            messages.extend(outbox.take_reports())
        granted = 0 if self._draining or state.server_drains else self._ledger.grant()
        if not outbox.has_settlements and granted:
            messages.append(WorkRequest(credits=AddCredits(credits=granted)))
        while outbox.has_settlements:
            batch = outbox.take_batch()
            if not outbox.has_settlements:
                # With the last one: credits that overtake settlements would overdraw the window.
                batch.settlements.credits = granted
            messages.append(batch)
        return messages

    def _may_say_goodbye(self) -> bool:
        wanted = self._leaving.is_set() or (self._stream.server_drains and not self._ledger.tokens)
        return wanted and self._outbox.idle

    # ---- heartbeats ---------------------------------------------------------------------------------------------

    async def _keep_alive(self, stream: WorkStream, interval_s: float) -> None:
        loop = asyncio.get_running_loop()
        state = self._stream
        next_beat = loop.time() + interval_s
        while True:
            await asyncio.sleep(max(0.0, min(next_beat, state.last_received + 2 * interval_s) - loop.time()))
            if await self._is_silent(state, 2 * interval_s, loop.time):
                log.warning("nothing came from the server for %.1f s; reconnecting", 2 * interval_s)
                stream.give_up()
                return
            if loop.time() >= next_beat:
                next_beat = max(next_beat + interval_s, loop.time())
                self.beat()

    async def _is_silent(self, state: StreamState, longest_s: float, now: Callable[[], float]) -> bool:
        if now() - state.last_received < longest_s:
            return False
        await asyncio.sleep(WATCHDOG_SECOND_LOOK_S)
        return now() - state.last_received >= longest_s


def _in_order(task: asyncio.Task[None]) -> bool:
    return task.cancelled() or task.exception() is None
