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
    from rockqueue._errors import BackupExists as BackupExists
    from rockqueue._errors import BackupsOff as BackupsOff
    from rockqueue._errors import ClientClosed as ClientClosed
    from rockqueue._errors import CursorExpired as CursorExpired
    from rockqueue._errors import DeadlineExceeded as DeadlineExceeded
    from rockqueue._errors import EmbeddedError as EmbeddedError
    from rockqueue._errors import FlowCycle as FlowCycle
    from rockqueue._errors import FlowNotFound as FlowNotFound
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
    from rockqueue._errors import ScheduleNotFound as ScheduleNotFound
    from rockqueue._errors import ServerError as ServerError
    from rockqueue._errors import StorageFull as StorageFull
    from rockqueue._errors import Unavailable as Unavailable
    from rockqueue._errors import UniqueConflict as UniqueConflict
    from rockqueue._errors import WebhookDeliveryNotFound as WebhookDeliveryNotFound
    from rockqueue._errors import WebhookNotFound as WebhookNotFound
    from rockqueue._errors import WebhookVerificationError as WebhookVerificationError
    from rockqueue._event_models import Event as Event
    from rockqueue._event_models import EventFilter as EventFilter
    from rockqueue._events import EventStream as EventStream
    from rockqueue._events import SyncEventStream as SyncEventStream
    from rockqueue._flow_models import FlowChange as FlowChange
    from rockqueue._flow_models import FlowInfo as FlowInfo
    from rockqueue._flow_models import FlowJob as FlowJob
    from rockqueue._flow_models import FlowParent as FlowParent
    from rockqueue._flow_models import ParentJob as ParentJob
    from rockqueue._flow_models import PushedFlow as PushedFlow
    from rockqueue._jobs import JobDefinition as JobDefinition
    from rockqueue._jobs import JobSchedule as JobSchedule
    from rockqueue._jobs import job as job
    from rockqueue._middleware import Middleware as Middleware
    from rockqueue._middleware import NextHandle as NextHandle
    from rockqueue._middleware import NextPush as NextPush
    from rockqueue._middleware import NextPushSync as NextPushSync
    from rockqueue._models import AttemptError as AttemptError
    from rockqueue._models import BulkResult as BulkResult
    from rockqueue._models import Job as Job
    from rockqueue._models import JobLogs as JobLogs
    from rockqueue._models import JobOrigin as JobOrigin
    from rockqueue._models import LogLine as LogLine
    from rockqueue._models import Progress as Progress
    from rockqueue._models import PushedJob as PushedJob
    from rockqueue._models import ServerInfo as ServerInfo
    from rockqueue._operating import Backup as Backup
    from rockqueue._operating import WorkerInfo as WorkerInfo
    from rockqueue._operations import JobFilter as JobFilter
    from rockqueue._options import JobOptions as JobOptions
    from rockqueue._options import NewJob as NewJob
    from rockqueue._options import RetryPolicy as RetryPolicy
    from rockqueue._options import Unique as Unique
    from rockqueue._payloads import JSON as JSON
    from rockqueue._payloads import JsonCodec as JsonCodec
    from rockqueue._payloads import PayloadCodec as PayloadCodec
    from rockqueue._payloads import TypedCodec as TypedCodec
    from rockqueue._queue_models import Explanation as Explanation
    from rockqueue._queue_models import Group as Group
    from rockqueue._queue_models import JobExplanation as JobExplanation
    from rockqueue._queue_models import Queue as Queue
    from rockqueue._queue_models import QueueCounts as QueueCounts
    from rockqueue._queue_models import RateLimit as RateLimit
    from rockqueue._queues import GroupSettings as GroupSettings
    from rockqueue._queues import QueueSettings as QueueSettings
    from rockqueue._retry import CallRetry as CallRetry
    from rockqueue._schedules import Schedule as Schedule
    from rockqueue._schedules import ScheduleOptions as ScheduleOptions
    from rockqueue._states import DeadReason as DeadReason
    from rockqueue._states import EventType as EventType
    from rockqueue._states import ExplanationKind as ExplanationKind
    from rockqueue._states import FlowState as FlowState
    from rockqueue._states import JobState as JobState
    from rockqueue._states import SessionState as SessionState
    from rockqueue._states import WebhookDeliveryState as WebhookDeliveryState
    from rockqueue._sync import SyncClient as SyncClient
    from rockqueue._version import __version__ as __version__
    from rockqueue._webhooks import Webhook as Webhook
    from rockqueue._webhooks import WebhookAttempt as WebhookAttempt
    from rockqueue._webhooks import WebhookDelivery as WebhookDelivery
    from rockqueue._worker.context import CancelCause as CancelCause
    from rockqueue._worker.context import JobContext as JobContext
    from rockqueue._worker.outcomes import JobCancelled as JobCancelled
    from rockqueue._worker.outcomes import NonRetryable as NonRetryable
    from rockqueue._worker.outcomes import Release as Release
    from rockqueue._worker.outcomes import RetryAfter as RetryAfter
    from rockqueue._worker.outcomes import Snooze as Snooze
    from rockqueue._worker.worker import Worker as Worker
    from rockqueue._worker.worker import WorkerState as WorkerState
    from rockqueue.flows import Flow as Flow

_NAMES_OF = {
    "_client": ("Client",),
    "_client_base": ("ClientOptions",),
    "_durations": ("Seconds",),
    "_errors": (
        "BackupExists",
        "BackupsOff",
        "ClientClosed",
        "CursorExpired",
        "DeadlineExceeded",
        "EmbeddedError",
        "FlowCycle",
        "FlowNotFound",
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
        "ScheduleNotFound",
        "ServerError",
        "StorageFull",
        "Unavailable",
        "UniqueConflict",
        "WebhookDeliveryNotFound",
        "WebhookNotFound",
        "WebhookVerificationError",
    ),
    "_event_models": ("Event", "EventFilter"),
    "_events": ("EventStream", "SyncEventStream"),
    "_flow_models": ("FlowChange", "FlowInfo", "FlowJob", "FlowParent", "ParentJob", "PushedFlow"),
    "_jobs": ("JobDefinition", "JobSchedule", "job"),
    "_middleware": ("Middleware", "NextHandle", "NextPush", "NextPushSync"),
    "_models": (
        "AttemptError",
        "BulkResult",
        "Job",
        "JobLogs",
        "JobOrigin",
        "LogLine",
        "Progress",
        "PushedJob",
        "ServerInfo",
    ),
    "_operating": ("Backup", "WorkerInfo"),
    "_operations": ("JobFilter",),
    "_options": ("JobOptions", "NewJob", "RetryPolicy", "Unique"),
    "_payloads": ("JSON", "JsonCodec", "PayloadCodec", "TypedCodec"),
    "_queue_models": ("Explanation", "Group", "JobExplanation", "Queue", "QueueCounts", "RateLimit"),
    "_queues": ("GroupSettings", "QueueSettings"),
    "_retry": ("CallRetry",),
    "_schedules": ("Schedule", "ScheduleOptions"),
    "_states": (
        "DeadReason",
        "EventType",
        "ExplanationKind",
        "FlowState",
        "JobState",
        "SessionState",
        "WebhookDeliveryState",
    ),
    "_sync": ("SyncClient",),
    "_webhooks": ("Webhook", "WebhookAttempt", "WebhookDelivery"),
    "_worker.context": ("CancelCause", "JobContext"),
    "_worker.outcomes": ("JobCancelled", "NonRetryable", "Release", "RetryAfter", "Snooze"),
    "_worker.worker": ("Worker", "WorkerState"),
    "flows": ("Flow",),
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
