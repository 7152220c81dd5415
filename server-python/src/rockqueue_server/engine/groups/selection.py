"""The groups of one queue that have something to do: whose turn it is, and who may not be served now."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

from rockqueue_server.engine.groups.records import SUFFIX_BYTES, group_key, unpack_group
from rockqueue_server.engine.groups.state import GroupState
from rockqueue_server.rules import rate as rates
from rockqueue_server.rules.fairness import Ring

if TYPE_CHECKING:
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.rules.rate import Rate

WINDOW = 65_536
"""So many waiting jobs of all groups together are in memory, but `LEAST` to `MOST` of each, give or take."""
LEAST, MOST = 4, 1024
LOOKED_AT = 1000


class Groups:
    """Takes the next jobs of a queue that has groups. Jobs without a group are together one more, of weight 1.

    Every group with waiting jobs that may be served is in the ring. One whose turn comes when it may not be served
    leaves the ring, and is put back by what may have changed that: a delivery that ended, a job that came back, new
    settings, or the moment at which its rate allows more.
    """

    def __init__(self, engine: Engine, queue: QueueState) -> None:
        self._engine = engine
        self._queue = queue
        self._column = engine.columns.gready
        self.by_key: dict[str, GroupState] = {}
        self.waiting = 0
        """Waiting jobs that have a group."""
        self._ring: Ring[GroupState | None] = Ring()
        self._others_tag = 0
        self._others_in_ring = False
        self._out: dict[bytes, GroupState] = {}
        self._throttled: list[tuple[int, int, GroupState]] = []
        self._order = itertools.count()
        self._alarm: Alarm | None = None

    @property
    def window(self) -> int:
        """How many waiting jobs of one group are kept in memory."""
        return max(LEAST, min(MOST, WINDOW // (len(self.by_key) or 1)))

    @property
    def ready(self) -> int:
        """How many groups have waiting jobs."""
        return sum(1 for state in self.by_key.values() if state.waiting)

    def find(self, key: str) -> GroupState | None:
        """A group that has a record."""
        state = self.by_key.get(key)
        if state is None:
            value = self._engine.columns.group.get(group_key(self._queue.number, key))
            if value is not None:
                state = self.fitted(GroupState.of(self._queue.number, key, unpack_group(value)))
        return state

    def fitted(self, state: GroupState) -> GroupState:
        """The group, with its level under the rate that holds now."""
        rate = self.rate(state)
        if rate is not None and state.level.full_ps:
            state.level = rates.fitted(rate, state.level, self._engine.clock.now_us())
        return state

    def max_active(self, state: GroupState) -> int | None:
        """How many jobs of a group may be active."""
        if "group_limit_ignored" in self._engine.defects:
            return None
        return self._queue.group_max_active if state.max_active is None else state.max_active

    def rate(self, state: GroupState) -> Rate | None:
        """How many deliveries of a group there may be in a time."""
        return self._queue.group_rate if state.rate is None else state.rate

    def strict(self, state: GroupState) -> bool:
        """Whether the order of a group is kept strictly: the next job starts when the one before is finished."""
        return self.max_active(state) == 1 and "group_order_broken_by_retry" not in self._engine.defects

    def full(self, state: GroupState) -> bool:
        """Whether a group has as many active jobs as it may, or waits for the job whose turn it is."""
        most = self.max_active(state)
        if most is not None and state.active >= most:
            return True
        return bool(state.turn) and not state.turn_at and self.strict(state)

    def free_us(self, state: GroupState, now_us: int) -> int:
        """When the rate of a group allows a delivery; `now_us` if it does now."""
        rate = self.rate(state)
        return now_us if rate is None else rates.free_us(rate, state.level, now_us)

    def changed(self, state: GroupState) -> None:
        """Something about a group changed: it may be served now, or be forgotten."""
        if state.has_waiting:
            self.by_key[state.key] = state
            if not state.in_ring:
                self._ring.join(state, state.weight, state.tag)
                state.in_ring = True
            self._engine.dispatcher.dirty[self._queue] = None
        elif state.active:
            self.by_key[state.key] = state
        elif self.by_key.get(state.key) is state and not state.in_ring:
            del self.by_key[state.key]

    def started(self, state: GroupState) -> None:
        """A delivery was found on disk after a restart."""
        state.active += 1
        self.by_key[state.key] = state

    def ended(self, state: GroupState) -> None:
        """A delivery has ended, one way or another."""
        state.active -= 1
        self.changed(state)

    def all_changed(self) -> None:
        """The settings of the queue changed: every group may be served now."""
        for state in list(self.by_key.values()):
            self.changed(self.fitted(state))

    def oldest_ready_us(self) -> int | None:
        """The earliest ready time among the jobs that come next in their groups, of up to `LOOKED_AT` groups."""
        oldest: int | None = None
        for state in itertools.islice(self.by_key.values(), LOOKED_AT):
            if state.first or state.load(self._column, self.window):
                ready_us = int.from_bytes(state.first[0][4:12], "big")
                oldest = ready_us if oldest is None else min(oldest, ready_us)
        return oldest

    def take(self, count: int, now_us: int) -> list[tuple[bytes, bool]]:
        """The next jobs, up to `count`: ready key and whether it was touched. They are out until `settle`."""
        taken: list[tuple[bytes, bool]] = []
        ring, start = self._ring, self._queue.number.to_bytes(4, "big")
        if not self._others_in_ring and self._queue.waiting > self.waiting:
            ring.join(None, 1, self._others_tag)
            self._others_in_ring = True
        while len(taken) < count and ring:
            state, tag = ring.next()
            if state is None:
                entry = self._take_other(tag)
                if entry is not None:
                    taken.append(entry)
                continue
            state.in_ring = False
            state.tag = tag
            ready = self._take_from(state, now_us)
            if ready is None:
                continue
            key = start + ready[:SUFFIX_BYTES]
            self._out[key] = state
            taken.append((key, ready[SUFFIX_BYTES] == 1))
            served = ring.served(tag, state.weight)
            state.tag = tag if "group_starved" in self._engine.defects else served
            if state.has_waiting:
                ring.join(state, state.weight, state.tag)
                state.in_ring = True
        return taken

    def _take_other(self, tag: int) -> tuple[bytes, bool] | None:
        entry = self._queue.window.pop()
        self._others_in_ring = entry is not None
        if entry is not None:
            self._others_tag = self._ring.served(tag, 1)
            self._ring.join(None, 1, self._others_tag)
        return entry

    def _take_from(self, state: GroupState, now_us: int) -> bytes | None:
        """The next job of a group, counted as active; None when there is none, or none may be delivered now."""
        if self.full(state):
            self._queue.stats.throttled["group_max_active"] += 1
            return None
        rate = self.rate(state)
        if rate is not None and not rates.room(rate, state.level, now_us):
            self._queue.stats.throttled["group_rate"] += 1
            self._again_at(state, rates.free_us(rate, state.level, now_us))
            return None
        if state.turn_at and self.strict(state):
            ready = state.turn_at + b"\x01"
            state.remove(state.turn_at)
        else:
            found = state.pop(self._column, self.window)
            if found is None:
                self.changed(state)
                return None
            ready = found
        if state.turn_at and ready.startswith(state.turn_at):
            state.turn_at = b""
        state.active += 1
        if rate is not None:
            state.level = rates.spent(rate, state.level, now_us, 1)
        return ready

    def group_of(self, key: bytes) -> GroupState | None:
        """The group of a job that is out."""
        return self._out.get(key)

    def put_back(self, picked: list[tuple[bytes, bool]]) -> None:
        """Jobs that were taken were not delivered after all."""
        for key, touched in picked:
            state = self._out.pop(key, None)
            if state is None:
                self._queue.window.add(key, touched=touched)
                continue
            self._undo(state)
            state.add(key[4:] + (b"\x01" if touched else b"\x00"), self.window)
            if state.turn and key[16:] == state.turn:
                state.turn_at = key[4:]
            self.changed(state)

    def settle(self, picked: list[tuple[bytes, bool]], granted: set[bytes]) -> None:
        """Jobs that were taken are delivered, those of ids `granted`; the others are not waiting any more."""
        for key, _ in picked:
            state = self._out.pop(key, None)
            if state is not None and key[16:] not in granted:
                self._undo(state)
                self.changed(state)

    def _undo(self, state: GroupState) -> None:
        state.active -= 1
        if self.rate(state) is not None:
            state.level = rates.given_back(state.level, 1)

    def _again_at(self, state: GroupState, due_us: int) -> None:
        if state.due_us != due_us:
            state.due_us = due_us
            heapq.heappush(self._throttled, (due_us, next(self._order), state))
            self._arm()

    def _arm(self) -> None:
        self._alarm = self._engine.alarms.by(self._alarm, self._throttled[0][0], self._rings)

    def _rings(self) -> None:
        now_us = self._engine.clock.now_us()
        while self._throttled and self._throttled[0][0] <= now_us:
            state = heapq.heappop(self._throttled)[2]
            state.due_us = 0
            self.changed(state)
        if self._throttled:
            self._arm()
