"""All schedules: rings when the first of them is due, and fires what is due in bounded steps.

Nothing of a schedule is in memory but the alarm of the first: a hundred thousand of them cost what is due of them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2
from rockqueue_server.engine import firing
from rockqueue_server.engine.schedule_changes import ScheduleChanges
from rockqueue_server.engine.schedule_records import COUNT_KEY, DUES, due_key, due_parts
from rockqueue_server.errors import ServiceError

if TYPE_CHECKING:
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine

log = logging.getLogger("rockqueue.schedules")

STEP = 200
STEP_S = 0.01
STEP_BYTES = 4 << 20
"""A commit ends after so many schedules, so much time, or jobs of so many bytes."""
_LOOK_AGAIN_US = 1_000_000
_AFTER_DUES = DUES[:-1] + bytes((DUES[-1] + 1,))


class ScheduleBook:
    """The schedules of the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._alarm: Alarm | None = None
        self._from = DUES
        """Nothing is due below this key: no scan has to pass what was there."""
        self.count = 0
        self.has_room: Callable[[], bool] = lambda: True
        """Whether the disk takes new jobs. Slots wait until it does."""

    def load(self) -> None:
        """Looks up how many schedules there are, and the first that is due."""
        value = self._engine.columns.meta.get(COUNT_KEY)
        self.count = int.from_bytes(value or b"", "big")
        self._ring_for_first()

    def changes(self, commit: Commit) -> ScheduleChanges:
        """What a commit does to schedules."""
        if commit.schedules is None:
            commit.schedules = ScheduleChanges(self._engine, commit)
        return commit.schedules

    def count_by(self, commit: Commit, change: int) -> None:
        """So many schedules more, or fewer."""
        count = self.count + change
        commit.put(COUNT_KEY, count.to_bytes(8, "big"), self._engine.columns.meta_h)

        def apply() -> None:
            self.count = count

        commit.after(apply)

    def job_ended(self, commit: Commit, name: str, job_id: bytes) -> None:
        """A job that a schedule pushed is finished, or removed."""
        self.changes(commit).job_ended(name, job_id)

    def job_put_back(self, commit: Commit, name: str, job_id: bytes) -> None:
        """A finished job that a schedule pushed is to run again."""
        self.changes(commit).job_begun(name, job_id)

    def ring_by(self, due_us: int) -> None:
        """There is something to do at `due_us`."""
        self._from = min(self._from, due_key(due_us))
        self._alarm = self._engine.alarms.by(self._alarm, due_us, self._step)

    def _ring_for_first(self, not_before_us: int = 0) -> None:
        rows = self._engine.columns.schedules.scan(self._from, _AFTER_DUES, 1)
        if rows:
            self.ring_by(max(due_parts(rows[0][0])[0], not_before_us))

    def _step(self) -> None:
        """Fires the next slots that are due."""
        engine = self._engine
        now_us = engine.clock.now_us()
        rows = engine.columns.schedules.scan(self._from, due_key(now_us + 1), STEP)
        if rows and not self.has_room():
            # Lazy: a test that turns the clock far need not stop at each look.
            self._alarm = engine.alarms.set(now_us + _LOOK_AGAIN_US, self._step, lazy=True, absolute=True)
            return
        if rows:
            commit = engine.commit(now_us)
            done = self._fire(commit, rows)
            commit.write()
            self._from = due_key(done)
        self._ring_for_first(now_us)

    def _fire(self, commit: Commit, rows: list[tuple[bytes, bytes]]) -> int:
        """Fires what is due within the bounds of a step; returns the due time of the last."""
        changes = self.changes(commit)
        until = time.perf_counter() + STEP_S
        size = due_us = 0
        for key, _ in rows:
            due_us, name = due_parts(key)
            state = changes.state(name)
            if state is None or state.due_us != due_us:
                raise RuntimeError(f"schedule {name} is due, and does not know of it")
            try:
                size += firing.fire_due(self._engine, commit, changes, state)
            except (ServiceError, ValueError) as error:
                # A rule of this version that the spec was not put under: it must not hold up all others.
                log.error("schedule %s is paused: it cannot fire any more, put it anew: %s", name, error)  # noqa: TRY400
                state.shown.paused = True
                state.set_next(None, 0)
                changes.changed(state)
                type_ = event_service_pb2.EVENT_TYPE_SCHEDULE_PAUSED
                firing.tell(self._engine, commit, type_, name, changes.spec(name))
            if size >= STEP_BYTES or time.perf_counter() >= until:
                break
        return due_us
