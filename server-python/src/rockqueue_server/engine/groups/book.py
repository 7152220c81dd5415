"""The groups of all queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2
from rockqueue_server.engine.groups.records import SUFFIX_BYTES, group_key, group_parts, unpack_group
from rockqueue_server.engine.groups.selection import Groups
from rockqueue_server.engine.groups.state import GroupState
from rockqueue_server.engine.records import unpack_job
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.engine.takers import Lease

_STEP = 1000


class GroupBook:
    """Gives queues their groups. A queue that never had any has none, and goes the shorter way."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last_number = 0

    def load(self) -> None:
        """Takes over the groups that have waiting jobs. Reads a record for each, and none of the jobs."""
        engine = self._engine
        lower = b""
        while rows := engine.columns.group.scan(lower, keys.END, _STEP):
            for at, value in rows:
                number, key = group_parts(at)
                record = unpack_group(value)
                self._last_number = max(self._last_number, record.number)
                groups = self.of(engine.queues.by_number[number])
                if record.waiting:
                    state = groups.fitted(GroupState.of(number, key, record))
                    if record.turn:
                        self._find_turn(state)
                    groups.waiting += record.waiting
                    groups.changed(state)
            lower = keys.after(rows[-1][0])

    def _find_turn(self, state: GroupState) -> None:
        """Looks up whether the job whose turn it is waits, and where."""
        columns, job_id = self._engine.columns, state.turn
        value = columns.touched.get(job_id)
        if value is None or columns.active.get(job_id) is not None:
            return
        record = job_pb2.Job.FromString(value)
        job = columns.job.get(job_id)
        if record.state == job_pb2.JOB_STATE_WAITING and job is not None:
            priority = unpack_job(job)[0].priority
            key = keys.ready_key(state.queue, priority, record.ready_time.ToMicroseconds(), job_id)
            state.turn_at = key[4 : 4 + SUFFIX_BYTES]

    def of(self, queue: QueueState) -> Groups:
        """The groups of a queue, which has some from now on."""
        if queue.groups is None:
            queue.groups = Groups(self._engine, queue)
        return queue.groups

    def new_number(self) -> int:
        """A number that no group ever had: it grows with the number of the commit that makes the group."""
        self._last_number = max(self._last_number + 1, (self._engine.written + 1) << 16)
        return self._last_number

    def restore(self, lease: Lease, key: str) -> None:
        """A delivery was found on disk after a restart."""
        groups = self.of(lease.queue)
        state = groups.find(key)
        if state is None:
            raise RuntimeError(f"group {key!r} of active job {lease.job_id.hex()} has no record")
        groups.started(state)
        lease.group = state

    def forget(self, commit: Commit, at: bytes) -> None:
        """A bucket is full again: the record of a group that has nothing else goes."""
        number, key = group_parts(at)
        value = self._engine.columns.group.get(group_key(number, key))
        if value is not None and not unpack_group(value).shown:
            # Writing a change decides whether the record is still needed.
            commit.groups.of(self._engine.queues.by_number[number], key)
