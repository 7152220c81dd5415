"""Worker sessions: who is connected, which leases they hold, and what happens when they fall silent.

Heartbeats change memory only. A session's leases run from its last heartbeat or their delivery, whichever is later.
A session that has said nothing for two heartbeat intervals gets no more deliveries until it speaks again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.times import duration
from rockqueue_server.engine.health import About, Health
from rockqueue_server.engine.takers import Granted, Lease, Taker
from rockqueue_server.feed.records import NO_JOB
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

MOST = 10_000
_OUTBOX_BYTES = 8 << 20
_LONGEST_HEARTBEAT_US = 10 * limits.SECOND_US


class Session(Taker):
    """One worker. `attached` while a stream carries it. Times in microseconds."""

    def __init__(
        self, engine: Engine, session_id: bytes, queues: list[QueueState], worker: str, lease_us: int | None
    ) -> None:
        super().__init__(queues, worker, lease_us)
        self._engine = engine
        self.session_id = session_id
        self.session = self
        self.leases: dict[bytes, Lease] = {}
        self.grace_us = limits.DEFAULT_RESUME_GRACE_US
        self.heartbeat_us = _LONGEST_HEARTBEAT_US
        self.last_beat_us = 0
        self.last_word_us = 0
        self.attached = False
        self.detached_us = 0
        self.draining = False
        self.uncharged = False
        """The session was found on disk and nobody has resumed it: what it loses is charged to no job."""
        self.outbox: list[list[Granted] | work_service_pb2.WorkResponse] = []
        self.outbox_bytes = 0
        """What waits to be read by the worker: one that reads slowly gets no more until it has caught up."""
        self.wake: Callable[[], None] = _nothing
        self.taken_over: Callable[[], None] = _nothing
        """Tells the stream that carries the session that another one does now."""
        self.alarm: Alarm | None = None
        self.about = About()
        self.health = Health()

    @property
    def text(self) -> str:
        """The id as the worker knows it."""
        return id_text(self.session_id)

    @property
    def defects(self) -> frozenset[str]:
        """The seeded ones."""
        return self._engine.defects

    def busy(self, now_us: int) -> bool:
        """Is to get no deliveries now, whatever its credits: it may be gone, or does not read what it has."""
        return self.silent(now_us) or self.outbox_bytes >= _OUTBOX_BYTES

    def emptied(self) -> list[list[Granted] | work_service_pb2.WorkResponse]:
        """Takes what is in the outbox; deliveries that waited for room go on."""
        outbox, self.outbox = self.outbox, []
        if self.outbox_bytes >= _OUTBOX_BYTES and self.credits:
            for queue in self.queues:
                self._engine.dispatcher.dirty[queue] = None
            self._engine.schedule()
        self.outbox_bytes = 0
        return outbox

    def silent(self, now_us: int) -> bool:
        """The worker may be gone: it has said nothing for too long."""
        return now_us - self.last_word_us > 2 * self.heartbeat_us

    def receive(self, granted: list[Granted]) -> None:
        """Puts deliveries into the outbox."""
        self.outbox.append(granted)
        self.outbox_bytes += sum([len(spec) for _, spec in granted])
        self.wake()

    def say(self, message: work_service_pb2.WorkResponse) -> None:
        """Puts a message into the outbox."""
        self.outbox.append(message)
        self.wake()

    def cancel(self, lease: Lease, cause: int, grace_us: int | None) -> None:
        """Tells the worker that a handler should stop."""
        if not self.attached:
            return
        request = work_service_pb2.CancelRequest(
            lease_token=lease.token,
            job_id=id_text(lease.job_id),
            cause=cause,  # type: ignore[arg-type]
        )
        if grace_us is not None:
            request.grace.CopyFrom(duration(grace_us))
        self.say(work_service_pb2.WorkResponse(cancels=work_service_pb2.CancelRequests(cancels=[request])))

    def lease_ends_us(self, lease: Lease) -> int:
        """When a lease runs out if nothing more is heard."""
        ends = max(lease.deadline_us, self.last_beat_us + lease.lease_us)
        return ends if self.attached else min(ends, self.detached_us + self.grace_us)


class SessionBook:
    """All sessions by id, those waiting to be resumed included."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.by_id: dict[bytes, Session] = {}

    def open(
        self,
        queues: list[QueueState],
        worker: str,
        lease_us: int | None,
        grace_us: int,
        now_us: int,
        session_id: bytes | None = None,
    ) -> Session:
        """A new, attached session. Its event is in the commit that this makes."""
        engine = self._engine
        session = Session(engine, session_id or self._new_id(now_us), queues, worker, lease_us)
        session.grace_us = grace_us
        commit = engine.commit(now_us)
        commit.event(event_service_pb2.EVENT_TYPE_WORKER_JOINED, 0, 0, 0, "", NO_JOB, session.started_extra)
        commit.write()
        self.by_id[session.session_id] = session
        self._attach(session, now_us)
        return session

    def resume(
        self,
        session: Session,
        queues: list[QueueState],
        lease_us: int | None,
        grace_us: int,
        held: set[bytes],
        now_us: int,
    ) -> None:
        """Attaches a session again: credits start at 0, deliveries the worker never saw are released, uncharged."""
        session.enough()
        session.credits = 0
        for queue in session.queues:
            queue.workers -= 1
        self._engine.queues.let_go(session.queues)
        session.queues = queues
        session.lease_us = lease_us
        session.grace_us = grace_us
        session.outbox.clear()
        session.outbox_bytes = 0
        unseen = [lease for lease in session.leases.values() if lease.token not in held]
        self.release(unseen, now_us)
        self._attach(session, now_us)
        for lease in session.leases.values():
            if lease.cancel_by_us and "cancel_lost_on_resume" not in self._engine.defects:
                session.cancel(lease, work_service_pb2.CANCEL_CAUSE_REQUESTED, max(0, lease.cancel_by_us - now_us))

    def restore(self, session_id: bytes, lease: Lease, now_us: int, grace_us: int) -> None:
        """Gives a lease that was found on disk back to its session, which has `grace_us` to be resumed."""
        session = self.by_id.get(session_id)
        if session is None:
            session = Session(self._engine, session_id, [], lease.worker, None)
            session.uncharged = True
            session.grace_us = grace_us
            session.detached_us = now_us
            session.last_beat_us = now_us
            self.by_id[session_id] = session
            self._watch(session, now_us + session.grace_us)
        lease.session = session
        session.leases[lease.job_id] = lease
        if lease.lease_us < session.grace_us:
            self._watch(session, now_us + lease.lease_us)

    def shift(self, by_us: int) -> None:
        """The clock jumped ahead: what means a span of time ends that much later."""
        for session in self.by_id.values():
            session.last_beat_us += by_us
            session.last_word_us += by_us if session.last_word_us else 0
            session.detached_us += by_us

    def beat(self, session: Session, now_us: int) -> None:
        """A heartbeat: all leases of the session run anew."""
        if "heartbeat_extends_one_lease" in self._engine.defects:
            for lease in list(session.leases.values())[:1]:
                lease.deadline_us = now_us + lease.lease_us
        else:
            session.last_beat_us = now_us
        self.heard(session, now_us)

    def heard(self, session: Session, now_us: int) -> None:
        """The worker said something."""
        was_silent = session.silent(now_us)
        session.last_word_us = now_us
        if was_silent and session.credits:
            for queue in session.queues:
                self._engine.dispatcher.dirty[queue] = None
            self._engine.schedule()

    def add_credits(self, session: Session, count: int) -> None:
        """The worker can take `count` more."""
        if session.draining or not count:
            return
        session.credits += count
        session.feed_me()
        dirty = self._engine.dispatcher.dirty
        for queue in session.queues:
            dirty[queue] = None
        self._engine.schedule()

    def drain(self, session: Session) -> None:
        """The worker takes no more."""
        session.draining = True
        session.credits = 0
        session.enough()

    def detach(self, session: Session, now_us: int) -> None:
        """The stream broke: the worker may come back within its grace."""
        session.attached = False
        session.detached_us = now_us
        session.wake = _nothing
        session.credits = 0
        session.enough()
        ends = [session.lease_ends_us(lease) for lease in session.leases.values()]
        self._watch(session, min([now_us + session.grace_us, *ends]))

    def goodbye(self, session: Session, now_us: int) -> None:
        """The worker is done: what it has not settled is released at once."""
        if "drain_charges_crash" in self._engine.defects:
            self._engine.leases.crash(list(session.leases.values()), now_us)
        else:
            self.release(list(session.leases.values()), now_us)
        self._remove(session, now_us)

    def release(self, leases: list[Lease], now_us: int) -> None:
        """Gives deliveries back, uncharged."""
        from rockqueue_server.engine import outcomes

        if not leases:
            return
        engine = self._engine
        commit = engine.commit(now_us)
        for lease in leases:
            outcomes.release(engine, commit, lease)
            commit.after(lambda lease=lease: engine.leases.end(lease))
        commit.write()

    def granted(self, session: Session, granted: list[Granted]) -> None:
        """Deliveries to the session are written; they were made together."""
        session.leases.update((lease.job_id, lease) for lease, _ in granted)
        self.look_by(session, granted[0].lease.deadline_us)

    def look_by(self, session: Session, due_us: int) -> None:
        """Sees to it that the session's leases are looked at by `due_us`."""
        alarm = session.alarm
        if alarm is None or alarm.action is None or due_us < alarm.due_us:
            self._watch(session, due_us)

    def _attach(self, session: Session, now_us: int) -> None:
        session.attached = True
        session.uncharged = False
        session.draining = False
        session.last_beat_us = session.last_word_us = now_us
        leases = [session.lease_us or queue.lease_us for queue in session.queues]
        session.heartbeat_us = min([_LONGEST_HEARTBEAT_US, *(lease // 3 for lease in leases)])
        for queue in session.queues:
            queue.workers += 1

    def _watch(self, session: Session, due_us: int) -> None:
        if session.alarm is not None:
            session.alarm.cancel()
        session.alarm = self._engine.alarms.set(due_us, lambda: self._check(session))

    def _check(self, session: Session) -> None:
        """Ends what ran out, and looks again when the next thing may."""
        engine = self._engine
        now_us = engine.clock.now_us()
        if self.by_id.get(session.session_id) is not session:
            return
        over = [lease for lease in session.leases.values() if session.lease_ends_us(lease) <= now_us]
        engine.leases.crash(over, now_us, charged=not session.uncharged)
        if not session.attached and session.detached_us + session.grace_us <= now_us:
            engine.leases.crash(list(session.leases.values()), now_us, charged=not session.uncharged)
            self._remove(session, now_us)
            return
        ends = [session.lease_ends_us(lease) for lease in session.leases.values()]
        if not session.attached:
            ends.append(session.detached_us + session.grace_us)
        if ends:
            self._watch(session, max(min(ends), now_us + 1))

    def _remove(self, session: Session, now_us: int) -> None:
        session.enough()
        if self.by_id.pop(session.session_id, None) is None:
            return
        if session.alarm is not None:
            session.alarm.cancel()
        for queue in session.queues:
            queue.workers -= 1
        self._engine.queues.let_go(session.queues)
        session.attached = False
        commit = self._engine.commit(now_us)
        commit.event(event_service_pb2.EVENT_TYPE_WORKER_LEFT, 0, 0, 0, "", NO_JOB, session.started_extra)
        commit.write()

    def _new_id(self, now_us: int) -> bytes:
        number = (now_us // 1000 << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
        return number.to_bytes(16, "big")


def _nothing() -> None:
    """Nobody listens."""
