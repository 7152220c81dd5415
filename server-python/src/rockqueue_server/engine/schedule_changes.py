"""What one commit does to schedules: their states as the commit leaves them, and which of their jobs begin and end.

A schedule and its jobs may be changed in one commit from several sides (a slot that fires cancels an earlier job, whose
end lets a queued slot fire), so all of them see the same state; it is put into the commit once, when that is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import schedule_service_pb2
from rockqueue_server.engine import firing
from rockqueue_server.engine.schedule_records import (
    ScheduleState,
    due_key,
    job_key,
    job_parts,
    pack_state,
    spec_key,
    state_key,
    unpack_state,
)

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine

_AFTER_EVERY_ID = b"\xff" * 17


class ScheduleChanges:
    """The changes of one commit. `close` puts them into it."""

    def __init__(self, engine: Engine, commit: Commit) -> None:
        self._engine = engine
        self._commit = commit
        self._states: dict[str, ScheduleState | None] = {}
        self._due: dict[str, int] = {}
        """Due times on disk of the states that were read."""
        self._changed: dict[str, ScheduleState] = {}
        self._begun: dict[str, set[bytes]] = {}
        self._ended: dict[str, set[bytes]] = {}

    def state(self, name: str) -> ScheduleState | None:
        """The schedule as this commit leaves it; call `changed` after changing it."""
        if name not in self._states:
            value = self._engine.columns.schedules.get(state_key(name))
            state = self._states[name] = unpack_state(name, value) if value is not None else None
            self._due[name] = state.due_us if state is not None else 0
        return self._states[name]

    def spec(self, name: str) -> schedule_service_pb2.ScheduleSpec:
        """The spec of a schedule that exists."""
        value = self._engine.columns.schedules.get(spec_key(name))
        if value is None:
            raise RuntimeError(f"schedule {name} has no spec")
        return schedule_service_pb2.ScheduleSpec.FromString(value)

    def changed(self, state: ScheduleState) -> None:
        """The state is to be written."""
        self._states[state.name] = self._changed[state.name] = state

    def removed(self, state: ScheduleState) -> None:
        """The schedule is gone. Its unfinished jobs stay known: they count if one of its name is made again."""
        handle = self._engine.columns.schedules_h
        self._commit.delete(spec_key(state.name), handle)
        self._commit.delete(state_key(state.name), handle)
        self._move_due(state.name, 0)
        self._states[state.name] = None
        self._changed.pop(state.name, None)

    def job_begun(self, name: str, job_id: bytes) -> None:
        """A job of the schedule was pushed, or put back."""
        self._commit.put(job_key(name, job_id), b"", self._engine.columns.schedules_h)
        self._begun.setdefault(name, set()).add(job_id)
        state = self.state(name)
        if state is not None and job_id < state.jobs_from:
            state.jobs_from = job_id
            self.changed(state)

    def job_ended(self, name: str, job_id: bytes) -> None:
        """A job of the schedule is finished, or removed."""
        self._commit.delete(job_key(name, job_id), self._engine.columns.schedules_h)
        self._ended.setdefault(name, set()).add(job_id)

    def unfinished(self, state: ScheduleState, most: int) -> list[bytes]:
        """Up to `most` jobs of the schedule that this commit does not finish, oldest first."""
        ended = self._ended.get(state.name, set[bytes]())
        lower, upper = job_key(state.name, state.jobs_from), job_key(state.name, _AFTER_EVERY_ID)
        rows = self._engine.columns.schedules.scan(lower, upper, most + len(ended))
        first = job_parts(rows[0][0])[1] if rows else self._engine.ids.floor(self._commit.now_us)
        if first > state.jobs_from:
            state.jobs_from = first
            self.changed(state)
        found = {job_parts(key)[1] for key, _ in rows} | self._begun.get(state.name, set[bytes]())
        return sorted(found - ended)[:most]

    def close(self) -> None:
        """Lets slots fire that waited for what ended, and puts all changes into the commit."""
        for name in list(self._ended):
            state = self.state(name)
            if state is not None:
                firing.fire_queued(self._engine, self._commit, self, state)
        handle = self._engine.columns.schedules_h
        for name, state in self._changed.items():
            self._move_due(name, state.due_us)
            self._commit.put(state_key(name), pack_state(state), handle)

    def _move_due(self, name: str, due_us: int) -> None:
        before_us = self._due.get(name, 0)
        if before_us == due_us:
            return
        handle = self._engine.columns.schedules_h
        if before_us:
            self._commit.delete(due_key(before_us, name), handle)
        if due_us:
            self._commit.put(due_key(due_us, name), b"", handle)
            self._commit.after(lambda: self._engine.schedules.ring_by(due_us))
        self._due[name] = due_us
