"""Named places at which a server that is being tested kills itself, as `kill -9` would.

`ROCKQUEUE_FAILPOINT=name` or `name:nth` (from 1) arms one, in a server with `--testing`. Nothing in the engine asks
whether a failpoint is armed: arming wraps the methods on both sides of the place, so a server without one runs the
same code as if there were none.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from rockqueue_server.engine.engine import Engine
from rockqueue_server.engine.leases import LeaseBook
from rockqueue_server.engine.queues import QueueBook
from rockqueue_server.engine.timers import Timers
from rockqueue_server.services.bulk import Bulk
from rockqueue_server.store import opening
from rockqueue_server.store.rocks import RocksStore

VARIABLE = "ROCKQUEUE_FAILPOINT"
_AFTER_ANSWER_S = 0.003
_FLUSH_MOST_S = 0.02

Method = Callable[..., Any]


class _Countdown:
    """Kills the process the nth time."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self._lock = threading.Lock()

    def due(self) -> bool:
        """Counts one time; True at the nth."""
        with self._lock:
            self._left -= 1
            return self._left == 0

    def hit(self) -> None:
        """Counts one time, and at the nth does not return."""
        if self.due():
            _die()


def arm_from_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Arms the failpoint that the environment names, if any. Raises ValueError for one that there is not."""
    text = environment.get(VARIABLE, "")
    if text:
        name, _, nth = text.partition(":")
        if name not in FAILPOINTS or not (nth or "1").isdecimal() or int(nth or "1") < 1:
            raise ValueError(f"{VARIABLE}={text!r}: write NAME or NAME:NTH, NAME one of {', '.join(FAILPOINTS)}")
        FAILPOINTS[name](_Countdown(int(nth or "1")))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # this thread must not go on while the signal is on its way


def _wrap(owner: Any, name: str, *, before: Method | None = None, after: Method | None = None) -> None:
    """Replaces a function of a class or module by one that calls `before` and `after` with its arguments."""
    original: Method = getattr(owner, name)

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(*args)
        result = original(*args, **kwargs)
        if after is not None:
            after(*args)
        return result

    setattr(owner, name, wrapped)


def _before_write(count: _Countdown) -> None:
    """A commit is decided, and not yet in the log."""
    _wrap(RocksStore, "write", before=lambda *_: count.hit())


def _after_write_before_sync(count: _Countdown) -> None:
    """A commit is in the log, and not yet on disk."""
    _wrap(RocksStore, "sync", before=lambda *_: count.hit())


def _after_sync_before_answer(count: _Countdown) -> None:
    """A commit is on disk, and nobody knows."""
    _wrap(RocksStore, "sync", after=lambda *_: count.hit())


def _after_answer(count: _Countdown) -> None:
    """Answers have left, or some of them."""

    def answered(*_: object) -> None:
        if count.due():
            threading.Timer(_AFTER_ANSWER_S, _die).start()

    _wrap(Engine, "_synced", after=answered)


def _during_open(count: _Countdown) -> None:
    """Step by step through the opening of a directory and the start of the engine."""
    for owner, name in (
        (opening, "_take"),
        (opening, "_check_format"),
        (opening, "_open_database"),
        (opening, "_check_commit"),
        (QueueBook, "load"),
        (LeaseBook, "load"),
        (Timers, "load"),
        (Engine, "start"),
    ):
        _wrap(owner, name, after=lambda *_: count.hit())


def _mid_sweep(count: _Countdown) -> None:
    """In the middle of what time brings: delayed jobs that become ready, leases that end, purges, expiries."""
    sweeping = [0]

    def begin(*_: object) -> None:
        sweeping[0] += 1

    def end(*_: object) -> None:
        sweeping[0] -= 1

    for owner, name in ((Timers, "_promote"), (Timers, "_step"), (LeaseBook, "crash")):
        _wrap(owner, name, before=begin, after=end)
    _wrap(RocksStore, "write", after=lambda *_: count.hit() if sweeping[0] else None)


def _mid_bulk(count: _Countdown) -> None:
    """Between two commits of one cancel, retry or delete by filter."""
    _wrap(Bulk, "_step", after=lambda *_: count.hit())


def _during_close(count: _Countdown) -> None:
    """While a server that was asked to stop closes its store: before the last sync, after it, and while it flushes."""
    closing = [False]

    def begin(*_: object) -> None:
        closing[0] = True
        count.hit()

    def synced(*_: object) -> None:
        if closing[0] and count.due():
            _die_within(_FLUSH_MOST_S)

    _wrap(RocksStore, "close", before=begin, after=lambda *_: count.hit())
    _wrap(RocksStore, "sync", after=synced)


def _during_flush(count: _Countdown) -> None:
    """While RocksDB writes what it holds in memory to tables."""

    def flush(store: Any, *_: object) -> None:
        if count.due():
            _die_within(_FLUSH_MOST_S)
            for column in store._columns.values():  # noqa: SLF001 - nothing but a failpoint forces a flush
                column._reader.flush()  # noqa: SLF001
            time.sleep(1)

    _wrap(RocksStore, "write", after=flush)


def _die_within(seconds: float) -> None:
    """Death by SIGALRM at a moment of chance, whoever holds the interpreter's lock then."""
    signal.setitimer(signal.ITIMER_REAL, random.uniform(seconds / 20, seconds))  # noqa: S311 - a moment, no secret


FAILPOINTS: dict[str, Callable[[_Countdown], None]] = {
    "before_write": _before_write,
    "after_write_before_sync": _after_write_before_sync,
    "after_sync_before_answer": _after_sync_before_answer,
    "after_answer": _after_answer,
    "during_open": _during_open,
    "mid_sweep": _mid_sweep,
    "mid_bulk": _mid_bulk,
    "during_close": _during_close,
    "during_flush": _during_flush,
}
"""What each name arms."""
