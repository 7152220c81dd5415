"""The I/O thread: an asyncio loop of its own, so that code which blocks the user's loop cannot stop heartbeats."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import importlib
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from rockqueue._errors import ClientClosed, ForkError
from rockqueue._transport import Transport
from rockqueue._transport.embedded import open_embedded
from rockqueue._transport.grpc_transport import GrpcTransport
from rockqueue._url import Target

log = logging.getLogger("rockqueue")

T = TypeVar("T")

JOIN_TIMEOUT_S = 10.0


class Heart(Protocol):
    """Something that sends heartbeats."""

    def beat(self) -> None:
        """Sends one now; on the I/O loop."""
        ...


class Runtime:
    """A thread with a loop, and the transport that lives on it.

    Made without I/O; the thread starts with the first use, the transport opens with the first call. `run` and
    `submit` may be called from any thread. Counted by its users: the last `release` closes it.
    """

    def __init__(self, open_transport: Callable[[], Awaitable[Transport]]) -> None:
        self._open_transport = open_transport
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._transport: asyncio.Task[Transport] | None = None
        self._closed = False
        self.users = 1
        self.heartbeats: weakref.WeakSet[Heart] = weakref.WeakSet()
        """The worker sessions here: a test that turns the server's clock lets them say that they are alive."""

    def loop(self) -> asyncio.AbstractEventLoop:
        """The I/O loop, started if need be. Raises ClientClosed, ForkError."""
        if self.pid != os.getpid():
            raise ForkError(
                "this client was used before the fork that made this process; make a new Client in the child process"
            )
        if self._closed:
            raise ClientClosed("the client is closed; make a new one")
        return self._loop or self._start()

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = _new_loop()
                self._thread = threading.Thread(target=_run_loop, args=(loop,), name="rockqueue-io", daemon=True)
                self._thread.start()
                self._loop = loop
                _open_runtimes.add(self)
            return self._loop

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Starts a coroutine on the I/O loop; cancelling the future cancels it."""
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self.loop())
        except BaseException:
            coroutine.close()
            raise

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the I/O loop and waits for it on the caller's."""
        return await asyncio.wrap_future(self.submit(coroutine))

    async def transport(self) -> Transport:
        """The transport, opened once; on the I/O loop. A failure to open is tried again by the next caller."""
        if self._transport is None:
            self._transport = asyncio.ensure_future(_opened(self._open_transport))
        task = self._transport
        try:
            return await asyncio.shield(task)
        except Exception:
            if self._transport is task:
                self._transport = None
            raise

    async def release(self) -> None:
        """Gives the runtime up; the last user closes transport and thread. Waits on the caller's loop."""
        if self._drop_user() and self._begin_closing():
            try:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._close_transport(), self._must_loop()))
            finally:
                self._stop_thread()

    def release_blocking(self) -> None:
        """The same, from a thread without a loop."""
        if self._drop_user():
            self.close_blocking()

    def close_blocking(self) -> None:
        """Closes whoever still uses it."""
        if self._begin_closing():
            try:
                asyncio.run_coroutine_threadsafe(self._close_transport(), self._must_loop()).result(JOIN_TIMEOUT_S)
            finally:
                self._stop_thread()

    def _drop_user(self) -> bool:
        with _registry_lock:
            self.users -= 1
            if self.users > 0:
                return False
            for path, runtime in list(_embedded.items()):
                if runtime is self:
                    del _embedded[path]
            return True

    def _begin_closing(self) -> bool:
        """True when there is something to close, in this process, and nobody else has begun."""
        with self._lock:
            begun, self._closed = self._closed, True
            return not begun and self._loop is not None and self.pid == os.getpid()

    async def _close_transport(self) -> None:
        task, self._transport = self._transport, None
        if task is not None:
            transport = await asyncio.gather(task, return_exceptions=True)
            if not isinstance(transport[0], BaseException):
                await transport[0].close()

    def _stop_thread(self) -> None:
        loop, thread = self._must_loop(), self._thread
        _open_runtimes.discard(self)
        loop.call_soon_threadsafe(loop.stop)
        if thread is not None and thread is not threading.current_thread():
            thread.join(JOIN_TIMEOUT_S)

    def _must_loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop


async def _opened(open_transport: Callable[[], Awaitable[Transport]]) -> Transport:
    return await open_transport()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=JOIN_TIMEOUT_S))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


_registry_lock = threading.Lock()
_embedded: dict[str, Runtime] = {}
_open_runtimes: weakref.WeakSet[Runtime] = weakref.WeakSet()


def acquire_runtime(target: Target, *, testing: bool = False) -> Runtime:
    """The runtime for a target: a new one for a server, the one of this process for an embedded store."""
    if target.kind == "grpc":
        address = target.address

        async def dial() -> Transport:
            return GrpcTransport(address)

        return Runtime(dial)
    path = os.path.realpath(target.address)
    with _registry_lock:
        runtime = _embedded.get(path)
        # After a fork the parent's entry names a thread that does not exist here.
        if runtime is None or runtime.pid != os.getpid():
            runtime = _embedded[path] = Runtime(lambda: open_embedded(path, testing=testing))
        else:
            runtime.users += 1
        return runtime


def _close_at_exit() -> None:
    for runtime in list(_open_runtimes):
        try:
            runtime.close_blocking()
        except Exception:
            log.warning("a client could not be closed in good order at exit", exc_info=True)


def _register_exit() -> None:
    # Thread pools end before `atexit` runs, and a store that closes needs one; this hook is the one they use
    # themselves. It has no public name, and runs the latest registration first: theirs has to be there before.
    importlib.import_module("concurrent.futures.thread")
    register = getattr(threading, "_register_atexit", atexit.register)
    register(_close_at_exit)


_register_exit()


class Mailbox(Generic[T]):
    """Hands items from any thread to a callback on a loop, in order: one wake-up for all that were posted meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[[list[T]], None]) -> None:
        self._loop = loop
        self._take = take
        self._items: deque[T] = deque()
        self._awake = False

    def post(self, item: T) -> None:
        """Raises ClientClosed when the loop has ended."""
        self._items.append(item)
        self._wake()

    def post_all(self, items: list[T]) -> None:
        """The same for several."""
        self._items.extend(items)
        self._wake()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError as cause:
                raise ClientClosed("the client is closed; make a new one") from cause

    def _drain(self) -> None:
        # Cleared before the items are taken: whoever posts from here on wakes the loop again.
        self._awake = False
        items = self._items
        taken: list[T] = []
        try:
            while True:
                taken.append(items.popleft())
        except IndexError:
            if taken:
                self._take(taken)
