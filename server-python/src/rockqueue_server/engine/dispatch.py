"""Deliveries: brings those who can take jobs and the jobs that wait together, once in every cycle of the engine.

Within a queue the order is that of the ready keys. Among takers of a queue they go round, in chunks that are small
when few
jobs wait, so that one worker with many credits does not leave the others idle. Deliveries are written, not synced:
one that is lost by a power cut means one more delivery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue_server.contract.admission import TIMEOUT
from rockqueue_server.engine import records
from rockqueue_server.engine.grant import grant
from rockqueue_server.engine.groups.records import pack_level, rate_key
from rockqueue_server.engine.takers import Granted, Pull, Taker
from rockqueue_server.rules import rate as rates
from rockqueue_server.store.base import StorageFull

if TYPE_CHECKING:
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.rules.rate import Rate

CHUNK = 256
SLICE = 32
CHUNK_BYTES = 2 << 20
"""A chunk ends when its specs have so many bytes: one more job fits into a message of 5 MiB."""
ROUND = 512
"""So many deliveries at most before the loop gets its turn: they are sent while the next ones are made."""


class Dispatcher:
    """Knows which queues to look at: `dirty` ones got jobs, credits or room since the last look."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.dirty: dict[QueueState, None] = {}
        self._not_before_us = 0
        self._turn = 0
        self._rates: dict[QueueState, Alarm] = {}

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
        if "first_queue_first" in self._engine.defects:
            queues = dict.fromkeys(sorted(self.dirty, key=lambda queue: queue.number))
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
        if queue.rate is not None and room > 0:
            room = self._within_rate(queue, queue.rate, room, now_us)
        taker = self._next_taker(queue, now_us) if room > 0 else None
        if taker is None:
            queue.stats.throttled["max_active"] += queue.full
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
            granted = grant(engine, commit, queue, taker, picked, self._read(queue, picked))
            if queue.rate is not None:
                self._charge(commit, queue, queue.rate, len(granted))
            commit.write()
        except BaseException as error:
            _put_back(queue, picked)
            self.dirty[queue] = None
            if isinstance(error, StorageFull):
                self.dirty.update(dict.fromkeys(engine.queues.by_number.values()))
            raise
        if queue.groups is not None:
            queue.groups.settle(picked, {lease.job_id for lease, _ in granted})
        self._hand_over(queue, taker, granted, now_us)
        self._turn += 1
        queue.served = self._turn
        return len(picked)

    def _within_rate(self, queue: QueueState, rate: Rate, room: int, now_us: int) -> int:
        """How many of `room` deliveries the queue's rate allows now. When it allows none, it is looked at again."""
        allowed = rates.room(rate, queue.level, now_us)
        if not allowed and queue.hungry:
            queue.stats.throttled["rate"] += 1
            self._look_again(queue, rates.free_us(rate, queue.level, now_us))
        return min(room, allowed)

    def _look_again(self, queue: QueueState, due_us: int) -> None:
        alarm = self._rates.get(queue)
        if alarm is not None and alarm.action is not None:
            if alarm.due_us == due_us:
                return
            alarm.cancel()

        def look() -> None:
            self.dirty[queue] = None

        self._rates[queue] = self._engine.alarms.set(due_us, look, absolute=True)

    def _charge(self, commit: Commit, queue: QueueState, rate: Rate, count: int) -> None:
        """Notes deliveries in the bucket of the queue's rate, in memory when they are written."""
        if not count:
            return
        level = rates.spent(rate, queue.level, commit.now_us, count)
        commit.put(rate_key(queue.number), pack_level(level), self._engine.columns.meta_h)

        def charged() -> None:
            queue.level = level

        commit.after(charged)

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
        if queue.groups is not None:
            return queue.groups.take(count, self._engine.clock.now_us())
        picked = queue.window.take(count)
        if "ignore_priority" in self._engine.defects:
            picked.reverse()
        return picked

    def _read(self, queue: QueueState, picked: list[tuple[bytes, bool]]) -> list[tuple[records.JobHead, bytes]]:
        """Heads and specs of the jobs picked; when they are large, `picked` is cut and the rest goes back."""
        found: list[tuple[records.JobHead, bytes]] = []
        size = 0
        for at in range(0, len(picked), SLICE):
            ids = [key[16:] for key, _ in picked[at : at + SLICE]]
            values: list[bytes] = []
            for job_id, value in zip(ids, self._engine.columns.job.get_many(ids), strict=True):
                if value is None:
                    raise RuntimeError(f"waiting job {job_id.hex()} has no record")
                values.append(value)
                size += len(value)
                if size >= CHUNK_BYTES:
                    break
            found += records.unpack_jobs(values)
            if size >= CHUNK_BYTES:
                break
        rest = picked[len(found) :]
        if rest:
            _put_back(queue, rest)
            del picked[len(found) :]
        return found

    def _hand_over(self, queue: QueueState, taker: Taker, granted: list[Granted], now_us: int) -> None:
        """What follows once the deliveries are written."""
        leases, session = self._engine.leases, taker.session
        by_job = leases.by_job
        waited_from, alike = 0, 0
        for lease, _ in granted:
            by_job[lease.job_id] = lease
            if lease.ready_us != waited_from:
                queue.stats.wait_s.observe((now_us - waited_from) / 1e6, alike)
                waited_from, alike = lease.ready_us, 0
            alike += 1
            if lease.head.flags & TIMEOUT:
                leases.watch(lease, now_us)
            if session is None:
                leases.expire_at(lease)
        queue.stats.wait_s.observe((now_us - waited_from) / 1e6, alike)
        queue.stats.delivered += len(granted)
        taker.credits -= len(granted)
        if granted:
            if session is not None:
                self._engine.sessions.granted(session, granted)
            taker.receive(granted)
        if taker.credits <= 0 or (granted and isinstance(taker, Pull)):
            taker.enough()


def _put_back(queue: QueueState, picked: list[tuple[bytes, bool]]) -> None:
    """Jobs that were picked wait on."""
    if queue.groups is not None:
        queue.groups.put_back(picked)
        return
    for key, touched in picked:
        queue.window.add(key, touched=touched)


def _served(queue: QueueState) -> int:
    return queue.served
