"""RockQueue: a durable job queue, embedded in your program or on a server.

    import rockqueue

    @rockqueue.job(queue="mail")
    async def send_email(to: str) -> None: ...

    async with rockqueue.Client("embedded:./jobs.db") as client:
        await send_email.push(client, to="ada@example.com")

Names are loaded when they are first used: programs that only need the messages of `rockqueue.v1`
do not load the client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rockqueue._client import Client as Client
    from rockqueue._client_base import ClientOptions as ClientOptions
    from rockqueue._durations import Seconds as Seconds
    from rockqueue._errors import ClientClosed as ClientClosed
    from rockqueue._errors import CursorExpired as CursorExpired
    from rockqueue._errors import DeadlineExceeded as DeadlineExceeded
    from rockqueue._errors import EmbeddedError as EmbeddedError
    from rockqueue._errors import ForkError as ForkError
    from rockqueue._errors import InvalidRequest as InvalidRequest
    from rockqueue._errors import InvalidState as InvalidState
    from rockqueue._errors import JobFailed as JobFailed
    from rockqueue._errors import JobNotFound as JobNotFound
    from rockqueue._errors import LeaseLost as LeaseLost
    from rockqueue._errors import LimitExceeded as LimitExceeded
    from rockqueue._errors import NotFound as NotFound
    from rockqueue._errors import Overloaded as Overloaded
    from rockqueue._errors import PayloadError as PayloadError
    from rockqueue._errors import QueueFull as QueueFull
    from rockqueue._errors import QueueNotFound as QueueNotFound
    from rockqueue._errors import ResourceExhausted as ResourceExhausted
    from rockqueue._errors import RockQueueError as RockQueueError
    from rockqueue._errors import ServerError as ServerError
    from rockqueue._errors import StorageFull as StorageFull
    from rockqueue._errors import Unavailable as Unavailable
    from rockqueue._errors import UniqueConflict as UniqueConflict
    from rockqueue._events import EventStream as EventStream
    from rockqueue._events import SyncEventStream as SyncEventStream
    from rockqueue._jobs import JobDefinition as JobDefinition
    from rockqueue._jobs import job as job
    from rockqueue._middleware import Middleware as Middleware
    from rockqueue._middleware import NextHandle as NextHandle
    from rockqueue._middleware import NextPush as NextPush
    from rockqueue._middleware import NextPushSync as NextPushSync
    from rockqueue._models import AttemptError as AttemptError
    from rockqueue._models import BulkResult as BulkResult
    from rockqueue._models import DeadReason as DeadReason
    from rockqueue._models import Event as Event
    from rockqueue._models import EventType as EventType
    from rockqueue._models import Job as Job
    from rockqueue._models import JobLogs as JobLogs
    from rockqueue._models import JobState as JobState
    from rockqueue._models import LogLine as LogLine
    from rockqueue._models import Progress as Progress
    from rockqueue._models import PushedJob as PushedJob
    from rockqueue._models import Queue as Queue
    from rockqueue._models import QueueCounts as QueueCounts
    from rockqueue._models import ServerInfo as ServerInfo
    from rockqueue._operations import JobFilter as JobFilter
    from rockqueue._options import JobOptions as JobOptions
    from rockqueue._options import NewJob as NewJob
    from rockqueue._options import RetryPolicy as RetryPolicy
    from rockqueue._options import Unique as Unique
    from rockqueue._payloads import JSON as JSON
    from rockqueue._payloads import JsonCodec as JsonCodec
    from rockqueue._payloads import PayloadCodec as PayloadCodec
    from rockqueue._payloads import TypedCodec as TypedCodec
    from rockqueue._queues import QueueSettings as QueueSettings
    from rockqueue._retry import CallRetry as CallRetry
    from rockqueue._sync import SyncClient as SyncClient
    from rockqueue._version import __version__ as __version__
    from rockqueue._worker.context import CancelCause as CancelCause
    from rockqueue._worker.context import JobContext as JobContext
    from rockqueue._worker.outcomes import JobCancelled as JobCancelled
    from rockqueue._worker.outcomes import NonRetryable as NonRetryable
    from rockqueue._worker.outcomes import Release as Release
    from rockqueue._worker.outcomes import RetryAfter as RetryAfter
    from rockqueue._worker.outcomes import Snooze as Snooze
    from rockqueue._worker.worker import Worker as Worker
    from rockqueue._worker.worker import WorkerState as WorkerState

_NAMES_OF = {
    "_client": ("Client",),
    "_client_base": ("ClientOptions",),
    "_durations": ("Seconds",),
    "_errors": (
        "ClientClosed",
        "CursorExpired",
        "DeadlineExceeded",
        "EmbeddedError",
        "ForkError",
        "InvalidRequest",
        "InvalidState",
        "JobFailed",
        "JobNotFound",
        "LeaseLost",
        "LimitExceeded",
        "NotFound",
        "Overloaded",
        "PayloadError",
        "QueueFull",
        "QueueNotFound",
        "ResourceExhausted",
        "RockQueueError",
        "ServerError",
        "StorageFull",
        "Unavailable",
        "UniqueConflict",
    ),
    "_events": ("EventStream", "SyncEventStream"),
    "_jobs": ("JobDefinition", "job"),
    "_middleware": ("Middleware", "NextHandle", "NextPush", "NextPushSync"),
    "_models": (
        "AttemptError",
        "BulkResult",
        "DeadReason",
        "Event",
        "EventType",
        "Job",
        "JobLogs",
        "JobState",
        "LogLine",
        "Progress",
        "PushedJob",
        "Queue",
        "QueueCounts",
        "ServerInfo",
    ),
    "_operations": ("JobFilter",),
    "_options": ("JobOptions", "NewJob", "RetryPolicy", "Unique"),
    "_payloads": ("JSON", "JsonCodec", "PayloadCodec", "TypedCodec"),
    "_queues": ("QueueSettings",),
    "_retry": ("CallRetry",),
    "_sync": ("SyncClient",),
    "_worker.context": ("CancelCause", "JobContext"),
    "_worker.outcomes": ("JobCancelled", "NonRetryable", "Release", "RetryAfter", "Snooze"),
    "_worker.worker": ("Worker", "WorkerState"),
}
_HOME = {name: module for module, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("rockqueue._version").__version__
    if name == "__all__":
        return sorted(_HOME)
    if name not in _HOME:
        raise AttributeError(f"module 'rockqueue' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"rockqueue.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, "__version__"])
