"""The thread that puts the log on disk, while the loop carries out the next operations.

It is a thread of its own, and not an executor's: an fsync is asked for up to a thousand times a second, and futures
that cross threads would cost the loop more than the writes that they wait for.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from rockqueue_server.store.base import StorageFailed, Store

log = logging.getLogger("rockqueue.engine")

RECORD_EVERY_S = 1.0

Synced = Callable[[int, float], None]
"""Called on the loop: commits up to this number are on disk, and the fsync took so many seconds."""


class Syncer:
    """Syncs when it is asked to, one fsync after the other; requests that come during one share the next.

    `record` notes on disk, about once a second and at the end, up to which commit the log was synced.
    """

    def __init__(
        self,
        store: Store,
        synced: Synced,
        failed: Callable[[StorageFailed], None],
        record: Callable[[int], None] | None,
        recorded: int,
    ) -> None:
        self._store = store
        self._synced = synced
        self._failed = failed
        self._record = record
        self._recorded = recorded
        self._recorded_at = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._wanted: SimpleQueue[int | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="rockqueue-sync", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def sync(self, written: int) -> None:
        """Asks for an fsync; `written` is the last commit that is in the log."""
        self._wanted.put(written)

    def stop(self) -> None:
        """Ends the thread after what it was asked for. Blocks until then."""
        if self._thread.is_alive():
            self._wanted.put(None)
            self._thread.join()

    def _run(self) -> None:
        last = self._recorded
        while (target := self._wanted.get()) is not None:
            began = time.perf_counter()
            try:
                self._store.sync()
            except StorageFailed as error:
                self._tell(self._failed, error)
                return
            self._tell(self._synced, target, time.perf_counter() - began)
            last = target
            if time.monotonic() - self._recorded_at >= RECORD_EVERY_S:
                self._note(last)
        self._note(last)

    def _note(self, number: int) -> None:
        if self._record is None or number == self._recorded:
            return
        try:
            self._record(number)
            self._recorded = number
        except OSError as error:
            log.warning("COMMIT could not be written, a cut log would go unnoticed for longer: %s", error)
        self._recorded_at = time.monotonic()

    def _tell(self, report: Callable[..., None], *what: object) -> None:
        try:
            self._loop.call_soon_threadsafe(report, *what)
        except RuntimeError:
            log.warning("the loop was closed before its last fsync was done")
