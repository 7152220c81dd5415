import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BackoffKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKOFF_KIND_UNSPECIFIED: _ClassVar[BackoffKind]
    BACKOFF_KIND_FIXED: _ClassVar[BackoffKind]
    BACKOFF_KIND_LINEAR: _ClassVar[BackoffKind]
    BACKOFF_KIND_EXPONENTIAL: _ClassVar[BackoffKind]

class UniqueScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNIQUE_SCOPE_UNSPECIFIED: _ClassVar[UniqueScope]
    UNIQUE_SCOPE_QUEUE: _ClassVar[UniqueScope]
    UNIQUE_SCOPE_QUEUE_AND_NAME: _ClassVar[UniqueScope]

class UniqueUntil(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNIQUE_UNTIL_UNSPECIFIED: _ClassVar[UniqueUntil]
    UNIQUE_UNTIL_STARTED: _ClassVar[UniqueUntil]
    UNIQUE_UNTIL_FINISHED: _ClassVar[UniqueUntil]

class UniqueConflict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNIQUE_CONFLICT_UNSPECIFIED: _ClassVar[UniqueConflict]
    UNIQUE_CONFLICT_REJECT: _ClassVar[UniqueConflict]
    UNIQUE_CONFLICT_RETURN_EXISTING: _ClassVar[UniqueConflict]
    UNIQUE_CONFLICT_REPLACE: _ClassVar[UniqueConflict]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_WAITING: _ClassVar[JobState]
    JOB_STATE_DELAYED: _ClassVar[JobState]
    JOB_STATE_ACTIVE: _ClassVar[JobState]
    JOB_STATE_BLOCKED: _ClassVar[JobState]
    JOB_STATE_COMPLETED: _ClassVar[JobState]
    JOB_STATE_DEAD: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]

class DeadReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEAD_REASON_UNSPECIFIED: _ClassVar[DeadReason]
    DEAD_REASON_ATTEMPTS_EXHAUSTED: _ClassVar[DeadReason]
    DEAD_REASON_NON_RETRYABLE: _ClassVar[DeadReason]
    DEAD_REASON_EXPIRED: _ClassVar[DeadReason]
    DEAD_REASON_PARENT_FAILED: _ClassVar[DeadReason]
    DEAD_REASON_POISONED: _ClassVar[DeadReason]

class Durability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DURABILITY_UNSPECIFIED: _ClassVar[Durability]
    DURABILITY_WAL: _ClassVar[Durability]
    DURABILITY_FSYNC: _ClassVar[Durability]
BACKOFF_KIND_UNSPECIFIED: BackoffKind
BACKOFF_KIND_FIXED: BackoffKind
BACKOFF_KIND_LINEAR: BackoffKind
BACKOFF_KIND_EXPONENTIAL: BackoffKind
UNIQUE_SCOPE_UNSPECIFIED: UniqueScope
UNIQUE_SCOPE_QUEUE: UniqueScope
UNIQUE_SCOPE_QUEUE_AND_NAME: UniqueScope
UNIQUE_UNTIL_UNSPECIFIED: UniqueUntil
UNIQUE_UNTIL_STARTED: UniqueUntil
UNIQUE_UNTIL_FINISHED: UniqueUntil
UNIQUE_CONFLICT_UNSPECIFIED: UniqueConflict
UNIQUE_CONFLICT_REJECT: UniqueConflict
UNIQUE_CONFLICT_RETURN_EXISTING: UniqueConflict
UNIQUE_CONFLICT_REPLACE: UniqueConflict
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_WAITING: JobState
JOB_STATE_DELAYED: JobState
JOB_STATE_ACTIVE: JobState
JOB_STATE_BLOCKED: JobState
JOB_STATE_COMPLETED: JobState
JOB_STATE_DEAD: JobState
JOB_STATE_CANCELLED: JobState
DEAD_REASON_UNSPECIFIED: DeadReason
DEAD_REASON_ATTEMPTS_EXHAUSTED: DeadReason
DEAD_REASON_NON_RETRYABLE: DeadReason
DEAD_REASON_EXPIRED: DeadReason
DEAD_REASON_PARENT_FAILED: DeadReason
DEAD_REASON_POISONED: DeadReason
DURABILITY_UNSPECIFIED: Durability
DURABILITY_WAL: Durability
DURABILITY_FSYNC: Durability

class JobSpec(_message.Message):
    __slots__ = ("queue", "name", "payload", "content_type", "headers", "tags", "priority", "run_time", "delay", "expire_time", "ttl", "timeout", "retry", "max_crashes", "unique", "cancel_grace", "retention", "group", "origin")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    MAX_CRASHES_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_GRACE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    queue: str
    name: str
    payload: bytes
    content_type: str
    headers: _containers.ScalarMap[str, str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    priority: int
    run_time: _timestamp_pb2.Timestamp
    delay: _duration_pb2.Duration
    expire_time: _timestamp_pb2.Timestamp
    ttl: _duration_pb2.Duration
    timeout: _duration_pb2.Duration
    retry: RetryPolicy
    max_crashes: int
    unique: UniqueKey
    cancel_grace: _duration_pb2.Duration
    retention: _duration_pb2.Duration
    group: str
    origin: JobOrigin
    def __init__(self, queue: _Optional[str] = ..., name: _Optional[str] = ..., payload: _Optional[bytes] = ..., content_type: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Iterable[str]] = ..., priority: _Optional[int] = ..., run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., max_crashes: _Optional[int] = ..., unique: _Optional[_Union[UniqueKey, _Mapping]] = ..., cancel_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., group: _Optional[str] = ..., origin: _Optional[_Union[JobOrigin, _Mapping]] = ...) -> None: ...

class JobOrigin(_message.Message):
    __slots__ = ("schedule", "slot_time", "flow_id", "flow_node")
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SLOT_TIME_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_NODE_FIELD_NUMBER: _ClassVar[int]
    schedule: str
    slot_time: _timestamp_pb2.Timestamp
    flow_id: str
    flow_node: str
    def __init__(self, schedule: _Optional[str] = ..., slot_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., flow_id: _Optional[str] = ..., flow_node: _Optional[str] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("kind", "base", "max_delay", "jitter", "max_attempts")
    KIND_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_FIELD_NUMBER: _ClassVar[int]
    JITTER_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    kind: BackoffKind
    base: _duration_pb2.Duration
    max_delay: _duration_pb2.Duration
    jitter: float
    max_attempts: int
    def __init__(self, kind: _Optional[_Union[BackoffKind, str]] = ..., base: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., jitter: _Optional[float] = ..., max_attempts: _Optional[int] = ...) -> None: ...

class UniqueKey(_message.Message):
    __slots__ = ("key", "scope", "state", "window", "on_conflict")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    key: str
    scope: UniqueScope
    state: UniqueUntil
    window: _duration_pb2.Duration
    on_conflict: UniqueConflict
    def __init__(self, key: _Optional[str] = ..., scope: _Optional[_Union[UniqueScope, str]] = ..., state: _Optional[_Union[UniqueUntil, str]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., on_conflict: _Optional[_Union[UniqueConflict, str]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "spec", "state", "create_time", "ready_time", "start_time", "finish_time", "purge_time", "attempt", "failures", "crashes", "releases", "snoozes", "dead_reason", "errors", "progress", "result", "result_content_type", "worker", "cancel_requested", "pending_parents")
    ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    READY_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    CRASHES_FIELD_NUMBER: _ClassVar[int]
    RELEASES_FIELD_NUMBER: _ClassVar[int]
    SNOOZES_FIELD_NUMBER: _ClassVar[int]
    DEAD_REASON_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESULT_CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    PENDING_PARENTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    spec: JobSpec
    state: JobState
    create_time: _timestamp_pb2.Timestamp
    ready_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    purge_time: _timestamp_pb2.Timestamp
    attempt: int
    failures: int
    crashes: int
    releases: int
    snoozes: int
    dead_reason: DeadReason
    errors: _containers.RepeatedCompositeFieldContainer[AttemptError]
    progress: JobProgress
    result: bytes
    result_content_type: str
    worker: str
    cancel_requested: bool
    pending_parents: int
    def __init__(self, id: _Optional[str] = ..., spec: _Optional[_Union[JobSpec, _Mapping]] = ..., state: _Optional[_Union[JobState, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ready_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ..., failures: _Optional[int] = ..., crashes: _Optional[int] = ..., releases: _Optional[int] = ..., snoozes: _Optional[int] = ..., dead_reason: _Optional[_Union[DeadReason, str]] = ..., errors: _Optional[_Iterable[_Union[AttemptError, _Mapping]]] = ..., progress: _Optional[_Union[JobProgress, _Mapping]] = ..., result: _Optional[bytes] = ..., result_content_type: _Optional[str] = ..., worker: _Optional[str] = ..., cancel_requested: _Optional[bool] = ..., pending_parents: _Optional[int] = ...) -> None: ...

class AttemptError(_message.Message):
    __slots__ = ("attempt", "time", "error", "worker")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    time: _timestamp_pb2.Timestamp
    error: JobError
    worker: str
    def __init__(self, attempt: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[_Union[JobError, _Mapping]] = ..., worker: _Optional[str] = ...) -> None: ...

class JobError(_message.Message):
    __slots__ = ("type", "message", "stack")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    stack: str
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., stack: _Optional[str] = ...) -> None: ...

class JobProgress(_message.Message):
    __slots__ = ("percent", "message", "time")
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    percent: float
    message: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, percent: _Optional[float] = ..., message: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("time", "text", "attempt")
    TIME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    text: str
    attempt: int
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...
