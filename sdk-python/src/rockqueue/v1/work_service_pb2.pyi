import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rockqueue.v1 import job_pb2 as _job_pb2
from rockqueue.v1 import job_service_pb2 as _job_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CancelCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_CAUSE_UNSPECIFIED: _ClassVar[CancelCause]
    CANCEL_CAUSE_REQUESTED: _ClassVar[CancelCause]
    CANCEL_CAUSE_TIMEOUT: _ClassVar[CancelCause]
    CANCEL_CAUSE_LEASE_LOST: _ClassVar[CancelCause]

class WorkerState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WORKER_STATE_UNSPECIFIED: _ClassVar[WorkerState]
    WORKER_STATE_RUNNING: _ClassVar[WorkerState]
    WORKER_STATE_DRAINING: _ClassVar[WorkerState]
    WORKER_STATE_SILENT: _ClassVar[WorkerState]
    WORKER_STATE_AWAY: _ClassVar[WorkerState]
CANCEL_CAUSE_UNSPECIFIED: CancelCause
CANCEL_CAUSE_REQUESTED: CancelCause
CANCEL_CAUSE_TIMEOUT: CancelCause
CANCEL_CAUSE_LEASE_LOST: CancelCause
WORKER_STATE_UNSPECIFIED: WorkerState
WORKER_STATE_RUNNING: WorkerState
WORKER_STATE_DRAINING: WorkerState
WORKER_STATE_SILENT: WorkerState
WORKER_STATE_AWAY: WorkerState

class WorkRequest(_message.Message):
    __slots__ = ("open", "credits", "settlements", "heartbeat", "reports", "drain", "goodbye")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENTS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    open: OpenSession
    credits: AddCredits
    settlements: Settlements
    heartbeat: Heartbeat
    reports: JobReports
    drain: Drain
    goodbye: Goodbye
    def __init__(self, open: _Optional[_Union[OpenSession, _Mapping]] = ..., credits: _Optional[_Union[AddCredits, _Mapping]] = ..., settlements: _Optional[_Union[Settlements, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., reports: _Optional[_Union[JobReports, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class WorkResponse(_message.Message):
    __slots__ = ("opened", "deliveries", "settled", "heartbeat", "cancels", "drain")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    opened: SessionOpened
    deliveries: Deliveries
    settled: SettlementResults
    heartbeat: HeartbeatReply
    cancels: CancelRequests
    drain: Drain
    def __init__(self, opened: _Optional[_Union[SessionOpened, _Mapping]] = ..., deliveries: _Optional[_Union[Deliveries, _Mapping]] = ..., settled: _Optional[_Union[SettlementResults, _Mapping]] = ..., heartbeat: _Optional[_Union[HeartbeatReply, _Mapping]] = ..., cancels: _Optional[_Union[CancelRequests, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ...) -> None: ...

class OpenSession(_message.Message):
    __slots__ = ("queues", "worker", "session_id", "held_leases", "lease", "resume_grace", "client", "host", "pid")
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    HELD_LEASES_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    RESUME_GRACE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedScalarFieldContainer[str]
    worker: str
    session_id: str
    held_leases: _containers.RepeatedScalarFieldContainer[bytes]
    lease: _duration_pb2.Duration
    resume_grace: _duration_pb2.Duration
    client: str
    host: str
    pid: int
    def __init__(self, queues: _Optional[_Iterable[str]] = ..., worker: _Optional[str] = ..., session_id: _Optional[str] = ..., held_leases: _Optional[_Iterable[bytes]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., client: _Optional[str] = ..., host: _Optional[str] = ..., pid: _Optional[int] = ...) -> None: ...

class SessionOpened(_message.Message):
    __slots__ = ("session_id", "resumed", "heartbeat_interval", "resume_grace", "lost_leases")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    RESUME_GRACE_FIELD_NUMBER: _ClassVar[int]
    LOST_LEASES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resumed: bool
    heartbeat_interval: _duration_pb2.Duration
    resume_grace: _duration_pb2.Duration
    lost_leases: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, session_id: _Optional[str] = ..., resumed: _Optional[bool] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resume_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lost_leases: _Optional[_Iterable[bytes]] = ...) -> None: ...

class AddCredits(_message.Message):
    __slots__ = ("credits",)
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    credits: int
    def __init__(self, credits: _Optional[int] = ...) -> None: ...

class Deliveries(_message.Message):
    __slots__ = ("deliveries",)
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("job_id", "lease_token", "lease", "attempt", "spec", "create_time", "failures", "crashes")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    CRASHES_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    lease_token: bytes
    lease: _duration_pb2.Duration
    attempt: int
    spec: _job_pb2.JobSpec
    create_time: _timestamp_pb2.Timestamp
    failures: int
    crashes: int
    def __init__(self, job_id: _Optional[str] = ..., lease_token: _Optional[bytes] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempt: _Optional[int] = ..., spec: _Optional[_Union[_job_pb2.JobSpec, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failures: _Optional[int] = ..., crashes: _Optional[int] = ...) -> None: ...

class Settlements(_message.Message):
    __slots__ = ("sequence", "settlements", "credits")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENTS_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    settlements: _containers.RepeatedCompositeFieldContainer[Settlement]
    credits: int
    def __init__(self, sequence: _Optional[int] = ..., settlements: _Optional[_Iterable[_Union[Settlement, _Mapping]]] = ..., credits: _Optional[int] = ...) -> None: ...

class Settlement(_message.Message):
    __slots__ = ("lease_token", "complete", "fail", "snooze", "release", "cancelled")
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    SNOOZE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    lease_token: bytes
    complete: Complete
    fail: Fail
    snooze: Snooze
    release: Release
    cancelled: Cancelled
    def __init__(self, lease_token: _Optional[bytes] = ..., complete: _Optional[_Union[Complete, _Mapping]] = ..., fail: _Optional[_Union[Fail, _Mapping]] = ..., snooze: _Optional[_Union[Snooze, _Mapping]] = ..., release: _Optional[_Union[Release, _Mapping]] = ..., cancelled: _Optional[_Union[Cancelled, _Mapping]] = ...) -> None: ...

class Complete(_message.Message):
    __slots__ = ("result", "result_content_type", "follow_ups")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESULT_CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_UPS_FIELD_NUMBER: _ClassVar[int]
    result: bytes
    result_content_type: str
    follow_ups: _containers.RepeatedCompositeFieldContainer[_job_pb2.JobSpec]
    def __init__(self, result: _Optional[bytes] = ..., result_content_type: _Optional[str] = ..., follow_ups: _Optional[_Iterable[_Union[_job_pb2.JobSpec, _Mapping]]] = ...) -> None: ...

class Fail(_message.Message):
    __slots__ = ("error", "retry_delay", "never")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    NEVER_FIELD_NUMBER: _ClassVar[int]
    error: _job_pb2.JobError
    retry_delay: _duration_pb2.Duration
    never: bool
    def __init__(self, error: _Optional[_Union[_job_pb2.JobError, _Mapping]] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., never: _Optional[bool] = ...) -> None: ...

class Snooze(_message.Message):
    __slots__ = ("delay",)
    DELAY_FIELD_NUMBER: _ClassVar[int]
    delay: _duration_pb2.Duration
    def __init__(self, delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Release(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Cancelled(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SettlementResults(_message.Message):
    __slots__ = ("sequence", "failures")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    failures: _containers.RepeatedCompositeFieldContainer[_job_service_pb2.EntryFailure]
    def __init__(self, sequence: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[_job_service_pb2.EntryFailure, _Mapping]]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("sequence", "loop_lag", "stuck_leases")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LOOP_LAG_FIELD_NUMBER: _ClassVar[int]
    STUCK_LEASES_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    loop_lag: _duration_pb2.Duration
    stuck_leases: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, sequence: _Optional[int] = ..., loop_lag: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., stuck_leases: _Optional[_Iterable[bytes]] = ...) -> None: ...

class HeartbeatReply(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class JobReports(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[JobReport]
    def __init__(self, reports: _Optional[_Iterable[_Union[JobReport, _Mapping]]] = ...) -> None: ...

class JobReport(_message.Message):
    __slots__ = ("lease_token", "percent", "message", "log_lines")
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PERCENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LOG_LINES_FIELD_NUMBER: _ClassVar[int]
    lease_token: bytes
    percent: float
    message: str
    log_lines: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lease_token: _Optional[bytes] = ..., percent: _Optional[float] = ..., message: _Optional[str] = ..., log_lines: _Optional[_Iterable[str]] = ...) -> None: ...

class CancelRequests(_message.Message):
    __slots__ = ("cancels",)
    CANCELS_FIELD_NUMBER: _ClassVar[int]
    cancels: _containers.RepeatedCompositeFieldContainer[CancelRequest]
    def __init__(self, cancels: _Optional[_Iterable[_Union[CancelRequest, _Mapping]]] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("lease_token", "job_id", "cause", "grace")
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    GRACE_FIELD_NUMBER: _ClassVar[int]
    lease_token: bytes
    job_id: str
    cause: CancelCause
    grace: _duration_pb2.Duration
    def __init__(self, lease_token: _Optional[bytes] = ..., job_id: _Optional[str] = ..., cause: _Optional[_Union[CancelCause, str]] = ..., grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PullJobsRequest(_message.Message):
    __slots__ = ("queues", "worker", "max_jobs", "timeout", "lease")
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    MAX_JOBS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    queues: _containers.RepeatedScalarFieldContainer[str]
    worker: str
    max_jobs: int
    timeout: _duration_pb2.Duration
    lease: _duration_pb2.Duration
    def __init__(self, queues: _Optional[_Iterable[str]] = ..., worker: _Optional[str] = ..., max_jobs: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PullJobsResponse(_message.Message):
    __slots__ = ("deliveries",)
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[Delivery]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[Delivery, _Mapping]]] = ...) -> None: ...

class SettleJobsRequest(_message.Message):
    __slots__ = ("settlements",)
    SETTLEMENTS_FIELD_NUMBER: _ClassVar[int]
    settlements: _containers.RepeatedCompositeFieldContainer[Settlement]
    def __init__(self, settlements: _Optional[_Iterable[_Union[Settlement, _Mapping]]] = ...) -> None: ...

class SettleJobsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_job_service_pb2.EntryStatus]
    def __init__(self, results: _Optional[_Iterable[_Union[_job_service_pb2.EntryStatus, _Mapping]]] = ...) -> None: ...

class ExtendLeasesRequest(_message.Message):
    __slots__ = ("lease_tokens", "lease", "reports")
    LEASE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    lease_tokens: _containers.RepeatedScalarFieldContainer[bytes]
    lease: _duration_pb2.Duration
    reports: _containers.RepeatedCompositeFieldContainer[JobReport]
    def __init__(self, lease_tokens: _Optional[_Iterable[bytes]] = ..., lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., reports: _Optional[_Iterable[_Union[JobReport, _Mapping]]] = ...) -> None: ...

class ExtendLeasesResponse(_message.Message):
    __slots__ = ("leases",)
    LEASES_FIELD_NUMBER: _ClassVar[int]
    leases: _containers.RepeatedCompositeFieldContainer[LeaseExtension]
    def __init__(self, leases: _Optional[_Iterable[_Union[LeaseExtension, _Mapping]]] = ...) -> None: ...

class LeaseExtension(_message.Message):
    __slots__ = ("status", "cancel_requested")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    status: _job_service_pb2.EntryStatus
    cancel_requested: bool
    def __init__(self, status: _Optional[_Union[_job_service_pb2.EntryStatus, _Mapping]] = ..., cancel_requested: _Optional[bool] = ...) -> None: ...

class ListWorkersRequest(_message.Message):
    __slots__ = ("queue", "page_size", "page_token")
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    queue: str
    page_size: int
    page_token: str
    def __init__(self, queue: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListWorkersResponse(_message.Message):
    __slots__ = ("workers", "next_page_token")
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    workers: _containers.RepeatedCompositeFieldContainer[Worker]
    next_page_token: str
    def __init__(self, workers: _Optional[_Iterable[_Union[Worker, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Worker(_message.Message):
    __slots__ = ("session_id", "name", "state", "queues", "client", "host", "pid", "join_time", "last_heard_time", "active", "credits", "loop_lag", "stuck_job_ids")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    QUEUES_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    JOIN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARD_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    LOOP_LAG_FIELD_NUMBER: _ClassVar[int]
    STUCK_JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    state: WorkerState
    queues: _containers.RepeatedScalarFieldContainer[str]
    client: str
    host: str
    pid: int
    join_time: _timestamp_pb2.Timestamp
    last_heard_time: _timestamp_pb2.Timestamp
    active: int
    credits: int
    loop_lag: _duration_pb2.Duration
    stuck_job_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[WorkerState, str]] = ..., queues: _Optional[_Iterable[str]] = ..., client: _Optional[str] = ..., host: _Optional[str] = ..., pid: _Optional[int] = ..., join_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_heard_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., active: _Optional[int] = ..., credits: _Optional[int] = ..., loop_lag: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., stuck_job_ids: _Optional[_Iterable[str]] = ...) -> None: ...
