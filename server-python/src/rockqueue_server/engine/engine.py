"""The one writer: takes operations in, carries them out one after another, syncs them in groups, and answers.

An operation is a plain function of the time. It runs whole, between two turns of the event loop: it reads memory and
store,
fills a commit, writes it, and only then changes memory. Many operations share one fsync: while it runs in a thread,
the next ones are carried out and written. An answer leaves when the fsync after its write is done.

    handlers -> submit -> inbox -> cycle: alarms, operations, deliveries -> write   (log, not yet synced)
                                                                              |
                     answers, events, reads that saw it   <-   durable   <-  sync   (fsync, in a thread)
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from rockqueue_server.engine.alarms import Alarms
from rockqueue_server.engine.clock import HELD_KEY, Clock
from rockqueue_server.engine.columns import Columns
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.dispatch import Dispatcher
from rockqueue_server.engine.flows.book import FlowBook
from rockqueue_server.engine.groups.book import GroupBook
from rockqueue_server.engine.leases import LeaseBook
from rockqueue_server.engine.notes import NoteBook
from rockqueue_server.engine.origins import Origins
from rockqueue_server.engine.queues import QueueBook
from rockqueue_server.engine.schedules import ScheduleBook
from rockqueue_server.engine.sessions import SessionBook
from rockqueue_server.engine.stats import Stats
from rockqueue_server.engine.syncer import Syncer
from rockqueue_server.engine.timers import Timers
from rockqueue_server.engine.waiters import JobWaiters
from rockqueue_server.errors import ServiceError, shutting_down, storage_failed
from rockqueue_server.feed.feed import Feed
from rockqueue_server.rules.ids import JobIds
from rockqueue_server.store.base import StorageFailed, StorageFull, Store
from rockqueue_server.store.opening import COMMIT_KEY, COMMIT_VALUE

log = logging.getLogger("rockqueue.engine")

T = TypeVar("T")

ALARMS_FOR_S = 0.003
"""For so long alarms ring before operations get their turn: a burst of due jobs must not hold up the loop."""
_RETRY_AFTER_FULL_US = 1_000_000
_LOOK_AT_WALL_US = 5_000_000
_JUMP_US = 100_000
_PAUSE_US = 1_000_000
"""A timer that rings so late means that the process was stopped, or the machine slept or was overloaded."""


class Engine:
    """All state of one server. Its methods are called on one event loop."""

    def __init__(
        self,
        store: Store,
        *,
        embedded: bool = False,
        record_commit: Callable[[int], None] | None = None,
        defects: frozenset[str] = frozenset(),
        testing: bool = False,
    ) -> None:
        self.store = store
        self.columns = Columns(store)
        self.embedded = embedded
        self.defects = defects
        self.stats = Stats()
        self.random = random.Random()  # noqa: S311 - spreads retries, guards nothing
        value = self.columns.meta.get(COMMIT_KEY)
        self.written, last_us = COMMIT_VALUE.unpack(value) if value else (0, 0)
        self.durable = self.written
        self.clock = Clock(last_us, held=testing and self.columns.meta.get(HELD_KEY) is not None)
        self.alarms = Alarms()
        self.ids = JobIds()
        self.feed = Feed(self)
        self.queues = QueueBook(self)
        self.groups = GroupBook(self)
        self.leases = LeaseBook(self)
        self.sessions = SessionBook(self)
        self.notes = NoteBook(self)
        self.waiters = JobWaiters(self)
        self.origins = Origins(self)
        self.flows = FlowBook(self)
        self.timers = Timers(self)
        self.schedules = ScheduleBook(self)
        self.dispatcher = Dispatcher(self)
        self.failed = asyncio.Event()
        self.failed_by_disk = True
        self.stopping = False
        self._stopped = False
        self._inbox: deque[tuple[Callable[[int], Any], asyncio.Future[Any], bool]] = deque()
        self._unsynced: deque[tuple[int, asyncio.Future[Any], Any]] = deque()
        self._syncing = False
        self._scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_us = 0
        self._loop = asyncio.get_running_loop()
        self._stop_signal: asyncio.Future[None] = self._loop.create_future()
        self._syncer = Syncer(store, self._synced, self.fail, record_commit, self.durable)

    def start(self) -> None:
        """Reads what is on disk and begins to work."""
        self.queues.load()
        self.groups.load()
        self.flows.load()
        self.leases.load()
        self.timers.load()
        self.schedules.load()
        self.feed.start()
        self.alarms.set(self.clock.now_us(), self._follow_wall_clock, lazy=True)
        self._syncer.start()
        self.schedule()

    def submit(self, operation: Callable[[int], T], *, durable: bool = True) -> asyncio.Future[T]:
        """Has `operation(now_us)` carried out; the future gets its result when it is on disk (log, if not `durable`).

        Raises through the future: what the operation raises, or STORAGE_FAILED when the outcome is unknown.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        if self._stopped:
            future.set_exception(shutting_down())
            return future
        if self.failed.is_set():
            future.set_exception(storage_failed())
            return future
        self._inbox.append((operation, future, durable and "ack_before_sync" not in self.defects))
        self.schedule()
        return future

    def schedule(self) -> None:
        """Runs a cycle soon."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._cycle)

    def settled(self) -> asyncio.Future[None]:
        """Done when all that has been written until now is on disk: reads wait for it before they are answered."""
        future: asyncio.Future[None] = self._loop.create_future()
        if self.durable >= self.written:
            future.set_result(None)
        else:
            self._unsynced.append((self.written, future, None))
        return future

    def stop_signal(self) -> asyncio.Future[None]:
        """Done when the server begins to stop: long polls, watches and sessions end by it."""
        return self._stop_signal

    def begin_stop(self) -> None:
        """Lets everything that waits know that the server stops."""
        self.stopping = True
        if not self._stop_signal.done():
            self._stop_signal.set_result(None)
        self.feed.wake_all()

    def write(self, commit: Commit) -> None:
        """Puts a commit into the log. Called by `Commit.write` only."""
        began = time.perf_counter()
        try:
            self.store.write(commit.batch)
        except StorageFailed as error:
            self.fail(error)
            raise storage_failed() from error
        self.written = commit.number
        self.stats.commits += 1
        self.stats.commit_s.observe(time.perf_counter() - began)
        if not self._syncing:
            self._syncing = True
            # What else is carried out in this turn of the loop shares the fsync.
            self._loop.call_soon(self._sync)

    def commit(self, now_us: int) -> Commit:
        """A new commit."""
        return Commit(self, now_us)

    def fail(self, error: BaseException) -> None:
        """The disk cannot be trusted any more: everything that waits is unknown, and the process has to end."""
        if self.failed.is_set():
            return
        self.failed_by_disk = isinstance(error, (StorageFailed, StorageFull))
        what = "the disk failed" if self.failed_by_disk else "a defect in the engine"
        log.critical("%s; stopping, so that nothing false is answered: %s", what, error)
        self.failed.set()
        self.begin_stop()
        for _, future, _result in self._unsynced:
            if not future.done():
                future.set_exception(storage_failed())
        self._unsynced.clear()

    def run_due(self, now_us: int) -> None:
        """Carries out everything that is due at `now_us`, for a clock that is turned by hand."""
        while self.alarms.ring(now_us, ALARMS_FOR_S):
            pass
        self.dispatcher.run(now_us)

    def _follow_wall_clock(self) -> None:
        """Takes over a wall clock that ran ahead (it was set, or the machine slept); no lease ends by that."""
        ahead_us = self.clock.follow_wall_clock(_JUMP_US)
        if ahead_us:
            log.warning("the wall clock is %.1f s ahead: it was set, or the machine slept", ahead_us / 1e6)
            self._drop_timer()
            if "lease_by_wall_clock" not in self.defects:
                self._shift(ahead_us)
        self.alarms.set(self.clock.now_us() + _LOOK_AT_WALL_US, self._follow_wall_clock, lazy=True)

    def _cycle(self) -> None:
        self._scheduled = False
        if self.failed.is_set():
            self._refuse_inbox()
            return
        now_us = self.clock.now_us()
        self._forgive_a_pause(now_us)
        try:
            self.alarms.ring(now_us, ALARMS_FOR_S)
            self._carry_out(now_us)
            self.dispatcher.run(now_us)
        except StorageFull:
            self._after_full_disk(now_us)
        except ServiceError:
            log.exception("housekeeping was refused")
        except Exception as error:
            self.fail(error)
            log.exception("a defect in the engine; memory may differ from disk")
            return
        # An alarm may have moved the clock.
        self._arm(self.clock.now_us())

    def _forgive_a_pause(self, now_us: int) -> None:
        """Gives workers the time back for which this process stood still: they spoke, and were not heard."""
        if self._timer is None or self.clock.frozen:
            return
        late_us = now_us - self._timer_us
        if late_us > _PAUSE_US:
            log.warning("the process stood still for at least %.1f s: leases go on for as long", late_us / 1e6)
            self._shift(late_us + _PAUSE_US)

    def _shift(self, by_us: int) -> None:
        """What means a span of time ends that much later."""
        self.alarms.shift(by_us)
        self.leases.shift(by_us)
        self.sessions.shift(by_us)
        self._drop_timer()

    def _drop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _carry_out(self, now_us: int) -> None:
        inbox, self._inbox = self._inbox, deque()
        if inbox:
            self.stats.group_ops.observe(len(inbox))
        for operation, future, durable in inbox:
            if future.cancelled():
                continue
            before = self.written
            try:
                result = operation(now_us)
            except ServiceError as error:
                future.set_exception(error)
            except StorageFull as error:
                future.set_exception(storage_failed())
                log.warning("the disk is full: %s", error)
            except Exception as error:
                future.set_exception(error)
                if self.written != before or self.failed.is_set():
                    raise
                log.exception("an operation failed before it wrote anything")
            else:
                if durable and self.durable < self.written:
                    self._unsynced.append((self.written, future, result))
                else:
                    future.set_result(result)

    def _refuse_inbox(self) -> None:
        while self._inbox:
            future = self._inbox.popleft()[1]
            if not future.done():
                future.set_exception(storage_failed())

    def _after_full_disk(self, now_us: int) -> None:
        log.warning("the disk is full: deliveries and timers wait until space is freed")
        self.alarms.set(now_us + _RETRY_AFTER_FULL_US, self.timers.ring_now)
        self.alarms.set(now_us + _RETRY_AFTER_FULL_US, self.flows.ring)
        self.dispatcher.again_later(now_us + _RETRY_AFTER_FULL_US)

    def _arm(self, now_us: int) -> None:
        """Wakes the loop for the next alarm. A timer that is set for earlier stays, and costs one cycle."""
        due_us = self.alarms.next_due_us()
        if due_us is None or self._scheduled:
            return
        if due_us <= now_us:
            self.schedule()
        elif not self.clock.frozen and (self._timer is None or due_us < self._timer_us):
            if self._timer is not None:
                self._timer.cancel()
            # A thousandth more than is left: a timer of the loop may fire a little early.
            wait_s = min((due_us - now_us) / 1e6 + 0.001, 3600.0)
            self._timer_us = due_us
            self._timer = self._loop.call_later(wait_s, self._timer_rings)

    def _timer_rings(self) -> None:
        self._forgive_a_pause(self.clock.now_us())
        self._timer = None
        self.schedule()

    def _sync(self) -> None:
        if "ack_before_sync" in self.defects:
            self._loop.call_later(10, self._syncer.sync, self.written)
            return
        self._syncer.sync(self.written)

    def _synced(self, target: int, seconds: float) -> None:
        if self.failed.is_set():
            return
        self.stats.fsync_s.observe(seconds)
        self._syncing = self.written > target
        if self._syncing:
            self._sync()
        self.durable = target
        unsynced = self._unsynced
        while unsynced and unsynced[0][0] <= target:
            _, future, result = unsynced.popleft()
            if not future.done():
                future.set_result(result)
        self.feed.publish(target)

    async def stop(self) -> None:
        """Stops working. What was not carried out gets SHUTTING_DOWN; what was written is synced first."""
        self.stopping = self._stopped = True
        while self._inbox:
            future = self._inbox.popleft()[1]
            if not future.done():
                future.set_exception(shutting_down())
        if self._timer is not None:
            self._timer.cancel()
        if not self.failed.is_set():
            await self.settled()
        self._syncer.stop()
        self.columns.let_go()
