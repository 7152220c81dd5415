"""What is due and lies on disk: delayed jobs, jobs that expire, finished jobs to forget, answers and keys to forget.

Each is done in bounded steps, so that 100,000 things due at once do not hold up the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract.admission import ORIGIN
from rockqueue_server.engine import records, tags
from rockqueue_server.engine.commit import TIMER_EXPIRE, TIMER_FLOW, TIMER_FORGET, TIMER_PURGE, TIMER_UNIQUE, Commit
from rockqueue_server.engine.expiry import expire
from rockqueue_server.engine.groups.changes import TIMER_GROUP
from rockqueue_server.engine.lookup import find
from rockqueue_server.engine.takers import Lease
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

_READY = event_service_pb2.EVENT_TYPE_JOB_READY
_WAITING, _DELAYED = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED

STEP = 200
_DEFECT_EARLY_US = 500_000


class Timers:
    """Rings when the first of what lies on disk is due.

    A scan begins behind the last row that was done, and so passes no tombstones; what is added before that row takes
    the beginning back.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._alarm: Alarm | None = None
        self._from = b""
        self._purged: set[bytes] = set()
        self._delayed: dict[QueueState, Alarm] = {}
        self._delayed_from: dict[QueueState, bytes] = {}

    def load(self) -> None:
        """Looks up the first timer and the first delayed job of each queue."""
        rows = self._engine.columns.timers.scan(b"", keys.END, 1)
        if rows:
            self._arm(keys.timer_parts(rows[0][0])[0])
        for queue in self._engine.queues.by_number.values():
            self._look_up_delayed(queue)

    def ring_by(self, due_us: int) -> None:
        """Something that is to be done at `due_us` was put on disk."""
        self._from = min(self._from, keys.timer_key(due_us, 0, b""))
        self._arm(due_us)

    def _arm(self, due_us: int) -> None:
        self._alarm = self._engine.alarms.by(self._alarm, due_us, self._step)

    def ring_now(self) -> None:
        """Looks at everything again, after the disk was full."""
        self.load()

    def delayed_by(self, queue: QueueState, due_us: int) -> None:
        """A job of the queue that is due at `due_us` was put on disk."""
        begin = self._delayed_from.get(queue)
        if begin is not None:
            self._delayed_from[queue] = min(begin, keys.delayed_key(queue.number, due_us, b""))
        self._arm_delayed(queue, due_us)

    def _arm_delayed(self, queue: QueueState, due_us: int) -> None:
        if "early_delay" in self._engine.defects:
            due_us -= _DEFECT_EARLY_US
        alarm = self._delayed.get(queue)
        self._delayed[queue] = self._engine.alarms.by(alarm, due_us, lambda: self._promote(queue))

    def _look_up_delayed(self, queue: QueueState) -> None:
        lower, end = keys.queue_range(queue.number)
        rows = self._engine.columns.delayed.scan(self._delayed_from.get(queue, lower), end, 1)
        if rows:
            self._arm_delayed(queue, keys.delayed_parts(rows[0][0])[1])

    def _promote(self, queue: QueueState) -> None:
        """Delayed jobs whose time has come begin to wait."""
        engine = self._engine
        now_us = engine.clock.now_us()
        lower = self._delayed_from.get(queue, keys.queue_range(queue.number)[0])
        horizon_us = now_us + (_DEFECT_EARLY_US if "early_delay" in engine.defects else 0)
        rows = engine.columns.delayed.scan(lower, keys.delayed_key(queue.number, horizon_us + 1, b""), STEP)
        if rows:
            commit = engine.commit(now_us)
            self._make_ready(commit, queue, rows)
            deltas = commit.deltas(queue)
            deltas[_DELAYED] -= len(rows)
            deltas[_WAITING] += len(rows)
            commit.write()
            self._delayed_from[queue] = keys.after(rows[-1][0])
        if len(rows) == STEP:
            self._arm_delayed(queue, now_us)
        else:
            self._look_up_delayed(queue)

    def _make_ready(self, commit: Commit, queue: QueueState, rows: list[tuple[bytes, bytes]]) -> None:
        """Moves jobs from `delayed`, whose rows these are, to those that wait."""
        columns, delete = self._engine.columns, commit.delete
        jobs: list[bytes] = []
        for (key, _), job in zip(rows, columns.job.get_many([key[12:] for key, _ in rows]), strict=True):
            if job is None:
                raise RuntimeError(f"delayed job {key[12:].hex()} has no record")
            jobs.append(job)
            delete(key, columns.delayed_h)
        run: list[tuple[bytes, int]] = []
        name = ""
        for (key, touched), (head, _) in zip(rows, records.unpack_jobs(jobs), strict=True):
            plain = not touched and not head.flags & ORIGIN and queue.groups is None
            if run and not (plain and head.name == name):
                self._ready_run(commit, queue, name, run)
                run = []
            if plain:
                name = head.name
                run.append((key, head.priority))
            else:
                self._ready_one(commit, queue, key, head, touched=bool(touched))
        if run:
            self._ready_run(commit, queue, name, run)

    def _ready_run(self, commit: Commit, queue: QueueState, name: str, run: list[tuple[bytes, int]]) -> None:
        """Jobs of one name that need nothing else, each by its delayed key and its priority."""
        ready: list[bytes] = []
        for key, priority in run:
            number, due_us, job_id = keys.delayed_parts(key)
            ready.append(keys.ready_key(number, priority, due_us, job_id))
        ready.sort()
        commit.add_ready_run(queue, ready)
        commit.events.add_run(_READY, _WAITING, queue.number, 0, name, [key[12:] for key, _ in run])

    def _ready_one(
        self, commit: Commit, queue: QueueState, key: bytes, head: records.JobHead, *, touched: bool
    ) -> None:
        engine = self._engine
        _, due_us, job_id = keys.delayed_parts(key)
        attempt = 0
        if touched:
            value = engine.columns.touched.get(job_id)
            record = job_pb2.Job.FromString(value or b"")
            record.state = _WAITING
            attempt = record.attempt
            commit.put(job_id, record.SerializeToString(), engine.columns.touched_h)
        commit.add_ready(queue, keys.ready_key(queue.number, head.priority, due_us, job_id), touched=touched)
        commit.event(_READY, _WAITING, queue.number, attempt, head.name, job_id, engine.origins.told(head, job_id))

    def _step(self) -> None:
        """Does the next things that are due."""
        engine = self._engine
        now_us = engine.clock.now_us()
        timers = engine.columns.timers
        rows = timers.scan(self._from, keys.timer_key(now_us + 1, 0, b""), STEP)
        if rows:
            commit = engine.commit(now_us)
            self._purged.clear()
            for key, value in rows:
                _, kind, rest = keys.timer_parts(key)
                commit.delete(key, timers.handle)
                self._do(commit, kind, rest, value)
            commit.write()
            self._from = keys.after(rows[-1][0])
        following = timers.scan(self._from, keys.END, 1)
        if following:
            self._arm(max(keys.timer_parts(following[0][0])[0], now_us))

    def _do(self, commit: Commit, kind: int, rest: bytes, value: bytes) -> None:
        engine = self._engine
        if kind == TIMER_PURGE:
            self._purge(commit, value)
        elif kind == TIMER_FORGET:
            for at in range(0, len(value), 16):
                commit.delete(value[at : at + 16], engine.columns.dedup_h)
        elif kind == TIMER_UNIQUE:
            held = engine.columns.unique.get(rest)
            if held is not None and records.unpack_holder(held).until_us <= commit.now_us:
                commit.delete(rest, engine.columns.unique_h)
        elif kind == TIMER_EXPIRE:
            self._expire(commit, rest)
        elif kind == TIMER_GROUP:
            engine.groups.forget(commit, rest)
        elif kind == TIMER_FLOW:
            engine.flows.forget(commit, rest)

    def _purge(self, commit: Commit, done_keys: bytes) -> None:
        """Forgets finished jobs; those that were deleted or put back meanwhile are none of its business."""
        engine = self._engine
        columns = engine.columns
        for at in range(0, len(done_keys), 21):
            key = done_keys[at : at + 21]
            value = columns.done.get(key)
            done = records.unpack_done(value) if value is not None and key not in self._purged else None
            if done is None or done.purge_us > commit.now_us:
                continue
            number, state, job_id = keys.done_parts(key)
            if done.flags & records.OF_FLOW and engine.flows.holds(job_id):
                continue
            self._purged.add(key)
            commit.delete(key, columns.done_h)
            tags.remove_by_record(engine, commit, job_id, done.flags)
            commit.delete(job_id, columns.job_h)
            engine.notes.forget(commit, job_id)
            commit.deltas(engine.queues.by_number[number])[state] -= 1

    def _expire(self, commit: Commit, job_id: bytes) -> None:
        engine = self._engine
        if "ttl_ignored" in engine.defects:
            return
        found = find(engine, job_id)
        # A job that was put back expires no more, though its timer is still there.
        if found is None or found.counters.attempt or not 0 < found.head.expire_us <= commit.now_us:
            return
        if found.state == job_pb2.JOB_STATE_WAITING:
            commit.remove_ready(found.queue, found.ready_key)
        elif found.state == job_pb2.JOB_STATE_BLOCKED:
            engine.flows.unblock(commit, found.queue.number, job_id)
        elif found.state == job_pb2.JOB_STATE_DELAYED:
            commit.delete(keys.delayed_key(found.queue.number, found.ready_us, job_id), engine.columns.delayed_h)
        else:
            return
        lease = Lease(job_id, found.head, found.queue, len(found.spec))
        lease.touched = found.touched is not None
        expire(engine, commit, lease, found.state)
