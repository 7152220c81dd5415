"""Concurrent single pushes travel together: a batch is cut when it is full, when none is under way, or after a linger.

So a lone push waits for nobody. With one batch under way a push waits for others until it has lingered; with two, until
one of them is answered: under load each batch is what gathered while the ones before it were being written.
Batches are cut in the order of the pushes. One push that the server refuses does not fail the others of its batch.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import re
from collections import deque
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

import grpc

from rockqueue._buffer_room import BufferRoom
from rockqueue._errors import QueueFull, RockQueueError, UniqueConflict
from rockqueue._models import PushedJob
from rockqueue._runtime import Mailbox
from rockqueue.v1.job_pb2 import JobSpec
from rockqueue.v1.job_service_pb2 import PushedJob as PushedJobMessage

BATCH_JOBS = 500
BATCH_BYTES = 1024 * 1024
OPEN_BATCHES = 2
# Full batches do not wait for a place among the two, up to this many.
OPEN_FULL_BATCHES = 8

_INDEX = re.compile(r"jobs\[(\d+)\]\.?")

Answer = PushedJob | RockQueueError


Waiter = asyncio.Future[PushedJob] | concurrent.futures.Future[PushedJob]
"""The caller of a push, on any loop or thread. One that was cancelled before its job was sent drops it."""


class Entry:
    """One push on its way."""

    __slots__ = ("since", "size", "spec", "waiter")

    def __init__(self, spec: JobSpec, size: int, waiter: Waiter) -> None:
        self.spec = spec
        self.size = size
        self.waiter = waiter
        self.since = 0.0
        """When it stood in line, by the I/O loop's clock."""


class Send(Protocol):
    """Sends one batch under a request id of its own."""

    def __call__(self, specs: Sequence[JobSpec], *, wait_while_full: bool) -> Awaitable[Sequence[PushedJobMessage]]:
        """Repeats what may be repeated; a refusal by a full queue only with `wait_while_full`."""
        ...


class PushBatcher:
    """Gathers pushes and sends them. Everything but `submit` happens on the I/O loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send, room: BufferRoom, *, linger_s: float) -> None:
        self._loop = loop
        self._send = send
        self._room = room
        self._linger_s = linger_s
        # Armed while somebody lingers; one for all of them.
        self._lingerer: asyncio.TimerHandle | None = None
        self.max_jobs = BATCH_JOBS
        self._mailbox = Mailbox[Entry](loop, self._take_in)
        self._queue: deque[Entry] = deque()
        self._queued_bytes = 0
        self._open = 0
        # The first batch asks for the server's limits, and goes alone: one that asked with it could overtake it.
        self._first_is_back = False
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, entry: Entry) -> None:
        """Takes a push that has its room in the buffer; from any thread."""
        self._mailbox.post(entry)

    async def finish(self) -> None:
        """Sends what waits, and returns when nothing is buffered or under way."""
        self._linger_s = 0.0
        self._pump(self._loop.time())
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._lingerer is not None:
            self._lingerer.cancel()

    def _take_in(self, entries: list[Entry]) -> None:
        now = self._loop.time()
        size = 0
        for entry in entries:
            entry.since = now
            size += entry.size
        self._queue.extend(entries)
        self._queued_bytes += size
        self._pump(now)

    def _pump(self, now: float) -> None:
        """Cuts batches as long as one may be sent."""
        while self._queue:
            due = self._queue[0].since + self._linger_s
            if not self._may_send(lingered=now >= due):
                if self._first_is_back and self._open < OPEN_BATCHES and self._lingerer is None:
                    self._lingerer = self._loop.call_at(due, self._look_again, due)
                return
            self._open += 1
            self._spawn(self._send_one(self._cut()))

    def _may_send(self, *, lingered: bool) -> bool:
        if self._open == 0 or not self._first_is_back:
            return self._open == 0
        if len(self._queue) >= self.max_jobs or self._queued_bytes >= BATCH_BYTES:
            return self._open < OPEN_FULL_BATCHES
        return lingered and self._open < OPEN_BATCHES

    def _look_again(self, due: float) -> None:
        self._lingerer = None
        # Timers may be early by a loop's resolution.
        self._pump(max(due, self._loop.time()))

    def _cut(self) -> list[Entry]:
        batch: list[Entry] = []
        size = 0
        while self._queue and len(batch) < self.max_jobs:
            if batch and size + self._queue[0].size > BATCH_BYTES:
                break
            entry = self._queue.popleft()
            size += entry.size
            batch.append(entry)
        self._queued_bytes -= size
        return batch

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_one(self, batch: list[Entry]) -> None:
        try:
            await self._push(batch)
        finally:
            self._open -= 1
            self._first_is_back = True
            self._pump(self._loop.time())

    async def _push(self, entries: list[Entry]) -> None:
        """Sends a batch until each of its entries has an answer, or waits elsewhere for room in its queue."""
        while entries:
            entries = self._drop_abandoned(entries)
            if not entries:
                return
            try:
                await self._send_and_answer(entries, wait_while_full=len(entries) == 1)
            except RockQueueError as error:
                if len(entries) > 1 and isinstance(error, QueueFull):
                    entries = self._set_aside_full(entries, error)
                else:
                    entries = await self._without_refused(entries, error)
            else:
                return

    async def _send_and_answer(self, entries: list[Entry], *, wait_while_full: bool) -> None:
        try:
            pushed = await self._send([entry.spec for entry in entries], wait_while_full=wait_while_full)
        except RockQueueError:
            raise
        except asyncio.CancelledError:
            self._fail(entries, RockQueueError("the client was closed before the push was answered"))
            raise
        except Exception as cause:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            error = RockQueueError(f"the push could not be sent: {cause}")
            error.__cause__ = cause
            self._fail(entries, error)
            return
        self._answer(
            [
                (entry, PushedJob(one.job_id, one.existing, one.replaced))
                for entry, one in zip(entries, pushed, strict=True)
            ]
        )

    async def _without_refused(self, entries: list[Entry], error: RockQueueError) -> list[Entry]:
        """Fails what the error is about, and returns the innocent rest."""
        refused = refused_indexes(error, len(entries))
        if refused:
            for index in sorted(refused):
                self._fail([entries[index]], about_one_job(error, index))
            return [entry for index, entry in enumerate(entries) if index not in refused]
        if error.code is grpc.StatusCode.INVALID_ARGUMENT and len(entries) > 1:
            # The server does not say which one: halving finds it.
            middle = len(entries) // 2
            await self._push(entries[:middle])
            return entries[middle:]
        self._fail(entries, error)
        return []

    def _set_aside_full(self, entries: list[Entry], error: QueueFull) -> list[Entry]:
        """Lets the pushes to a full queue wait by themselves, and returns those to other queues."""
        queue = error.metadata.get("queue", "")
        waiting = [entry for entry in entries if entry.spec.queue == queue] or entries
        self._spawn(self._push_into_full_queue(waiting))
        return [entry for entry in entries if entry.spec.queue != queue] if waiting is not entries else []

    async def _push_into_full_queue(self, entries: list[Entry]) -> None:
        """Finds by halving how many still fit, in order; the first that does not waits as a single push does."""
        size = max(1, len(entries) // 2)
        while entries := self._drop_abandoned(entries):
            size = min(size, len(entries))
            try:
                await self._send_and_answer(entries[:size], wait_while_full=size == 1)
                entries = entries[size:]
            except QueueFull as error:
                if size == 1:
                    self._fail(entries, error)
                    return
                size = max(1, size // 2)
            except RockQueueError as error:
                entries = await self._without_refused(entries[:size], error) + entries[size:]

    def _drop_abandoned(self, entries: list[Entry]) -> list[Entry]:
        kept = [entry for entry in entries if not entry.waiter.cancelled()]
        if len(kept) < len(entries):
            self._free([entry for entry in entries if entry.waiter.cancelled()])
        return kept

    def _fail(self, entries: Iterable[Entry], error: RockQueueError) -> None:
        self._answer([(entry, error.clone()) for entry in entries])

    def _answer(self, answers: list[tuple[Entry, Answer]]) -> None:
        deliver(answers)
        self._free([entry for entry, _ in answers])

    def _free(self, entries: list[Entry]) -> None:
        self._room.give_back(len(entries), sum([entry.size for entry in entries]))


def refused_indexes(error: RockQueueError, count: int) -> frozenset[int]:
    """Which jobs of a batch an error is about; none when it is about the batch as such."""
    found: set[int] = set()
    if isinstance(error, UniqueConflict):
        found.add(int(error.metadata.get("index", "-1")))
    elif error.code is grpc.StatusCode.INVALID_ARGUMENT:
        paths = [path for path, _ in error.violations] + [error.metadata.get("field", "")]
        found.update(int(match[1]) for path in paths if (match := _INDEX.match(path)))
    return frozenset(index for index in found if 0 <= index < count)


def about_one_job(error: RockQueueError, index: int) -> RockQueueError:
    """The error in the terms of one push: paths without the position in a batch that its caller knows nothing of."""
    own = error.clone()
    prefix = f"jobs[{index}]"
    own.violations = tuple((_INDEX.sub("", path), why) for path, why in error.violations if path.startswith(prefix))
    named = error.metadata.get("field", "")
    if named and not named.startswith(prefix) and own.violations:
        own.metadata["field"] = own.violations[0][0]
        own.message = f"{own.violations[0][0]}: {own.violations[0][1]}"
    else:
        own.metadata = {key: _INDEX.sub("", value) if key == "field" else value for key, value in own.metadata.items()}
        own.message = error.message.replace(f"{prefix}.", "")
    own.metadata.pop("index", None)
    own.args = (own.message,)
    return own


def deliver(answers: list[tuple[Entry, Answer]]) -> None:
    """Wakes the callers: each loop once for all of its pushes."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[PushedJob], Answer]]] = {}
    for entry, answer in answers:
        waiter = entry.waiter
        if isinstance(waiter, asyncio.Future):
            by_loop.setdefault(waiter.get_loop(), []).append((waiter, answer))
        elif waiter.set_running_or_notify_cancel():
            _resolve(waiter, answer)
    for loop, mine in by_loop.items():
        # A loop that has ended took its callers with it.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve_all, mine)


def _resolve_all(answers: list[tuple[asyncio.Future[PushedJob], Answer]]) -> None:
    for waiter, answer in answers:
        if not waiter.done():
            _resolve(waiter, answer)


def _resolve(waiter: Waiter, answer: Answer) -> None:
    if isinstance(answer, RockQueueError):
        waiter.set_exception(answer)
    else:
        waiter.set_result(answer)
