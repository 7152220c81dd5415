"""The names of states, reasons and kinds, and their numbers in the contract.

UNKNOWN stands for a value that a newer server has and this version does not.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar, cast

from rockqueue.v1 import (
    event_service_pb2,
    flow_service_pb2,
    job_pb2,
    job_service_pb2,
    webhook_service_pb2,
    work_service_pb2,
)


class JobState(StrEnum):
    """Where a job is in its life."""

    WAITING = "WAITING"
    DELAYED = "DELAYED"
    ACTIVE = "ACTIVE"
    BLOCKED = "BLOCKED"
    COMPLETED = "COMPLETED"
    DEAD = "DEAD"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"

    @property
    def finished(self) -> bool:
        """True for COMPLETED, DEAD and CANCELLED."""
        return self in (JobState.COMPLETED, JobState.DEAD, JobState.CANCELLED)


class DeadReason(StrEnum):
    """Why a job is DEAD."""

    ATTEMPTS_EXHAUSTED = "ATTEMPTS_EXHAUSTED"
    NON_RETRYABLE = "NON_RETRYABLE"
    EXPIRED = "EXPIRED"
    PARENT_FAILED = "PARENT_FAILED"
    POISONED = "POISONED"
    UNKNOWN = "UNKNOWN"


class EventType(StrEnum):
    """What happened."""

    JOB_PUSHED = "JOB_PUSHED"
    JOB_BLOCKED = "JOB_BLOCKED"
    JOB_DELAYED = "JOB_DELAYED"
    JOB_READY = "JOB_READY"
    JOB_STARTED = "JOB_STARTED"
    JOB_PROGRESSED = "JOB_PROGRESSED"
    JOB_FAILED = "JOB_FAILED"
    JOB_CRASHED = "JOB_CRASHED"
    JOB_RETRIED = "JOB_RETRIED"
    JOB_COMPLETED = "JOB_COMPLETED"
    JOB_DEAD = "JOB_DEAD"
    JOB_CANCELLED = "JOB_CANCELLED"
    JOB_EXPIRED = "JOB_EXPIRED"
    JOB_RELEASED = "JOB_RELEASED"
    JOB_SNOOZED = "JOB_SNOOZED"
    JOB_REPLACED = "JOB_REPLACED"
    JOB_DELETED = "JOB_DELETED"
    QUEUE_PAUSED = "QUEUE_PAUSED"
    QUEUE_RESUMED = "QUEUE_RESUMED"
    QUEUE_PURGED = "QUEUE_PURGED"
    QUEUE_UPDATED = "QUEUE_UPDATED"
    WORKER_JOINED = "WORKER_JOINED"
    WORKER_LEFT = "WORKER_LEFT"
    FLOW_FINISHED = "FLOW_FINISHED"
    SCHEDULE_UPDATED = "SCHEDULE_UPDATED"
    SCHEDULE_FIRED = "SCHEDULE_FIRED"
    SCHEDULE_SKIPPED = "SCHEDULE_SKIPPED"
    SCHEDULE_PAUSED = "SCHEDULE_PAUSED"
    SCHEDULE_RESUMED = "SCHEDULE_RESUMED"
    SCHEDULE_DELETED = "SCHEDULE_DELETED"


class FlowState(StrEnum):
    """How a flow fares."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"

    @property
    def finished(self) -> bool:
        """True for COMPLETED, FAILED and CANCELLED."""
        return self in (FlowState.COMPLETED, FlowState.FAILED, FlowState.CANCELLED)


class ExplanationKind(StrEnum):
    """Why a job is where it is, or why a queue delivers nothing; see `Explanation`."""

    FINISHED = "FINISHED"
    RUNNING = "RUNNING"
    CANCELLING = "CANCELLING"
    DELAYED = "DELAYED"
    BLOCKED = "BLOCKED"
    QUEUE_PAUSED = "QUEUE_PAUSED"
    QUEUE_MAX_ACTIVE = "QUEUE_MAX_ACTIVE"
    QUEUE_RATE = "QUEUE_RATE"
    GROUP_MAX_ACTIVE = "GROUP_MAX_ACTIVE"
    GROUP_RATE = "GROUP_RATE"
    NO_WORKER = "NO_WORKER"
    WORKERS_BUSY = "WORKERS_BUSY"
    BEHIND = "BEHIND"
    NEXT = "NEXT"
    EMPTY = "EMPTY"
    UNKNOWN = "UNKNOWN"


class SessionState(StrEnum):
    """How a worker session fares, as the server sees it.

    It takes jobs; it finishes what it has; it is connected and says nothing; its stream broke, and its leases wait.
    """

    RUNNING = "RUNNING"
    DRAINING = "DRAINING"
    SILENT = "SILENT"
    AWAY = "AWAY"
    UNKNOWN = "UNKNOWN"


class WebhookDeliveryState(StrEnum):
    """How a delivery fares: it waits for an attempt, the receiver took it, or it was given up."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


def job_state(value: int) -> JobState:
    """The state for a number of the contract; UNKNOWN for one that this version does not know."""
    return _STATES.get(value, JobState.UNKNOWN)


def state_number(state: JobState | str) -> job_pb2.JobState:
    """The number of a state in the contract. Raises ValueError for a name that is none."""
    return cast(job_pb2.JobState, job_pb2.JobState.Value(f"JOB_STATE_{JobState(state).value}"))


def dead_reason(value: int) -> DeadReason | None:
    """The reason for a number of the contract; None when the job is not DEAD."""
    return _DEAD_REASONS.get(value, DeadReason.UNKNOWN) if value else None


def event_type(value: int) -> EventType | None:
    """The type for a number of the contract; None for one to skip because this version does not know it."""
    return _EVENT_TYPES.get(value)


def event_number(kind: EventType | str) -> event_service_pb2.EventType:
    """The number of an event type in the contract. Raises ValueError for a name that is none."""
    return cast(event_service_pb2.EventType, event_service_pb2.EventType.Value(f"EVENT_TYPE_{EventType(kind).value}"))


def flow_state(value: int) -> FlowState:
    """The state for a number of the contract."""
    return _FLOW_STATES.get(value, FlowState.UNKNOWN)


def flow_state_number(state: FlowState | str) -> flow_service_pb2.FlowState:
    """The number of a state in the contract. Raises ValueError for a name that is none."""
    return cast(flow_service_pb2.FlowState, flow_service_pb2.FlowState.Value(f"FLOW_STATE_{FlowState(state).value}"))


def explanation_kind(value: int) -> ExplanationKind:
    """The kind for a number of the contract."""
    return _EXPLANATIONS.get(value, ExplanationKind.UNKNOWN)


def session_state(value: int) -> SessionState:
    """The state for a number of the contract."""
    return _SESSIONS.get(value, SessionState.UNKNOWN)


def delivery_state(value: int) -> WebhookDeliveryState:
    """The state for a number of the contract."""
    return _DELIVERIES.get(value, WebhookDeliveryState.UNKNOWN)


def delivery_state_number(state: WebhookDeliveryState | str) -> webhook_service_pb2.WebhookDeliveryState:
    """The number of a state in the contract. Raises ValueError for a name that is none."""
    name = f"WEBHOOK_DELIVERY_STATE_{WebhookDeliveryState(state).value}"
    number = webhook_service_pb2.WebhookDeliveryState.Value(name)
    return cast(webhook_service_pb2.WebhookDeliveryState, number)


Named = TypeVar("Named", bound=StrEnum)


def _by_number(kind: type[Named], names: list[tuple[str, int]], prefix: str) -> dict[int, Named]:
    known = {member.value for member in kind}
    return {number: kind(name[len(prefix) :]) for name, number in names if name[len(prefix) :] in known}


_STATES = _by_number(JobState, job_pb2.JobState.items(), "JOB_STATE_")
_DEAD_REASONS = _by_number(DeadReason, job_pb2.DeadReason.items(), "DEAD_REASON_")
_EVENT_TYPES = _by_number(EventType, event_service_pb2.EventType.items(), "EVENT_TYPE_")
_FLOW_STATES = _by_number(FlowState, flow_service_pb2.FlowState.items(), "FLOW_STATE_")
_EXPLANATIONS = _by_number(ExplanationKind, job_service_pb2.ExplanationKind.items(), "EXPLANATION_KIND_")
_SESSIONS = _by_number(SessionState, work_service_pb2.WorkerState.items(), "WORKER_STATE_")
_DELIVERIES = _by_number(
    WebhookDeliveryState, webhook_service_pb2.WebhookDeliveryState.items(), "WEBHOOK_DELIVERY_STATE_"
)
