import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rockqueue.v1 import flow_service_pb2 as _flow_service_pb2
from rockqueue.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_JOB_PUSHED: _ClassVar[EventType]
    EVENT_TYPE_JOB_BLOCKED: _ClassVar[EventType]
    EVENT_TYPE_JOB_DELAYED: _ClassVar[EventType]
    EVENT_TYPE_JOB_READY: _ClassVar[EventType]
    EVENT_TYPE_JOB_STARTED: _ClassVar[EventType]
    EVENT_TYPE_JOB_PROGRESSED: _ClassVar[EventType]
    EVENT_TYPE_JOB_FAILED: _ClassVar[EventType]
    EVENT_TYPE_JOB_CRASHED: _ClassVar[EventType]
    EVENT_TYPE_JOB_RETRIED: _ClassVar[EventType]
    EVENT_TYPE_JOB_COMPLETED: _ClassVar[EventType]
    EVENT_TYPE_JOB_DEAD: _ClassVar[EventType]
    EVENT_TYPE_JOB_CANCELLED: _ClassVar[EventType]
    EVENT_TYPE_JOB_EXPIRED: _ClassVar[EventType]
    EVENT_TYPE_JOB_RELEASED: _ClassVar[EventType]
    EVENT_TYPE_JOB_SNOOZED: _ClassVar[EventType]
    EVENT_TYPE_JOB_REPLACED: _ClassVar[EventType]
    EVENT_TYPE_JOB_DELETED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_PAUSED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_RESUMED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_PURGED: _ClassVar[EventType]
    EVENT_TYPE_QUEUE_UPDATED: _ClassVar[EventType]
    EVENT_TYPE_WORKER_JOINED: _ClassVar[EventType]
    EVENT_TYPE_WORKER_LEFT: _ClassVar[EventType]
    EVENT_TYPE_FLOW_FINISHED: _ClassVar[EventType]
    EVENT_TYPE_SCHEDULE_UPDATED: _ClassVar[EventType]
    EVENT_TYPE_SCHEDULE_FIRED: _ClassVar[EventType]
    EVENT_TYPE_SCHEDULE_SKIPPED: _ClassVar[EventType]
    EVENT_TYPE_SCHEDULE_PAUSED: _ClassVar[EventType]
    EVENT_TYPE_SCHEDULE_RESUMED: _ClassVar[EventType]
    EVENT_TYPE_SCHEDULE_DELETED: _ClassVar[EventType]
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_JOB_PUSHED: EventType
EVENT_TYPE_JOB_BLOCKED: EventType
EVENT_TYPE_JOB_DELAYED: EventType
EVENT_TYPE_JOB_READY: EventType
EVENT_TYPE_JOB_STARTED: EventType
EVENT_TYPE_JOB_PROGRESSED: EventType
EVENT_TYPE_JOB_FAILED: EventType
EVENT_TYPE_JOB_CRASHED: EventType
EVENT_TYPE_JOB_RETRIED: EventType
EVENT_TYPE_JOB_COMPLETED: EventType
EVENT_TYPE_JOB_DEAD: EventType
EVENT_TYPE_JOB_CANCELLED: EventType
EVENT_TYPE_JOB_EXPIRED: EventType
EVENT_TYPE_JOB_RELEASED: EventType
EVENT_TYPE_JOB_SNOOZED: EventType
EVENT_TYPE_JOB_REPLACED: EventType
EVENT_TYPE_JOB_DELETED: EventType
EVENT_TYPE_QUEUE_PAUSED: EventType
EVENT_TYPE_QUEUE_RESUMED: EventType
EVENT_TYPE_QUEUE_PURGED: EventType
EVENT_TYPE_QUEUE_UPDATED: EventType
EVENT_TYPE_WORKER_JOINED: EventType
EVENT_TYPE_WORKER_LEFT: EventType
EVENT_TYPE_FLOW_FINISHED: EventType
EVENT_TYPE_SCHEDULE_UPDATED: EventType
EVENT_TYPE_SCHEDULE_FIRED: EventType
EVENT_TYPE_SCHEDULE_SKIPPED: EventType
EVENT_TYPE_SCHEDULE_PAUSED: EventType
EVENT_TYPE_SCHEDULE_RESUMED: EventType
EVENT_TYPE_SCHEDULE_DELETED: EventType

class WatchEventsRequest(_message.Message):
    __slots__ = ("beginning", "cursor", "filter")
    BEGINNING_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    beginning: bool
    cursor: str
    filter: EventFilter
    def __init__(self, beginning: _Optional[bool] = ..., cursor: _Optional[str] = ..., filter: _Optional[_Union[EventFilter, _Mapping]] = ...) -> None: ...

class EventFilter(_message.Message):
    __slots__ = ("queues", "names", "types", "job_ids", "flow_ids", "schedules")
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    FLOW_IDS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedScalarFieldContainer[str]
    names: _containers.RepeatedScalarFieldContainer[str]
    types: _containers.RepeatedScalarFieldContainer[EventType]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    flow_ids: _containers.RepeatedScalarFieldContainer[str]
    schedules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, queues: _Optional[_Iterable[str]] = ..., names: _Optional[_Iterable[str]] = ..., types: _Optional[_Iterable[_Union[EventType, str]]] = ..., job_ids: _Optional[_Iterable[str]] = ..., flow_ids: _Optional[_Iterable[str]] = ..., schedules: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchEventsResponse(_message.Message):
    __slots__ = ("events", "cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    cursor: str
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("cursor", "type", "time", "queue", "job_id", "name", "state", "attempt", "error", "dead_reason", "ready_time", "progress", "worker", "purged", "flow_id", "flow_state", "schedule", "slot_time")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DEAD_REASON_FIELD_NUMBER: _ClassVar[int]
    READY_TIME_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    PURGED_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_STATE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SLOT_TIME_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    type: EventType
    time: _timestamp_pb2.Timestamp
    queue: str
    job_id: str
    name: str
    state: _job_pb2.JobState
    attempt: int
    error: _job_pb2.JobError
    dead_reason: _job_pb2.DeadReason
    ready_time: _timestamp_pb2.Timestamp
    progress: _job_pb2.JobProgress
    worker: str
    purged: int
    flow_id: str
    flow_state: _flow_service_pb2.FlowState
    schedule: str
    slot_time: _timestamp_pb2.Timestamp
    def __init__(self, cursor: _Optional[str] = ..., type: _Optional[_Union[EventType, str]] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., queue: _Optional[str] = ..., job_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., attempt: _Optional[int] = ..., error: _Optional[_Union[_job_pb2.JobError, _Mapping]] = ..., dead_reason: _Optional[_Union[_job_pb2.DeadReason, str]] = ..., ready_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., progress: _Optional[_Union[_job_pb2.JobProgress, _Mapping]] = ..., worker: _Optional[str] = ..., purged: _Optional[int] = ..., flow_id: _Optional[str] = ..., flow_state: _Optional[_Union[_flow_service_pb2.FlowState, str]] = ..., schedule: _Optional[str] = ..., slot_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
