"""One `Work` stream: reads what the worker says, and writes what its session has to say to it.

Reading never waits for a commit: settlements are handed to the engine and answered when they are on disk, while the
next messages are read. What is to be written waits in the session's outbox; credits bound it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

import grpc

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.times import duration
from rockqueue_server.contract.work_request import Settlements, WorkMessage
from rockqueue_server.engine.health import About
from rockqueue_server.engine.sessions import MOST, Session
from rockqueue_server.engine.settle import Settling
from rockqueue_server.engine.takers import Granted
from rockqueue_server.errors import ServiceError, overloaded, shutting_down
from rockqueue_server.services.deliveries import work_response
from rockqueue_server.services.entries import failure_entries

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

_DELIVERIES = 256
"""So many deliveries at most in a message: the worker begins with the first while the next are on their way.

The dispatcher's chunks are no larger, in jobs and in bytes: they are put together, never parted."""

Response = work_service_pb2.WorkResponse
_DELIVERIES_BYTES = 2 << 20
"""So many bytes of specs at most are put together into a message; it has room for 5 MiB."""


class SessionStream:
    """A stream from its first message to its end."""

    def __init__(self, engine: Engine, requests: AsyncIterator[WorkMessage]) -> None:
        self._engine = engine
        self._requests = requests
        self._session: Session | None = None
        self._reader: asyncio.Task[None] | None = None
        self._more = asyncio.Event()
        self._goodbye = False
        self._ended: Exception | None = None
        self._over = False
        self._unanswered = 0

    async def responses(self) -> AsyncIterator[Response | bytes]:
        """Everything the server says on this stream."""
        first = await anext(aiter(self._requests), None)
        if first is None:
            return
        if first.kind != "open":
            raise _violation("the first message must be `open`")
        opened = await self._engine.submit(lambda now_us: self._open(now_us, first.body))
        session = self._session
        assert session is not None
        yield Response(opened=opened)
        self._reader = asyncio.create_task(self._read(session))
        stop = self._engine.stop_signal()
        stop.add_done_callback(self._server_stops)
        if stop.done():
            self._server_stops(stop)
        try:
            while True:
                await self._more.wait()
                self._more.clear()
                for message in self._take_outbox(session):
                    yield message
                if self._ended is not None:
                    raise self._ended
                if self._over and not self._unanswered and not session.outbox:
                    return
        finally:
            stop.remove_done_callback(self._server_stops)

    async def close(self) -> None:
        """The stream has ended, whoever ended it.

        The session is let go of before anything is awaited: a call that is cancelled may be cancelled again here.
        """
        session = self._session
        if session is not None and session.wake == self._wake and not self._goodbye:
            detached = self._engine.submit(lambda now_us: self._engine.sessions.detach(session, now_us), durable=False)
            detached.add_done_callback(lambda future: future.cancelled() or future.exception())
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def _wake(self) -> None:
        self._more.set()

    def _open(self, now_us: int, request: work_service_pb2.OpenSession) -> work_service_pb2.SessionOpened:
        engine = self._engine
        lease_us, grace_us, asked = _check_open(request)
        session = engine.sessions.by_id.get(asked) if asked is not None else None
        resumed = session is not None
        held = list(request.held_leases)
        if session is not None:
            if session.attached and "session_taken_keeps_both" not in engine.defects:
                session.taken_over()
            if "lose_lease_on_resume" in engine.defects:
                held = []
            queues = engine.queues.hold(request.queues)
            engine.sessions.resume(session, queues, lease_us, grace_us, set(held), now_us)
        else:
            if len(engine.sessions.by_id) >= MOST:
                raise overloaded(f"{MOST} worker sessions are open: close some")
            queues = engine.queues.hold(request.queues)
            session = engine.sessions.open(queues, request.worker, lease_us, grace_us, now_us)
        session.about = About(request.client, request.host, request.pid)
        session.wake = self._wake
        session.taken_over = self._taken_over
        self._session = session
        current = {lease.token for lease in session.leases.values()}
        lost = [token for token in request.held_leases if token not in current]
        self._more.set()
        return work_service_pb2.SessionOpened(
            session_id=session.text,
            resumed=resumed,
            heartbeat_interval=duration(session.heartbeat_us),
            resume_grace=duration(session.grace_us),
            lost_leases=lost,
        )

    def _taken_over(self) -> None:
        session = self._session
        self._session = None
        self._ended = ServiceError(
            grpc.StatusCode.ABORTED,
            "SESSION_TAKEN",
            "another stream has resumed this session; do not resume it here",
            {"session_id": session.text if session is not None else ""},
        )
        self._more.set()

    def _server_stops(self, _: object) -> None:
        session = self._session
        if session is not None:
            self._engine.sessions.drain(session)
            session.say(Response(drain=work_service_pb2.Drain()))

    def _take_outbox(self, session: Session) -> list[Response | bytes]:
        """The outbox as messages: deliveries that follow each other travel together."""
        if session.wake != self._wake:
            return []
        outbox = session.emptied()
        messages: list[Response | bytes] = []
        together: list[Granted] = []
        size = 0
        for item in outbox:
            chunk = item if isinstance(item, list) else []
            chunk_bytes = sum([len(spec) for _, spec in chunk])
            room = len(together) + len(chunk) <= _DELIVERIES and size + chunk_bytes <= _DELIVERIES_BYTES
            if together and not (chunk and room):
                messages.append(work_response(together))
                together, size = [], 0
            together = together + chunk if together else chunk
            size += chunk_bytes
            if not isinstance(item, list):
                messages.append(item)
        if together:
            messages.append(work_response(together))
        return messages

    async def _read(self, session: Session) -> None:
        """Handles what the worker says until it says no more."""
        try:
            async for request in self._requests:
                self._handle(session, request)
                if self._goodbye:
                    break
            if self._goodbye:
                await self._engine.submit(lambda now_us: self._engine.sessions.goodbye(session, now_us))
        except ServiceError as error:
            self._ended = error
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary logs it; here it must end the stream
            self._ended = ServiceError(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", "the stream broke; reconnect")
            self._ended.__cause__ = error
        self._over = True
        self._more.set()

    def _handle(self, session: Session, request: WorkMessage) -> None:
        kind, body = request.kind, request.body
        engine = self._engine
        now_us = engine.clock.now_us()
        if session.wake != self._wake:
            return
        engine.sessions.heard(session, now_us)
        if kind == "settlements":
            self._settle(session, body)
        elif kind == "credits":
            self._add_credits(session, body.credits, "credits.credits", least=1)
        elif kind == "heartbeat":
            self._beat(session, body, now_us)
        elif kind == "reports":
            self._report(body, now_us)
        elif kind == "drain":
            engine.sessions.drain(session)
        elif kind == "goodbye":
            self._goodbye = True
        else:
            raise _violation(
                "`open` must be the first message, and only the first" if kind == "open" else "empty message"
            )

    def _beat(self, session: Session, beat: work_service_pb2.Heartbeat, now_us: int) -> None:
        loop_lag_us: int | None = None
        if beat.HasField("loop_lag") or beat.stuck_leases:
            loop_lag_us = _check_health(beat)
        session.health.take(session, loop_lag_us, beat.stuck_leases)
        self._engine.sessions.beat(session, now_us)
        session.say(Response(heartbeat=work_service_pb2.HeartbeatReply(sequence=beat.sequence)))

    def _settle(self, session: Session, message: Settlements) -> None:
        entries = message.entries
        count = len(entries)
        problems = Problems()
        if count == 0:
            problems.add("settlements.settlements", "must hold at least one settlement")
        if count > limits.BATCH_ENTRIES:
            problems.over("settlements.settlements", limits.BATCH_ENTRIES, count, "settlements")
        problems.check()
        self._unanswered += 1
        future = self._engine.submit(lambda now_us: Settling(self._engine, now_us).run(entries))
        future.add_done_callback(partial(self._settled, session, message.sequence))
        if message.credits:
            self._add_credits(session, message.credits, "settlements.credits", least=0)

    def _settled(self, session: Session, sequence: int, future: asyncio.Future[dict[int, ServiceError]]) -> None:
        self._unanswered -= 1
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            # A defect goes on as it is: the boundary logs it, and tells the worker INTERNAL.
            self._ended = error if isinstance(error, Exception) else shutting_down()
            self._more.set()
            return
        results = work_service_pb2.SettlementResults(sequence=sequence, failures=failure_entries(future.result()))
        if session.wake == self._wake:
            session.say(Response(settled=results))

    def _add_credits(self, session: Session, count: int, path: str, *, least: int) -> None:
        problems = Problems()
        if count < least:
            problems.add(path, f"must be {least} or more")
        elif count > limits.CREDITS or session.credits + count > limits.CREDITS:
            problems.over(path, limits.CREDITS, max(count, session.credits + count), "credits")
        problems.check()
        self._engine.sessions.add_credits(session, count)

    def _report(self, message: work_service_pb2.JobReports, now_us: int) -> None:
        if not 1 <= len(message.reports) <= limits.REPORTS:
            problems = Problems()
            problems.add("reports.reports", f"must hold 1 to {limits.REPORTS} reports")
            problems.check()
        for report in message.reports:
            lease = self._engine.leases.by_token(report.lease_token)
            if lease is not None:
                self._engine.notes.report(lease, report, now_us)
        self._engine.schedule()


def _check_open(request: work_service_pb2.OpenSession) -> tuple[int | None, int, bytes | None]:
    """Lease and grace in microseconds, and the session to resume."""
    problems = Problems()
    problems.queues("open.queues", list(request.queues))
    problems.text("open.worker", request.worker, limits.WORKER_CHARS)
    problems.text("open.client", request.client, 128, least=0)
    problems.text("open.host", request.host, limits.HOST_CHARS, least=0)
    if request.pid < 0:
        problems.add("open.pid", "must be 0 or more")
    lease_us: int | None = None
    if request.HasField("lease"):
        lease_us = problems.duration("open.lease", request.lease, limits.MAX_LEASE_US, least_us=limits.MIN_LEASE_US)
    grace_us = limits.DEFAULT_RESUME_GRACE_US
    if request.HasField("resume_grace"):
        grace_us = problems.duration("open.resume_grace", request.resume_grace, limits.MAX_RESUME_GRACE_US)
    if len(request.held_leases) > limits.HELD_LEASES:
        problems.over("open.held_leases", limits.HELD_LEASES, len(request.held_leases), "leases")
    session_id: bytes | None = None
    if request.session_id:
        try:
            session_id = uuid.UUID(request.session_id).bytes
        except ValueError:
            problems.add("open.session_id", "must be a session_id of SessionOpened")
    problems.check()
    return lease_us, grace_us, session_id


def _check_health(beat: work_service_pb2.Heartbeat) -> int | None:
    """The loop lag in microseconds, None when it was not measured."""
    problems = Problems()
    lag_us: int | None = None
    if beat.HasField("loop_lag"):
        lag_us = problems.duration("heartbeat.loop_lag", beat.loop_lag, limits.MAX_DELAY_US)
    if len(beat.stuck_leases) > limits.STUCK_LEASES:
        problems.over("heartbeat.stuck_leases", limits.STUCK_LEASES, len(beat.stuck_leases), "leases")
    problems.check()
    return lag_us


def _violation(message: str) -> ServiceError:
    return ServiceError(grpc.StatusCode.FAILED_PRECONDITION, "PROTOCOL_VIOLATION", message)
