"""The flows: which ends have followers, and what still has to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue_server.contract.admission import FLOW
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.flows.changes import KEPT_US, FlowChanges
from rockqueue_server.engine.flows.records import FlowCounts, Work
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue.v1 import job_pb2
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.lookup import Found
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.engine.records import JobHead

_CHUNK = 1000
_AT_ONCE = 100


class FlowBook:
    """What of the flows is in memory: little, whatever their number and size."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.watched: set[bytes] = set()
        """Jobs that have not ended and that jobs of other flows wait for."""
        self.pending: dict[bytes, None] = {}
        """Jobs and flows from which something still has to follow: it did not fit into one commit."""
        self._alarm: Alarm | None = None

    def load(self) -> None:
        """Reads what must be noticed when it ends, and goes on with what was not finished."""
        for prefix, found in ((records.OUTSIDE, self.watched.add), (records.WORK, self._add_pending)):
            lower, end = prefix, prefix + keys.END
            while rows := self._engine.columns.flows.scan(lower, end, _CHUNK):
                for key, _ in rows:
                    found(key[1:])
                lower = keys.after(rows[-1][0])
        self.ring()

    def changes(self, commit: Commit) -> FlowChanges:
        """What a commit does to flows."""
        if commit.flow is None:
            commit.flow = FlowChanges(self._engine, commit)
        return commit.flow

    def ended(
        self, commit: Commit, job_id: bytes, head: JobHead, state: int, *, queue: int = 0, purge_us: int = 0
    ) -> bool:
        """A job is finished, or deleted; what follows from that is in the same commit.

        Returns whether the job is kept until its flow is finished.
        """
        if not head.flags & FLOW and job_id not in self.watched:
            return False
        return self.changes(commit).ended(job_id, head, state, queue, purge_us)

    def put_back(self, commit: Commit, found: Found, queue: QueueState, record: job_pb2.Job) -> bool:
        """A finished job begins again, with `record` as its history.

        Returns True for a job of a flow: its place is found when it is known what else the commit puts back.
        """
        if found.head.flags & FLOW:
            self.changes(commit).put_back(found, queue, record)
            return True
        self.changes(commit).reopened(found.job_id)
        return False

    def unblock(self, commit: Commit, queue: int, job_id: bytes) -> None:
        """Takes a blocked job out, whatever becomes of it."""
        commit.delete(records.blocked_key(queue, job_id), self._engine.columns.blocked_h)
        self.changes(commit).unblocked(job_id)

    def holds(self, job_id: bytes) -> bool:
        """Whether a finished job must be kept because its flow is not finished."""
        value = self._engine.columns.flows.get(records.JOB + job_id)
        if value is None:
            return False
        counts = self.counts(records.unpack_member(value).flow_id)
        return counts is not None and counts.running

    def counts(self, flow_id: bytes) -> FlowCounts | None:
        """How a flow fares; None when there is none."""
        value = self._engine.columns.flows.get(records.COUNTS + flow_id)
        return None if value is None else records.unpack_counts(value)

    def forget(self, commit: Commit, flow_id: bytes) -> None:
        """Forgets a flow if it was finished long enough ago. It may have been put back since the timer was set."""
        counts = self.counts(flow_id)
        if counts is not None and counts.finish_us and counts.finish_us + KEPT_US <= commit.now_us:
            self.changes(commit).follow(flow_id, Work(records.FORGET, 0, b""))

    def noted(self, key: bytes, work: Work | None) -> None:
        """What has to follow from `key` was written, or is done."""
        if work is None:
            self.pending.pop(key, None)
        else:
            self._add_pending(key)
            self.ring()

    def ring(self) -> None:
        """Goes on soon, if there is something to do."""
        if self.pending and (self._alarm is None or self._alarm.action is None):
            self._alarm = self._engine.alarms.set(self._engine.clock.now_us(), self.step)

    def step(self) -> None:
        """Does a bounded part of what has to follow."""
        engine = self._engine
        following = [key for _, key in zip(range(_AT_ONCE), self.pending, strict=False)]
        if not following:
            return
        commit = engine.commit(engine.clock.now_us())
        changes = self.changes(commit)
        rows = engine.columns.flows.get_many([records.WORK + key for key in following])
        for key, value in zip(following, rows, strict=True):
            if value is None:
                raise RuntimeError(f"nothing says what follows from {key.hex()}")
            changes.follow(key, records.unpack_work(value))
        commit.write()
        self.ring()

    def _add_pending(self, key: bytes) -> None:
        self.pending[key] = None
