"""Deliveries: brings those who can take jobs and the jobs that wait together, once in every cycle of the engine.

Within a queue the order is that of the ready keys. Among takers of a queue they go round, in chunks that are small
when few
jobs wait, so that one worker with many credits does not leave the others idle. Deliveries are written, not synced:
one that is lost by a power cut means one more delivery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract.admission import EXPIRES, SPECIAL, UNIQUE
from rockqueue_server.engine import records
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.finish import finish
from rockqueue_server.engine.lookup import counters_of
from rockqueue_server.engine.takers import Granted, Lease, Pull, Taker
from rockqueue_server.engine.unique import let_go
from rockqueue_server.store.base import StorageFull

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

CHUNK = 256
SLICE = 32
CHUNK_BYTES = 2 << 20
"""A chunk ends when its specs have so many bytes: one more job fits into a message of 5 MiB."""
ROUND = 512
"""So many deliveries at most before the loop gets its turn: they are sent while the next ones are made."""
_STARTED = event_service_pb2.EVENT_TYPE_JOB_STARTED
_WAITING, _ACTIVE = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_ACTIVE


class Dispatcher:
    """Knows which queues to look at: `dirty` ones got jobs, credits or room since the last look."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.dirty: dict[QueueState, None] = {}
        self._not_before_us = 0
        self._turn = 0

    def again_later(self, due_us: int) -> None:
        """Deliveries cannot be written now; tries again at `due_us`."""
        self._not_before_us = due_us
        self._engine.alarms.set(due_us, self._engine.schedule)

    def run(self, now_us: int) -> None:
        """Delivers what can be delivered."""
        if not self.dirty or now_us < self._not_before_us:
            return
        # Who was served longest ago comes first: a worker with one credit must not see the first of its queues only.
        queues = dict.fromkeys(sorted(self.dirty, key=_served))
        self.dirty = {}
        left = ROUND
        while queues and left > 0:
            for queue in list(queues):
                delivered = self._deliver(queue, now_us) if queue.hungry else 0
                left -= delivered
                if not delivered:
                    del queues[queue]
        if queues:
            self.dirty.update(queues)
            self._engine.schedule()

    def _deliver(self, queue: QueueState, now_us: int) -> int:
        """One chunk from a queue to one taker; returns how many jobs left the queue's waiting list."""
        room = queue.capacity()
        taker = self._next_taker(queue, now_us) if room > 0 else None
        if taker is None:
            return 0
        engine = self._engine
        others = 1
        if len(taker.queues) > 1:
            others = sum(1 for other in taker.queues if other.waiting) or 1
        share = -(-min(room, records.HISTORY * CHUNK) // len(queue.hungry))
        count = max(1, min(taker.credits // others, room, share, CHUNK))
        picked = self._pick(queue, count)
        if not picked:
            return 0
        commit = engine.commit(now_us)
        try:
            granted = self._grant(queue, taker, picked, commit)
            commit.write()
        except BaseException as error:
            for key, touched in picked:
                queue.window.add(key, touched=touched)
            self.dirty[queue] = None
            if isinstance(error, StorageFull):
                self.dirty.update(dict.fromkeys(engine.queues.by_number.values()))
            raise
        self._hand_over(queue, taker, granted, now_us)
        self._turn += 1
        queue.served = self._turn
        return len(picked)

    def _next_taker(self, queue: QueueState, now_us: int) -> Taker | None:
        hungry = queue.hungry
        for _ in range(len(hungry)):
            taker = next(iter(hungry))
            del hungry[taker]
            hungry[taker] = None
            if taker.session is None or not taker.session.busy(now_us):
                return taker
        return None

    def _pick(self, queue: QueueState, count: int) -> list[tuple[bytes, bool]]:
        picked: list[tuple[bytes, bool]] = []
        pop = queue.window.pop
        while len(picked) < count:
            entry = pop()
            if entry is None:
                break
            picked.append(entry)
        if "ignore_priority" in self._engine.defects:
            picked.reverse()
        return picked

    def _grant(
        self, queue: QueueState, taker: Taker, picked: list[tuple[bytes, bool]], commit: Commit
    ) -> list[Granted]:
        """Fills the commit with deliveries; what has expired becomes DEAD instead."""
        engine = self._engine
        columns = engine.columns
        leases = engine.leases
        now_us = commit.now_us
        lease_us = taker.lease_us or queue.lease_us
        epoch, delete, put, event = leases.epoch, commit.delete, commit.put, commit.event
        grace = records.grace_flags(taker.session.grace_us) if taker.session is not None else 0
        granted: list[Granted] = []
        found = self._read(queue, picked)
        for (key, touched), (head, spec) in zip(picked, found, strict=True):
            job_id = key[16:]
            delete(key, columns.ready_h)
            lease = Lease(job_id, head, queue)
            lease.ready_us = int.from_bytes(key[8:16], "big")
            if touched:
                self._take_over(lease)
            if head.flags & SPECIAL and self._special(commit, lease, spec):
                continue
            lease.attempt += 1
            lease.start_us = now_us
            lease.worker = taker.worker
            lease.lease_us = lease_us
            lease.deadline_us = now_us + lease_us
            lease.session = taker.session
            lease.epoch = epoch
            lease.token = records.lease_token(job_id, lease.attempt, epoch)
            flags = records.TOUCHED | grace if touched else grace
            record = records.pack_active(
                lease, lease.ready_us, lease_us, epoch, flags, taker.session_id, taker.worker_bytes
            )
            put(job_id, record, columns.active_h)
            event(_STARTED, _ACTIVE, queue.number, lease.attempt, head.name, job_id, taker.started_extra)
            granted.append(Granted(lease, spec))
        if granted:
            deltas = commit.deltas(queue)
            deltas[_WAITING] -= len(granted)
            deltas[_ACTIVE] += len(granted)
        return granted

    def _read(self, queue: QueueState, picked: list[tuple[bytes, bool]]) -> list[tuple[records.JobHead, bytes]]:
        """Heads and specs of the jobs picked; when they are large, `picked` is cut and the rest goes back."""
        found: list[tuple[records.JobHead, bytes]] = []
        size = 0
        for at in range(0, len(picked), SLICE):
            ids = [key[16:] for key, _ in picked[at : at + SLICE]]
            for job_id, value in zip(ids, self._engine.columns.job.get_many(ids), strict=True):
                if value is None:
                    raise RuntimeError(f"waiting job {job_id.hex()} has no record")
                found.append(records.unpack_job(value))
                size += len(value)
                if size >= CHUNK_BYTES:
                    break
            if size >= CHUNK_BYTES:
                break
        rest = picked[len(found) :]
        if rest:
            for key, touched in rest:
                queue.window.add(key, touched=touched)
            del picked[len(found) :]
        return found

    def _take_over(self, lease: Lease) -> None:
        """Counters of a job that was delivered before."""
        value = self._engine.columns.touched.get(lease.job_id)
        if value is None:
            raise RuntimeError(f"touched job {lease.job_id.hex()} has no record")
        old = counters_of(job_pb2.Job.FromString(value))
        lease.attempt, lease.failures, lease.crashes = old.attempt, old.failures, old.crashes
        lease.releases, lease.snoozes, lease.worker = old.releases, old.snoozes, old.worker
        lease.touched = True
        lease.noted = self._engine.notes.has(lease.job_id)

    def _special(self, commit: Commit, lease: Lease, spec: bytes) -> bool:
        """What few jobs need at delivery; returns True when the job expired instead."""
        engine, head, queue = self._engine, lease.head, lease.queue
        if (
            head.flags & EXPIRES
            and not lease.attempt
            and head.expire_us <= commit.now_us
            and "ttl_ignored" not in engine.defects
        ):
            expire(engine, commit, lease, _WAITING)
            return True
        if head.flags & UNIQUE and not lease.attempt:
            parsed = job_pb2.JobSpec.FromString(spec)
            let_go(engine, commit, queue, lease.job_id, parsed, at=job_pb2.UNIQUE_UNTIL_STARTED)
        return False

    def _hand_over(self, queue: QueueState, taker: Taker, granted: list[Granted], now_us: int) -> None:
        """What follows once the deliveries are written."""
        leases = self._engine.leases
        wait_s = queue.stats.wait_s
        for lease, _ in granted:
            leases.by_job[lease.job_id] = lease
            wait_s.observe((now_us - lease.ready_us) / 1e6)
            if lease.head.flags & SPECIAL:
                leases.watch(lease, now_us)
            if taker.session is not None:
                self._engine.sessions.granted(taker.session, lease)
            else:
                leases.expire_at(lease)
        queue.stats.delivered += len(granted)
        taker.credits -= len(granted)
        if granted:
            taker.receive(granted)
        if taker.credits <= 0 or (granted and isinstance(taker, Pull)):
            taker.enough()


def _served(queue: QueueState) -> int:
    return queue.served


def expire(engine: Engine, commit: Commit, lease: Lease, old_state: int) -> None:
    """A job that was not started in time becomes DEAD. `lease` only carries what is known of it."""
    head, queue = lease.head, lease.queue
    queue.stats.expired += 1
    commit.event(event_service_pb2.EVENT_TYPE_JOB_EXPIRED, old_state, queue.number, 0, head.name, lease.job_id)
    finish(
        engine, commit, queue, lease.job_id, head, lease,
        old_state=old_state, state=job_pb2.JOB_STATE_DEAD, dead_reason=job_pb2.DEAD_REASON_EXPIRED,
    )  # fmt: skip
