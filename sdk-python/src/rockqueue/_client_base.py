"""What the async and the sync client share: options, the runtime they start, and the end of both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypedDict

from rockqueue._durations import Seconds, seconds
from rockqueue._errors import ClientClosed
from rockqueue._middleware import Middleware, PushHook, for_client
from rockqueue._operations import DURABILITIES, Durability, Operations, Settings
from rockqueue._options import JobOptions, NewJob
from rockqueue._payloads import JSON, PayloadCodec
from rockqueue._retry import CallRetry
from rockqueue._runtime import acquire_runtime
from rockqueue._url import parse_url, resolve_url

DEFAULT_RETRY = CallRetry()

OnProgress = Callable[[int], object]
"""Called by the task or thread that makes a bulk change: with how many jobs it has changed so far."""


class ClientOptions(TypedDict, total=False):
    """Options of a client beside its URL; see `Client`."""

    timeout: Seconds
    retry: CallRetry | None
    codec: PayloadCodec
    linger: Seconds
    durability: Durability
    middleware: Sequence[Middleware]


class ClientBase:
    """A client's options, and its operations once they are needed."""

    _push_hook: ClassVar[PushHook]

    def __init__(
        self,
        url: str | None = None,
        *,
        timeout: Seconds = 30.0,
        retry: CallRetry | None = DEFAULT_RETRY,
        codec: PayloadCodec = JSON,
        linger: Seconds = 0.0,
        durability: Durability = "fsync",
        middleware: Sequence[Middleware] = (),
    ) -> None:
        """Raises ValueError and TypeError for a URL or an option that makes no sense."""
        self.url = resolve_url(url)
        self.codec = codec
        self.middleware = for_client(middleware, self._push_hook)
        self._target = parse_url(self.url)
        if durability not in DURABILITIES:
            raise ValueError(f'durability must be "fsync" or "wal", not {durability!r}')
        self._settings = Settings(seconds(timeout, "timeout"), seconds(linger, "linger"), retry, codec, durability)
        self._operations: Operations | None = None
        self._lock = threading.Lock()
        self._closed = False

    def operations(self) -> Operations:
        """What does the work, started if need be. Raises ClientClosed, ForkError."""
        operations = self._operations
        if operations is None:
            with self._lock:
                if self._closed:
                    raise ClientClosed("the client is closed; make a new one")
                operations = self._operations
                if operations is None:
                    operations = self._operations = Operations(acquire_runtime(self._target), self._settings)
        operations.runtime.loop()
        return operations

    def _begin_closing(self) -> Operations | None:
        with self._lock:
            self._closed = True
            operations, self._operations = self._operations, None
            return operations

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"


def chosen_job(queue: str | NewJob, name: str, payload: Any, options: JobOptions) -> tuple[str, str, Any, JobOptions]:
    """The parts of a push, however they were given."""
    if isinstance(queue, NewJob):
        if name or options:
            raise TypeError("a NewJob brings its own name, payload and options")
        return queue.queue, queue.name, queue.payload, queue.options
    return queue, name, payload, options


def ids_of(job_ids: Iterable[str]) -> list[str]:
    """The ids as a list. Raises TypeError for a lone string, whose letters are not ids."""
    if isinstance(job_ids, str):
        raise TypeError("expected several job ids, got one string")
    return list(job_ids)
