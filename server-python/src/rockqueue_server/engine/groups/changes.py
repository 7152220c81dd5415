"""What a commit changes in groups: jobs that join and leave them, begin and cease to wait, and whose turn it is.

Whoever moves a job says so to the commit by its plain ready key; here the job's group is found, and the key put where
it belongs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2
from rockqueue_server.contract.admission import GROUP
from rockqueue_server.engine.groups.records import SUFFIX_BYTES, GroupRecord, group_key, pack_group
from rockqueue_server.engine.groups.state import GroupState
from rockqueue_server.engine.records import unpack_job
from rockqueue_server.rules.rate import FULL, Level

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.groups.selection import Groups
    from rockqueue_server.engine.queue_state import QueueState

TIMER_GROUP = 20
"""A bucket is full again: the record of its group may not be needed any more."""
_TOUCHED = {True: b"\x01", False: b"\x00"}


class GroupChange:
    """What a commit changes in one group."""

    __slots__ = ("added", "groups", "jobs", "level", "removed", "settings", "state", "turn", "waiting")

    def __init__(self, groups: Groups, state: GroupState) -> None:
        self.groups = groups
        self.state = state
        self.waiting = 0
        self.jobs = 0
        self.level: Level | None = None
        self.turn: bytes | None = None
        self.settings: bytes | None = None
        self.added: list[bytes] = []
        self.removed: list[bytes] = []

    @property
    def record(self) -> GroupRecord:
        """The group as the commit leaves it."""
        state = self.state
        return GroupRecord(
            state.number,
            state.waiting + self.waiting,
            state.jobs + self.jobs,
            state.level if self.level is None else self.level,
            state.turn if self.turn is None else self.turn,
            state.settings if self.settings is None else self.settings,
        )


class GroupChanges:
    """The groups that a commit changes."""

    def __init__(self, engine: Engine, commit: Commit) -> None:
        self._engine = engine
        self._commit = commit
        self._changes: dict[tuple[QueueState, str], GroupChange] = {}
        self._of_jobs: dict[bytes, GroupChange] = {}

    def of(self, queue: QueueState, key: str) -> GroupChange:
        """The change of a group, which exists once the commit is written."""
        change = self._changes.get((queue, key))
        if change is None:
            groups = self._engine.groups.of(queue)
            state = groups.find(key) or GroupState(queue.number, key, self._engine.groups.new_number())
            change = self._changes[queue, key] = GroupChange(groups, state)
        return change

    def join(self, queue: QueueState, job_id: bytes, key: str) -> None:
        """A job is stored, or put back after its end: it belongs to its group until it is finished."""
        change = self.of(queue, key)
        change.jobs += 1
        self._of_jobs[job_id] = change

    def leave(self, queue: QueueState, job_id: bytes, key: str) -> None:
        """A job is finished or removed."""
        change = self.of(queue, key)
        change.jobs -= 1
        if (change.state.turn if change.turn is None else change.turn) == job_id:
            change.turn = b""

    def came_back(self, queue: QueueState, job_id: bytes, key: str, *, keeps_turn: bool) -> None:
        """A delivery ended, its job did not: where only one may be active, it may keep its turn."""
        change = self.of(queue, key)
        if keeps_turn and change.groups.strict(change.state):
            change.turn = job_id
        elif (change.state.turn if change.turn is None else change.turn) == job_id:
            change.turn = b""

    def add_ready(self, queue: QueueState, key: bytes, *, touched: bool) -> bool:
        """Puts a job among those that wait, if it has a group; returns whether it has."""
        change = self._of_job(queue, key[16:])
        if change is None:
            return False
        suffix = key[4:]
        self._commit.put(change.state.prefix + suffix, b"\x01" if touched else b"", self._engine.columns.gready_h)
        change.waiting += 1
        change.added.append(suffix + _TOUCHED[touched])
        return True

    def remove_ready(self, queue: QueueState, key: bytes) -> bool:
        """Takes a job that was not delivered from those that wait, if it has a group; returns whether it has."""
        change = self._of_job(queue, key[16:])
        if change is None:
            return False
        suffix = key[4:]
        self._commit.delete(change.state.prefix + suffix, self._engine.columns.gready_h)
        change.waiting -= 1
        change.removed.append(suffix)
        return True

    def delivered(self, queue: QueueState, state: GroupState, key: bytes) -> None:
        """A job that was taken by the dispatcher does not wait any more."""
        change = self.of(queue, state.key)
        self._commit.delete(state.prefix + key[4:], self._engine.columns.gready_h)
        change.waiting -= 1
        if state.level is not FULL:
            change.level = state.level

    def _of_job(self, queue: QueueState, job_id: bytes) -> GroupChange | None:
        known = self._of_jobs.get(job_id)
        if known is not None:
            return known
        value = self._engine.columns.job.get(job_id)
        if value is None:
            return None
        head, spec = unpack_job(value)
        if not head.flags & GROUP:
            return None
        change = self._of_jobs[job_id] = self.of(queue, job_pb2.JobSpec.FromString(spec).group)
        return change

    def write(self) -> None:
        """Puts the records into the commit."""
        handle, now_us = self._engine.columns.group_h, self._commit.now_us
        for (queue, key), change in self._changes.items():
            record, at = change.record, group_key(queue.number, key)
            full_us = 0 if record.level is FULL else record.level.full_us
            if record.shown:
                self._commit.put(at, pack_group(record), handle)
            elif full_us > now_us:
                self._commit.timer(full_us, TIMER_GROUP, at, b"")
                self._commit.put(at, pack_group(record), handle)
            else:
                self._commit.delete(at, handle)

    def apply(self) -> None:
        """Changes memory."""
        for change in self._changes.values():
            state = change.state
            state.waiting += change.waiting
            state.jobs += change.jobs
            if change.turn is not None:
                state.turn = change.turn
            if change.settings is not None:
                state.apply_settings(change.settings)
            if change.level is not None:
                state.level = change.level
            change.groups.waiting += change.waiting
            for suffix in change.removed:
                state.remove(suffix)
                if state.turn_at == suffix:
                    state.turn_at = b""
            for entry in change.added:
                state.add(entry, change.groups.window)
                if state.turn and entry[12:SUFFIX_BYTES] == state.turn:
                    state.turn_at = entry[:SUFFIX_BYTES]
            if change.settings is not None:
                change.groups.fitted(state)
            change.groups.changed(state)
