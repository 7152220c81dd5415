"""The system under test: a core on a real RocksDB, driven step by step, crashed and opened again.

A crash is an image of the directory as it is at that moment: all that was written is there, synced or not, as after
`kill -9`. A power cut is an image whose log ends where the last finished fsync began, or at any byte behind that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from rockqueue.testing.v1 import clock_service_pb2, store_service_pb2
from rockqueue.v1 import event_service_pb2, job_pb2, job_service_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.contract.times import duration
from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.engine.engine import Engine
from rockqueue_server.rules.ids import id_text
from rockqueue_server.rules.keys import END

T = TypeVar("T")

BEGIN_US = 2_000_000_000 * 1_000_000
"""When every story begins: the same moment in each run."""
LIMIT_S = 20
_PAGE = 7
_CALM_TURNS = 8


class _Middle:
    """Chance that stretches and shortens nothing."""

    def random(self) -> float:
        return 0.5


class Stream:
    """A `Work` stream from the worker's side."""

    def __init__(self, core: Core, opening: work_service_pb2.OpenSession) -> None:
        self._requests: asyncio.Queue[work_service_pb2.WorkRequest] = asyncio.Queue()
        self.received: list[work_service_pb2.WorkResponse] = []
        """What the server has said and nobody has taken."""
        self._news = asyncio.Event()
        self._first_word = asyncio.Event()
        self.send(work_service_pb2.WorkRequest(open=opening))
        self._task = asyncio.get_running_loop().create_task(self._run(core))

    def send(self, request: work_service_pb2.WorkRequest) -> None:
        """Says something."""
        self._requests.put_nowait(request)

    def take(self) -> list[work_service_pb2.WorkResponse]:
        """What the server has said since the last call."""
        received, self.received = self.received, []
        return received

    async def opened(self) -> work_service_pb2.SessionOpened:
        """The server's first word."""
        await self._first_word.wait()
        assert self.received, "the session was not opened"
        return self.received.pop(0).opened

    async def settled(self, sequence: int) -> work_service_pb2.SettlementResults:
        """The answer to a batch of settlements; what else was said stays to be taken."""
        while True:
            for message in self.received:
                if message.HasField("settled") and message.settled.sequence == sequence:
                    return message.settled
            self._news.clear()
            await self._news.wait()

    async def ended(self) -> None:
        """Waits until the server has ended the stream."""
        await asyncio.wait_for(self._task, LIMIT_S)

    async def break_off(self) -> None:
        """The connection is gone."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, core: Core) -> None:
        try:
            async for message in core.work.work(self._said()):
                is_bytes = isinstance(message, bytes)
                self.received.append(work_service_pb2.WorkResponse.FromString(message) if is_bytes else message)
                self._first_word.set()
                self._news.set()
        finally:
            self._first_word.set()

    async def _said(self) -> AsyncIterator[work_service_pb2.WorkRequest]:
        while True:
            yield await self._requests.get()


class System:
    """One server after another on copies of one directory, on an event loop of its own."""

    def __init__(self, folder: Path, defects: frozenset[str]) -> None:
        self._folder = folder
        self._defects = defects
        self._generation = 0
        self._path = folder / "0.db"
        self._loop = asyncio.new_event_loop()
        self._may_sync = threading.Event()
        self._may_sync.set()
        self._synced_sizes: dict[str, int] = {}
        self._recording = threading.Lock()
        """Held while the file COMMIT is replaced, and while an image is made."""
        self._cursor = ""
        self.streams: dict[str, Stream] = {}
        self.core = self.run(self._open(embedded=False))

    @property
    def engine(self) -> Engine:
        """The engine that works now."""
        return self.core.engine

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Lets the server work until this is done."""

        async def bounded() -> T:
            async with asyncio.timeout(LIMIT_S):
                return await work

        return self._loop.run_until_complete(bounded())

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """A call, and everything that follows from it at once."""

        async def carried_out() -> T:
            try:
                return await work()
            finally:
                await self._calm()

        return self.run(carried_out())

    def begin(self, work: Callable[[], Coroutine[Any, Any, T]], turns: int) -> T | None:
        """A call that is given so many turns of the loop; None when it is not answered then."""

        async def begun() -> T | None:
            task = asyncio.ensure_future(work())
            for _ in range(turns):
                await asyncio.sleep(0)
            return task.result() if task.done() else None

        return self.run(begun())

    async def _calm(self) -> None:
        """Returns when nothing is left to do at this moment."""
        calm = 0
        for _ in range(10_000):
            await asyncio.sleep(0)
            engine = self.engine
            assert not engine.failed.is_set(), "the server gave up"
            busy = engine._scheduled or engine._inbox or any(s.outbox for s in engine.sessions.by_id.values())
            calm = 0 if busy else calm + 1
            if calm >= _CALM_TURNS:
                return
        raise AssertionError("the engine does not come to rest")

    # Opening, crashing, closing

    async def _open(self, *, embedded: bool) -> Core:
        options = CoreOptions(testing=True, embedded=embedded, defects=self._defects, min_free_bytes=0)
        self.core = core = await Core.open(self._path, options)
        core.engine.random = _Middle()  # type: ignore[assignment]
        self._watch_syncs()
        assert core.clock is not None
        if not core.engine.clock.frozen:
            core.engine.clock.turn_to(BEGIN_US)
            await core.clock.freeze_clock(clock_service_pb2.FreezeClockRequest())
        await self._calm()
        return core

    def _watch_syncs(self) -> None:
        """Notes how far the log reached when the last finished fsync began; lets a test hold fsyncs back."""
        store: Any = self.engine.store
        sync: Callable[[], None] = store.sync

        def watched() -> None:
            self._may_sync.wait(LIMIT_S)
            sizes = self._log_sizes()
            sync()
            self._synced_sizes = sizes

        store.sync = watched
        watched()
        syncer: Any = self.engine._syncer
        record: Callable[[int], None] = syncer._record

        def undisturbed(number: int) -> None:
            with self._recording:
                record(number)

        syncer._record = undisturbed

    def _log_sizes(self) -> dict[str, int]:
        return {file.name: file.stat().st_size for file in (self._path / "db").glob("*.log")}

    @contextlib.contextmanager
    def disk_too_slow(self) -> Any:
        """While this lasts no fsync is done: what waits for one gets no answer."""
        self._may_sync.clear()
        try:
            yield
        finally:
            self._may_sync.set()

    def sync(self) -> None:
        """Waits until all that was written is on disk."""

        async def synced() -> None:
            await self.engine.settled()

        self.run(synced())

    def image(self, *, torn: float | None = None) -> Path:
        """What a crash would leave now.

        With `torn` it is a power cut: of the log behind the last fsync only this share is there.
        """
        self._generation += 1
        image = self._folder / f"{self._generation}.db"
        with self._recording:
            shutil.copytree(self._path, image, ignore=shutil.ignore_patterns("LOG*"))
        if torn is not None:
            for file in (image / "db").glob("*.log"):
                safe, all_ = self._synced_sizes.get(file.name, 0), file.stat().st_size
                os.truncate(file, safe + int((all_ - safe) * torn))
        return image

    def go_on_with(self, image: Path, *, embedded: bool) -> None:
        """Drops the server that works now, and opens an image."""
        self._may_sync.set()
        self.run(self._drop())
        shutil.rmtree(self._path)
        self._path = image
        self.run(self._open(embedded=embedded))

    def close_and_reopen(self, *, embedded: bool) -> None:
        """A clean end, and a new server."""
        self.run(self._break_streams())
        self.run(self.core.close())
        self.run(self._open(embedded=embedded))

    def end(self) -> None:
        """Drops everything."""
        self._may_sync.set()
        try:
            self.run(self._drop())
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _break_streams(self) -> None:
        for stream in self.streams.values():
            await stream.break_off()
        self.streams.clear()
        await self._calm()

    async def _drop(self) -> None:
        """As a killed process: nothing is flushed. Only the files have to be let go of."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.streams.clear()
        engine, directory = self.engine, self.core._directory
        with contextlib.suppress(Exception):
            await engine.stop()
        store: Any = directory.store
        for column in store._columns.values():
            column.close()
        # The last reference: RocksDB ends with it, without a flush.
        store._columns.clear()
        store._database = None
        os.close(directory.owner_fd)

    # What the server shows

    def now_us(self) -> int:
        """The server's clock."""
        return self.engine.clock.now_us()

    def advance(self, by_us: int) -> None:
        """Turns the clock."""
        clock = self.core.clock
        assert clock is not None
        self.call(lambda: clock.advance_clock(clock_service_pb2.AdvanceClockRequest(by=duration(by_us))))

    def ids(self) -> list[str]:
        """Ids of all jobs in the store, synced or not, the oldest first."""
        return [id_text(key) for key, _ in self.engine.columns.job.scan(b"", END, 100_000)]

    def jobs(self, **wanted: Any) -> list[job_pb2.Job]:
        """All jobs that match, in the listing's order, page by page."""
        found: list[job_pb2.Job] = []
        token = ""
        for _ in range(1000):
            request = job_service_pb2.ListJobsRequest(
                filter=job_service_pb2.JobFilter(**wanted), page_size=_PAGE, page_token=token, include_payload=True
            )
            page = self.run(self.core.jobs.list_jobs(request))
            found.extend(page.jobs)
            token = page.next_page_token
            if not token:
                return found
        raise AssertionError("a listing does not end")

    def job(self, id_: str) -> job_pb2.Job:
        """One job."""
        return self.run(self.core.jobs.get_job(job_service_pb2.GetJobRequest(job_id=id_))).job

    def queues(self) -> list[queue_service_pb2.Queue]:
        """All queues."""
        return list(self.run(self.core.queues.list_queues(queue_service_pb2.ListQueuesRequest())).queues)

    def queue(self, name: str) -> queue_service_pb2.Queue:
        """One queue."""
        return self.run(self.core.queues.get_queue(queue_service_pb2.GetQueueRequest(queue=name))).queue

    def problems(self) -> list[str]:
        """What `rockqueue check` and the comparison with the counters in memory find."""
        assert self.core.store is not None
        return list(self.run(self.core.store.verify_store(store_service_pb2.VerifyStoreRequest())).problems)

    def new_events(self) -> list[event_service_pb2.Event]:
        """The events behind the last cursor that this told."""
        return self.run(self._read_events(self._cursor, resumed=True))

    def coming_events(self) -> list[event_service_pb2.Event]:
        """The same; they will be told again."""
        return self.run(self._read_events(self._cursor, resumed=False))

    def all_events(self) -> list[event_service_pb2.Event]:
        """Every event that is kept."""
        return self.run(self._read_events("", resumed=False))

    async def _read_events(self, cursor: str, *, resumed: bool) -> list[event_service_pb2.Event]:
        await self.engine.settled()
        request = event_service_pb2.WatchEventsRequest(cursor=cursor)
        if not cursor:
            request = event_service_pb2.WatchEventsRequest(beginning=True)
        found: list[event_service_pb2.Event] = []
        watch = self.core.events.watch_events(request)
        while True:
            response = asyncio.ensure_future(anext(watch))  # type: ignore[arg-type]
            await self._calm()
            if not response.done():
                response.cancel()
                await asyncio.gather(response, return_exceptions=True)
                return found
            found.extend(response.result().events)
            if resumed:
                self._cursor = response.result().cursor
