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

class Change(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANGE_UNSPECIFIED: _ClassVar[Change]
    CHANGE_CANCEL: _ClassVar[Change]
    CHANGE_RETRY: _ClassVar[Change]
    CHANGE_DELETE: _ClassVar[Change]
CHANGE_UNSPECIFIED: Change
CHANGE_CANCEL: Change
CHANGE_RETRY: Change
CHANGE_DELETE: Change

class Command(_message.Message):
    __slots__ = ("id", "open_client", "close_client", "push", "push_many", "get_job", "get_logs", "list_jobs", "change_jobs", "wait_job", "get_result", "list_queues", "get_queue", "update_queue", "pause_queue", "resume_queue", "purge_queue", "get_server_info", "open_events", "read_events", "close_events", "start_worker", "stop_worker", "get_worker", "open_gate", "reset", "call")
    ID_FIELD_NUMBER: _ClassVar[int]
    OPEN_CLIENT_FIELD_NUMBER: _ClassVar[int]
    CLOSE_CLIENT_FIELD_NUMBER: _ClassVar[int]
    PUSH_FIELD_NUMBER: _ClassVar[int]
    PUSH_MANY_FIELD_NUMBER: _ClassVar[int]
    GET_JOB_FIELD_NUMBER: _ClassVar[int]
    GET_LOGS_FIELD_NUMBER: _ClassVar[int]
    LIST_JOBS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_JOBS_FIELD_NUMBER: _ClassVar[int]
    WAIT_JOB_FIELD_NUMBER: _ClassVar[int]
    GET_RESULT_FIELD_NUMBER: _ClassVar[int]
    LIST_QUEUES_FIELD_NUMBER: _ClassVar[int]
    GET_QUEUE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_QUEUE_FIELD_NUMBER: _ClassVar[int]
    RESUME_QUEUE_FIELD_NUMBER: _ClassVar[int]
    PURGE_QUEUE_FIELD_NUMBER: _ClassVar[int]
    GET_SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    OPEN_EVENTS_FIELD_NUMBER: _ClassVar[int]
    READ_EVENTS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_EVENTS_FIELD_NUMBER: _ClassVar[int]
    START_WORKER_FIELD_NUMBER: _ClassVar[int]
    STOP_WORKER_FIELD_NUMBER: _ClassVar[int]
    GET_WORKER_FIELD_NUMBER: _ClassVar[int]
    OPEN_GATE_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    id: int
    open_client: OpenClient
    close_client: CloseClient
    push: Push
    push_many: PushMany
    get_job: GetJob
    get_logs: GetLogs
    list_jobs: ListJobs
    change_jobs: ChangeJobs
    wait_job: WaitJob
    get_result: GetResult
    list_queues: ListQueues
    get_queue: GetQueue
    update_queue: UpdateQueue
    pause_queue: PauseQueue
    resume_queue: ResumeQueue
    purge_queue: PurgeQueue
    get_server_info: GetServerInfo
    open_events: OpenEvents
    read_events: ReadEvents
    close_events: CloseEvents
    start_worker: StartWorker
    stop_worker: StopWorker
    get_worker: GetWorker
    open_gate: OpenGate
    reset: Reset
    call: Call
    def __init__(self, id: _Optional[int] = ..., open_client: _Optional[_Union[OpenClient, _Mapping]] = ..., close_client: _Optional[_Union[CloseClient, _Mapping]] = ..., push: _Optional[_Union[Push, _Mapping]] = ..., push_many: _Optional[_Union[PushMany, _Mapping]] = ..., get_job: _Optional[_Union[GetJob, _Mapping]] = ..., get_logs: _Optional[_Union[GetLogs, _Mapping]] = ..., list_jobs: _Optional[_Union[ListJobs, _Mapping]] = ..., change_jobs: _Optional[_Union[ChangeJobs, _Mapping]] = ..., wait_job: _Optional[_Union[WaitJob, _Mapping]] = ..., get_result: _Optional[_Union[GetResult, _Mapping]] = ..., list_queues: _Optional[_Union[ListQueues, _Mapping]] = ..., get_queue: _Optional[_Union[GetQueue, _Mapping]] = ..., update_queue: _Optional[_Union[UpdateQueue, _Mapping]] = ..., pause_queue: _Optional[_Union[PauseQueue, _Mapping]] = ..., resume_queue: _Optional[_Union[ResumeQueue, _Mapping]] = ..., purge_queue: _Optional[_Union[PurgeQueue, _Mapping]] = ..., get_server_info: _Optional[_Union[GetServerInfo, _Mapping]] = ..., open_events: _Optional[_Union[OpenEvents, _Mapping]] = ..., read_events: _Optional[_Union[ReadEvents, _Mapping]] = ..., close_events: _Optional[_Union[CloseEvents, _Mapping]] = ..., start_worker: _Optional[_Union[StartWorker, _Mapping]] = ..., stop_worker: _Optional[_Union[StopWorker, _Mapping]] = ..., get_worker: _Optional[_Union[GetWorker, _Mapping]] = ..., open_gate: _Optional[_Union[OpenGate, _Mapping]] = ..., reset: _Optional[_Union[Reset, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ...) -> None: ...

class Report(_message.Message):
    __slots__ = ("hello", "answer", "observation")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    answer: Answer
    observation: Observation
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ..., observation: _Optional[_Union[Observation, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("sdk", "version", "pid", "features")
    SDK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    sdk: str
    version: str
    pid: int
    features: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sdk: _Optional[str] = ..., version: _Optional[str] = ..., pid: _Optional[int] = ..., features: _Optional[_Iterable[str]] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("id", "error", "unsupported", "done", "pushes", "job", "jobs", "logs", "changed", "value", "queue", "queues", "server_info", "events", "worker", "document")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    UNSUPPORTED_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    PUSHES_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    id: int
    error: Error
    unsupported: Done
    done: Done
    pushes: Pushes
    job: Job
    jobs: Jobs
    logs: Logs
    changed: Changed
    value: Value
    queue: Queue
    queues: Queues
    server_info: ServerInfo
    events: Events
    worker: WorkerStatus
    document: Document
    def __init__(self, id: _Optional[int] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., unsupported: _Optional[_Union[Done, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ..., pushes: _Optional[_Union[Pushes, _Mapping]] = ..., job: _Optional[_Union[Job, _Mapping]] = ..., jobs: _Optional[_Union[Jobs, _Mapping]] = ..., logs: _Optional[_Union[Logs, _Mapping]] = ..., changed: _Optional[_Union[Changed, _Mapping]] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., queue: _Optional[_Union[Queue, _Mapping]] = ..., queues: _Optional[_Union[Queues, _Mapping]] = ..., server_info: _Optional[_Union[ServerInfo, _Mapping]] = ..., events: _Optional[_Union[Events, _Mapping]] = ..., worker: _Optional[_Union[WorkerStatus, _Mapping]] = ..., document: _Optional[_Union[Document, _Mapping]] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Observation(_message.Message):
    __slots__ = ("sequence", "began", "stop_asked", "shutdown_told", "ended", "worker_ended", "log")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BEGAN_FIELD_NUMBER: _ClassVar[int]
    STOP_ASKED_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_TOLD_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    WORKER_ENDED_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    began: HandlerBegan
    stop_asked: HandlerStopped
    shutdown_told: HandlerShutdown
    ended: HandlerEnded
    worker_ended: WorkerStatus
    log: LogRecord
    def __init__(self, sequence: _Optional[int] = ..., began: _Optional[_Union[HandlerBegan, _Mapping]] = ..., stop_asked: _Optional[_Union[HandlerStopped, _Mapping]] = ..., shutdown_told: _Optional[_Union[HandlerShutdown, _Mapping]] = ..., ended: _Optional[_Union[HandlerEnded, _Mapping]] = ..., worker_ended: _Optional[_Union[WorkerStatus, _Mapping]] = ..., log: _Optional[_Union[LogRecord, _Mapping]] = ...) -> None: ...

class OpenClient(_message.Message):
    __slots__ = ("client", "url", "timeout", "retry", "durability", "linger")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    LINGER_FIELD_NUMBER: _ClassVar[int]
    client: str
    url: str
    timeout: _duration_pb2.Duration
    retry: CallRetry
    durability: str
    linger: _duration_pb2.Duration
    def __init__(self, client: _Optional[str] = ..., url: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retry: _Optional[_Union[CallRetry, _Mapping]] = ..., durability: _Optional[str] = ..., linger: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CallRetry(_message.Message):
    __slots__ = ("disabled", "max_attempts", "initial_delay", "max_delay", "attempt_timeout", "max_server_delay")
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_DELAY_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_SERVER_DELAY_FIELD_NUMBER: _ClassVar[int]
    disabled: bool
    max_attempts: int
    initial_delay: _duration_pb2.Duration
    max_delay: _duration_pb2.Duration
    attempt_timeout: _duration_pb2.Duration
    max_server_delay: _duration_pb2.Duration
    def __init__(self, disabled: _Optional[bool] = ..., max_attempts: _Optional[int] = ..., initial_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempt_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_server_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CloseClient(_message.Message):
    __slots__ = ("client",)
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    client: str
    def __init__(self, client: _Optional[str] = ...) -> None: ...

class Value(_message.Message):
    __slots__ = ("json", "raw", "letters", "unwritable", "undecodable")
    JSON_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    LETTERS_FIELD_NUMBER: _ClassVar[int]
    UNWRITABLE_FIELD_NUMBER: _ClassVar[int]
    UNDECODABLE_FIELD_NUMBER: _ClassVar[int]
    json: str
    raw: bytes
    letters: int
    unwritable: bool
    undecodable: Error
    def __init__(self, json: _Optional[str] = ..., raw: _Optional[bytes] = ..., letters: _Optional[int] = ..., unwritable: _Optional[bool] = ..., undecodable: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class NewJob(_message.Message):
    __slots__ = ("queue", "name", "payload", "priority", "delay", "run_time", "ttl", "expire_time", "timeout", "retry", "max_attempts", "max_crashes", "unique", "headers", "tags", "cancel_grace", "retention", "group")
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
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    MAX_CRASHES_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_GRACE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    queue: str
    name: str
    payload: Value
    priority: int
    delay: _duration_pb2.Duration
    run_time: _timestamp_pb2.Timestamp
    ttl: _duration_pb2.Duration
    expire_time: _timestamp_pb2.Timestamp
    timeout: _duration_pb2.Duration
    retry: RetryPolicy
    max_attempts: int
    max_crashes: int
    unique: Unique
    headers: _containers.ScalarMap[str, str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    cancel_grace: _duration_pb2.Duration
    retention: _duration_pb2.Duration
    group: str
    def __init__(self, queue: _Optional[str] = ..., name: _Optional[str] = ..., payload: _Optional[_Union[Value, _Mapping]] = ..., priority: _Optional[int] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., max_attempts: _Optional[int] = ..., max_crashes: _Optional[int] = ..., unique: _Optional[_Union[Unique, _Mapping]] = ..., headers: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Iterable[str]] = ..., cancel_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., group: _Optional[str] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("kind", "base", "max_delay", "jitter", "max_attempts")
    KIND_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_FIELD_NUMBER: _ClassVar[int]
    JITTER_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    base: _duration_pb2.Duration
    max_delay: _duration_pb2.Duration
    jitter: float
    max_attempts: int
    def __init__(self, kind: _Optional[str] = ..., base: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., jitter: _Optional[float] = ..., max_attempts: _Optional[int] = ...) -> None: ...

class Unique(_message.Message):
    __slots__ = ("key", "scope", "until", "window", "on_conflict")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    key: str
    scope: str
    until: str
    window: _duration_pb2.Duration
    on_conflict: str
    def __init__(self, key: _Optional[str] = ..., scope: _Optional[str] = ..., until: _Optional[str] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., on_conflict: _Optional[str] = ...) -> None: ...

class Push(_message.Message):
    __slots__ = ("client", "jobs", "copies", "callers")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    client: str
    jobs: _containers.RepeatedCompositeFieldContainer[NewJob]
    copies: int
    callers: int
    def __init__(self, client: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[NewJob, _Mapping]]] = ..., copies: _Optional[int] = ..., callers: _Optional[int] = ...) -> None: ...

class PushMany(_message.Message):
    __slots__ = ("client", "jobs", "copies", "durability", "timeout")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    client: str
    jobs: _containers.RepeatedCompositeFieldContainer[NewJob]
    copies: int
    durability: str
    timeout: _duration_pb2.Duration
    def __init__(self, client: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[NewJob, _Mapping]]] = ..., copies: _Optional[int] = ..., durability: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Pushes(_message.Message):
    __slots__ = ("pushes",)
    PUSHES_FIELD_NUMBER: _ClassVar[int]
    pushes: _containers.RepeatedCompositeFieldContainer[PushOutcome]
    def __init__(self, pushes: _Optional[_Iterable[_Union[PushOutcome, _Mapping]]] = ...) -> None: ...

class PushOutcome(_message.Message):
    __slots__ = ("pushed", "error")
    PUSHED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    pushed: PushedJob
    error: Error
    def __init__(self, pushed: _Optional[_Union[PushedJob, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class PushedJob(_message.Message):
    __slots__ = ("id", "existing", "replaced")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    id: str
    existing: bool
    replaced: bool
    def __init__(self, id: _Optional[str] = ..., existing: _Optional[bool] = ..., replaced: _Optional[bool] = ...) -> None: ...

class GetJob(_message.Message):
    __slots__ = ("client", "job_id")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    client: str
    job_id: str
    def __init__(self, client: _Optional[str] = ..., job_id: _Optional[str] = ...) -> None: ...

class GetLogs(_message.Message):
    __slots__ = ("client", "job_id")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    client: str
    job_id: str
    def __init__(self, client: _Optional[str] = ..., job_id: _Optional[str] = ...) -> None: ...

class Logs(_message.Message):
    __slots__ = ("lines", "dropped")
    LINES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[LogLine]
    dropped: int
    def __init__(self, lines: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ..., dropped: _Optional[int] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("text", "attempt")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    text: str
    attempt: int
    def __init__(self, text: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class JobFilter(_message.Message):
    __slots__ = ("queue", "state", "name", "tags", "created_from", "created_before", "group", "flow_id", "schedule")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CREATED_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    queue: str
    state: str
    name: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    created_from: _timestamp_pb2.Timestamp
    created_before: _timestamp_pb2.Timestamp
    group: str
    flow_id: str
    schedule: str
    def __init__(self, queue: _Optional[str] = ..., state: _Optional[str] = ..., name: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., created_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., group: _Optional[str] = ..., flow_id: _Optional[str] = ..., schedule: _Optional[str] = ...) -> None: ...

class ListJobs(_message.Message):
    __slots__ = ("client", "filter", "newest_first", "include_payload", "page_size", "limit")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIRST_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    client: str
    filter: JobFilter
    newest_first: bool
    include_payload: bool
    page_size: int
    limit: int
    def __init__(self, client: _Optional[str] = ..., filter: _Optional[_Union[JobFilter, _Mapping]] = ..., newest_first: _Optional[bool] = ..., include_payload: _Optional[bool] = ..., page_size: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class Jobs(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ...) -> None: ...

class ChangeJobs(_message.Message):
    __slots__ = ("client", "change", "job_id", "jobs", "filter", "dry_run", "into_queue")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    INTO_QUEUE_FIELD_NUMBER: _ClassVar[int]
    client: str
    change: Change
    job_id: str
    jobs: JobIds
    filter: JobFilter
    dry_run: bool
    into_queue: str
    def __init__(self, client: _Optional[str] = ..., change: _Optional[_Union[Change, str]] = ..., job_id: _Optional[str] = ..., jobs: _Optional[_Union[JobIds, _Mapping]] = ..., filter: _Optional[_Union[JobFilter, _Mapping]] = ..., dry_run: _Optional[bool] = ..., into_queue: _Optional[str] = ...) -> None: ...

class JobIds(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Changed(_message.Message):
    __slots__ = ("affected", "failures", "progress_reports")
    class FailuresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Error
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_REPORTS_FIELD_NUMBER: _ClassVar[int]
    affected: int
    failures: _containers.MessageMap[str, Error]
    progress_reports: int
    def __init__(self, affected: _Optional[int] = ..., failures: _Optional[_Mapping[str, Error]] = ..., progress_reports: _Optional[int] = ...) -> None: ...

class WaitJob(_message.Message):
    __slots__ = ("client", "job_id", "timeout")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    client: str
    job_id: str
    timeout: _duration_pb2.Duration
    def __init__(self, client: _Optional[str] = ..., job_id: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetResult(_message.Message):
    __slots__ = ("client", "job_id", "timeout")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    client: str
    job_id: str
    timeout: _duration_pb2.Duration
    def __init__(self, client: _Optional[str] = ..., job_id: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "queue", "name", "state", "priority", "attempt", "failures", "crashes", "releases", "snoozes", "dead_reason", "errors", "progress", "headers", "tags", "worker", "cancel_requested", "create_time", "ready_time", "start_time", "finish_time", "purge_time", "payload", "result", "group", "schedule", "slot_time", "flow_id", "flow_node", "pending_parents")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    CRASHES_FIELD_NUMBER: _ClassVar[int]
    RELEASES_FIELD_NUMBER: _ClassVar[int]
    SNOOZES_FIELD_NUMBER: _ClassVar[int]
    DEAD_REASON_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    READY_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    PURGE_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SLOT_TIME_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_NODE_FIELD_NUMBER: _ClassVar[int]
    PENDING_PARENTS_FIELD_NUMBER: _ClassVar[int]
    id: str
    queue: str
    name: str
    state: str
    priority: int
    attempt: int
    failures: int
    crashes: int
    releases: int
    snoozes: int
    dead_reason: str
    errors: _containers.RepeatedCompositeFieldContainer[AttemptError]
    progress: Progress
    headers: _containers.ScalarMap[str, str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    worker: str
    cancel_requested: bool
    create_time: _timestamp_pb2.Timestamp
    ready_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    purge_time: _timestamp_pb2.Timestamp
    payload: Value
    result: Value
    group: str
    schedule: str
    slot_time: _timestamp_pb2.Timestamp
    flow_id: str
    flow_node: str
    pending_parents: int
    def __init__(self, id: _Optional[str] = ..., queue: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., priority: _Optional[int] = ..., attempt: _Optional[int] = ..., failures: _Optional[int] = ..., crashes: _Optional[int] = ..., releases: _Optional[int] = ..., snoozes: _Optional[int] = ..., dead_reason: _Optional[str] = ..., errors: _Optional[_Iterable[_Union[AttemptError, _Mapping]]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., headers: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Iterable[str]] = ..., worker: _Optional[str] = ..., cancel_requested: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ready_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., purge_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload: _Optional[_Union[Value, _Mapping]] = ..., result: _Optional[_Union[Value, _Mapping]] = ..., group: _Optional[str] = ..., schedule: _Optional[str] = ..., slot_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., flow_id: _Optional[str] = ..., flow_node: _Optional[str] = ..., pending_parents: _Optional[int] = ...) -> None: ...

class AttemptError(_message.Message):
    __slots__ = ("attempt", "type", "message", "stack")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    type: str
    message: str
    stack: str
    def __init__(self, attempt: _Optional[int] = ..., type: _Optional[str] = ..., message: _Optional[str] = ..., stack: _Optional[str] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("percent", "message")
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    percent: float
    message: str
    def __init__(self, percent: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("client", "method", "arguments")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    client: str
    method: str
    arguments: str
    def __init__(self, client: _Optional[str] = ..., method: _Optional[str] = ..., arguments: _Optional[str] = ...) -> None: ...

class Document(_message.Message):
    __slots__ = ("json",)
    JSON_FIELD_NUMBER: _ClassVar[int]
    json: str
    def __init__(self, json: _Optional[str] = ...) -> None: ...

class ListQueues(_message.Message):
    __slots__ = ("client", "prefix")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    client: str
    prefix: str
    def __init__(self, client: _Optional[str] = ..., prefix: _Optional[str] = ...) -> None: ...

class GetQueue(_message.Message):
    __slots__ = ("client", "queue")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    client: str
    queue: str
    def __init__(self, client: _Optional[str] = ..., queue: _Optional[str] = ...) -> None: ...

class UpdateQueue(_message.Message):
    __slots__ = ("client", "queue", "default_retry", "default_lease", "completed_retention", "dead_retention", "cancelled_retention", "max_active", "max_backlog_jobs", "reset", "rate", "group_max_active", "group_rate", "max_backlog_bytes")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_RETRY_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_LEASE_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_RETENTION_FIELD_NUMBER: _ClassVar[int]
    DEAD_RETENTION_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_RETENTION_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKLOG_JOBS_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    GROUP_MAX_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    GROUP_RATE_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    client: str
    queue: str
    default_retry: RetryPolicy
    default_lease: _duration_pb2.Duration
    completed_retention: _duration_pb2.Duration
    dead_retention: _duration_pb2.Duration
    cancelled_retention: _duration_pb2.Duration
    max_active: int
    max_backlog_jobs: int
    reset: _containers.RepeatedScalarFieldContainer[str]
    rate: RateLimit
    group_max_active: int
    group_rate: RateLimit
    max_backlog_bytes: int
    def __init__(self, client: _Optional[str] = ..., queue: _Optional[str] = ..., default_retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., default_lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., completed_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., dead_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cancelled_retention: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_active: _Optional[int] = ..., max_backlog_jobs: _Optional[int] = ..., reset: _Optional[_Iterable[str]] = ..., rate: _Optional[_Union[RateLimit, _Mapping]] = ..., group_max_active: _Optional[int] = ..., group_rate: _Optional[_Union[RateLimit, _Mapping]] = ..., max_backlog_bytes: _Optional[int] = ...) -> None: ...

class RateLimit(_message.Message):
    __slots__ = ("count", "period", "burst")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    count: int
    period: _duration_pb2.Duration
    burst: int
    def __init__(self, count: _Optional[int] = ..., period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., burst: _Optional[int] = ...) -> None: ...

class PauseQueue(_message.Message):
    __slots__ = ("client", "queue")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    client: str
    queue: str
    def __init__(self, client: _Optional[str] = ..., queue: _Optional[str] = ...) -> None: ...

class ResumeQueue(_message.Message):
    __slots__ = ("client", "queue")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    client: str
    queue: str
    def __init__(self, client: _Optional[str] = ..., queue: _Optional[str] = ...) -> None: ...

class PurgeQueue(_message.Message):
    __slots__ = ("client", "queue", "states")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    client: str
    queue: str
    states: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client: _Optional[str] = ..., queue: _Optional[str] = ..., states: _Optional[_Iterable[str]] = ...) -> None: ...

class Queues(_message.Message):
    __slots__ = ("queues",)
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedCompositeFieldContainer[Queue]
    def __init__(self, queues: _Optional[_Iterable[_Union[Queue, _Mapping]]] = ...) -> None: ...

class Queue(_message.Message):
    __slots__ = ("name", "paused", "waiting", "delayed", "active", "completed", "dead", "cancelled", "workers", "max_active", "max_backlog_jobs", "create_time", "oldest_ready_time", "max_backlog_bytes", "backlog_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    DELAYED_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    DEAD_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKLOG_JOBS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    OLDEST_READY_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    paused: bool
    waiting: int
    delayed: int
    active: int
    completed: int
    dead: int
    cancelled: int
    workers: int
    max_active: int
    max_backlog_jobs: int
    create_time: _timestamp_pb2.Timestamp
    oldest_ready_time: _timestamp_pb2.Timestamp
    max_backlog_bytes: int
    backlog_bytes: int
    def __init__(self, name: _Optional[str] = ..., paused: _Optional[bool] = ..., waiting: _Optional[int] = ..., delayed: _Optional[int] = ..., active: _Optional[int] = ..., completed: _Optional[int] = ..., dead: _Optional[int] = ..., cancelled: _Optional[int] = ..., workers: _Optional[int] = ..., max_active: _Optional[int] = ..., max_backlog_jobs: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., oldest_ready_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_backlog_bytes: _Optional[int] = ..., backlog_bytes: _Optional[int] = ...) -> None: ...

class GetServerInfo(_message.Message):
    __slots__ = ("client",)
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    client: str
    def __init__(self, client: _Optional[str] = ...) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("version", "capabilities", "payload_bytes", "batch_entries", "batch_bytes", "server_time")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    BATCH_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    version: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    payload_bytes: int
    batch_entries: int
    batch_bytes: int
    server_time: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., payload_bytes: _Optional[int] = ..., batch_entries: _Optional[int] = ..., batch_bytes: _Optional[int] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OpenEvents(_message.Message):
    __slots__ = ("client", "events", "queues", "names", "types", "job_ids", "after", "beginning", "flow_ids", "schedules")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEGINNING_FIELD_NUMBER: _ClassVar[int]
    FLOW_IDS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    client: str
    events: str
    queues: _containers.RepeatedScalarFieldContainer[str]
    names: _containers.RepeatedScalarFieldContainer[str]
    types: _containers.RepeatedScalarFieldContainer[str]
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    after: str
    beginning: bool
    flow_ids: _containers.RepeatedScalarFieldContainer[str]
    schedules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, client: _Optional[str] = ..., events: _Optional[str] = ..., queues: _Optional[_Iterable[str]] = ..., names: _Optional[_Iterable[str]] = ..., types: _Optional[_Iterable[str]] = ..., job_ids: _Optional[_Iterable[str]] = ..., after: _Optional[str] = ..., beginning: _Optional[bool] = ..., flow_ids: _Optional[_Iterable[str]] = ..., schedules: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadEvents(_message.Message):
    __slots__ = ("events", "count", "timeout")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    events: str
    count: int
    timeout: _duration_pb2.Duration
    def __init__(self, events: _Optional[str] = ..., count: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CloseEvents(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: str
    def __init__(self, events: _Optional[str] = ...) -> None: ...

class Events(_message.Message):
    __slots__ = ("events", "cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    cursor: str
    def __init__(self, events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("cursor", "type", "time", "queue", "job_id", "name", "state", "attempt", "dead_reason", "worker", "error_type", "error_message", "progress", "purged", "flow_id", "flow_state", "schedule", "slot_time")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DEAD_REASON_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    ERROR_TYPE_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    PURGED_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_STATE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SLOT_TIME_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    type: str
    time: _timestamp_pb2.Timestamp
    queue: str
    job_id: str
    name: str
    state: str
    attempt: int
    dead_reason: str
    worker: str
    error_type: str
    error_message: str
    progress: Progress
    purged: int
    flow_id: str
    flow_state: str
    schedule: str
    slot_time: _timestamp_pb2.Timestamp
    def __init__(self, cursor: _Optional[str] = ..., type: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., queue: _Optional[str] = ..., job_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[str] = ..., attempt: _Optional[int] = ..., dead_reason: _Optional[str] = ..., worker: _Optional[str] = ..., error_type: _Optional[str] = ..., error_message: _Optional[str] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., purged: _Optional[int] = ..., flow_id: _Optional[str] = ..., flow_state: _Optional[str] = ..., schedule: _Optional[str] = ..., slot_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StartWorker(_message.Message):
    __slots__ = ("client", "worker", "queues", "handlers", "concurrency", "prefetch", "lease", "resume_grace", "grace", "until_signalled", "stuck_after")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    HANDLERS_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    PREFETCH_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RESUME_GRACE_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_SIGNALLED_FIELD_NUMBER: _ClassVar[int]
    STUCK_AFTER_FIELD_NUMBER: _ClassVar[int]
    client: str
    worker: str
    queues: _containers.RepeatedScalarFieldContainer[str]
    handlers: _containers.RepeatedCompositeFieldContainer[Handler]
    concurrency: int
    prefetch: int
    lease: _duration_pb2.Duration
    resume_grace: _duration_pb2.Duration
    grace: _duration_pb2.Duration
    until_signalled: bool
    stuck_after: _duration_pb2.Duration
    def __init__(self, client: _Optional[str] = ..., worker: _Optional[str] = ..., queues: _Optional[_Iterable[str]] = ..., handlers: _Optional[_Iterable[_Union[Handler, _Mapping]]] = ..., concurrency: _Optional[int] = ..., prefetch: _Optional[int] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., until_signalled: _Optional[bool] = ..., stuck_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class StopWorker(_message.Message):
    __slots__ = ("worker", "grace")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    worker: str
    grace: _duration_pb2.Duration
    def __init__(self, worker: _Optional[str] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GetWorker(_message.Message):
    __slots__ = ("worker",)
    WORKER_FIELD_NUMBER: _ClassVar[int]
    worker: str
    def __init__(self, worker: _Optional[str] = ...) -> None: ...

class WorkerStatus(_message.Message):
    __slots__ = ("worker", "state", "failure")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    worker: str
    state: str
    failure: Error
    def __init__(self, worker: _Optional[str] = ..., state: _Optional[str] = ..., failure: _Optional[_Union[Error, _Mapping]] = ...) -> None: ...

class OpenGate(_message.Message):
    __slots__ = ("gate",)
    GATE_FIELD_NUMBER: _ClassVar[int]
    gate: str
    def __init__(self, gate: _Optional[str] = ...) -> None: ...

class Reset(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Handler(_message.Message):
    __slots__ = ("name", "attempts", "silent")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    attempts: _containers.RepeatedCompositeFieldContainer[Script]
    silent: bool
    def __init__(self, name: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[Script, _Mapping]]] = ..., silent: _Optional[bool] = ...) -> None: ...

class Script(_message.Message):
    __slots__ = ("actions",)
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    actions: _containers.RepeatedCompositeFieldContainer[Action]
    def __init__(self, actions: _Optional[_Iterable[_Union[Action, _Mapping]]] = ...) -> None: ...

class Action(_message.Message):
    __slots__ = ("sleep", "gate", "until_stopped", "deaf_gate", "until_shutdown", "block", "log", "progress", "follow_up", "parents", "complete", "fail", "fail_for_good", "retry_after", "snooze", "release", "stop", "crash")
    SLEEP_FIELD_NUMBER: _ClassVar[int]
    GATE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_STOPPED_FIELD_NUMBER: _ClassVar[int]
    DEAF_GATE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_UP_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    FAIL_FOR_GOOD_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    SNOOZE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    CRASH_FIELD_NUMBER: _ClassVar[int]
    sleep: _duration_pb2.Duration
    gate: str
    until_stopped: Done
    deaf_gate: str
    until_shutdown: Done
    block: _duration_pb2.Duration
    log: str
    progress: ReportProgress
    follow_up: NewJob
    parents: Done
    complete: Value
    fail: str
    fail_for_good: str
    retry_after: RetryAfter
    snooze: _duration_pb2.Duration
    release: Done
    stop: Done
    crash: str
    def __init__(self, sleep: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., gate: _Optional[str] = ..., until_stopped: _Optional[_Union[Done, _Mapping]] = ..., deaf_gate: _Optional[str] = ..., until_shutdown: _Optional[_Union[Done, _Mapping]] = ..., block: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., log: _Optional[str] = ..., progress: _Optional[_Union[ReportProgress, _Mapping]] = ..., follow_up: _Optional[_Union[NewJob, _Mapping]] = ..., parents: _Optional[_Union[Done, _Mapping]] = ..., complete: _Optional[_Union[Value, _Mapping]] = ..., fail: _Optional[str] = ..., fail_for_good: _Optional[str] = ..., retry_after: _Optional[_Union[RetryAfter, _Mapping]] = ..., snooze: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., release: _Optional[_Union[Done, _Mapping]] = ..., stop: _Optional[_Union[Done, _Mapping]] = ..., crash: _Optional[str] = ...) -> None: ...

class ReportProgress(_message.Message):
    __slots__ = ("percent", "message")
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    percent: float
    message: str
    def __init__(self, percent: _Optional[float] = ..., message: _Optional[str] = ...) -> None: ...

class RetryAfter(_message.Message):
    __slots__ = ("delay", "message")
    DELAY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    delay: _duration_pb2.Duration
    message: str
    def __init__(self, delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., message: _Optional[str] = ...) -> None: ...

class HandlerBegan(_message.Message):
    __slots__ = ("worker", "job_id", "queue", "name", "attempt", "failures", "crashes", "priority", "headers", "tags", "payload", "create_time", "deadline", "group", "schedule", "slot_time", "flow_id", "flow_node")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    CRASHES_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SLOT_TIME_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_NODE_FIELD_NUMBER: _ClassVar[int]
    worker: str
    job_id: str
    queue: str
    name: str
    attempt: int
    failures: int
    crashes: int
    priority: int
    headers: _containers.ScalarMap[str, str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    payload: Value
    create_time: _timestamp_pb2.Timestamp
    deadline: _timestamp_pb2.Timestamp
    group: str
    schedule: str
    slot_time: _timestamp_pb2.Timestamp
    flow_id: str
    flow_node: str
    def __init__(self, worker: _Optional[str] = ..., job_id: _Optional[str] = ..., queue: _Optional[str] = ..., name: _Optional[str] = ..., attempt: _Optional[int] = ..., failures: _Optional[int] = ..., crashes: _Optional[int] = ..., priority: _Optional[int] = ..., headers: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Iterable[str]] = ..., payload: _Optional[_Union[Value, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deadline: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., group: _Optional[str] = ..., schedule: _Optional[str] = ..., slot_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., flow_id: _Optional[str] = ..., flow_node: _Optional[str] = ...) -> None: ...

class HandlerStopped(_message.Message):
    __slots__ = ("worker", "job_id", "attempt", "cause")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    worker: str
    job_id: str
    attempt: int
    cause: str
    def __init__(self, worker: _Optional[str] = ..., job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., cause: _Optional[str] = ...) -> None: ...

class HandlerShutdown(_message.Message):
    __slots__ = ("worker", "job_id", "attempt")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    worker: str
    job_id: str
    attempt: int
    def __init__(self, worker: _Optional[str] = ..., job_id: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class HandlerEnded(_message.Message):
    __slots__ = ("worker", "job_id", "attempt", "by")
    WORKER_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    worker: str
    job_id: str
    attempt: int
    by: str
    def __init__(self, worker: _Optional[str] = ..., job_id: _Optional[str] = ..., attempt: _Optional[int] = ..., by: _Optional[str] = ...) -> None: ...

class LogRecord(_message.Message):
    __slots__ = ("level", "text")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    level: str
    text: str
    def __init__(self, level: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("kinds", "code", "reason", "message", "metadata", "request_id", "outcome_unknown", "retry_after", "fields", "job")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KINDS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[str]
    code: str
    reason: str
    message: str
    metadata: _containers.ScalarMap[str, str]
    request_id: str
    outcome_unknown: bool
    retry_after: _duration_pb2.Duration
    fields: _containers.RepeatedScalarFieldContainer[str]
    job: Job
    def __init__(self, kinds: _Optional[_Iterable[str]] = ..., code: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., outcome_unknown: _Optional[bool] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., fields: _Optional[_Iterable[str]] = ..., job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...
