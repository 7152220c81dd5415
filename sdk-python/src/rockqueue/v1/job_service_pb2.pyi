import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rockqueue.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIST_ORDER_UNSPECIFIED: _ClassVar[ListOrder]
    LIST_ORDER_OLDEST_FIRST: _ClassVar[ListOrder]
    LIST_ORDER_NEWEST_FIRST: _ClassVar[ListOrder]

class ExplanationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPLANATION_KIND_UNSPECIFIED: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_FINISHED: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_RUNNING: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_CANCELLING: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_DELAYED: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_BLOCKED: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_QUEUE_PAUSED: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_QUEUE_MAX_ACTIVE: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_QUEUE_RATE: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_GROUP_MAX_ACTIVE: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_GROUP_RATE: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_NO_WORKER: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_WORKERS_BUSY: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_BEHIND: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_NEXT: _ClassVar[ExplanationKind]
    EXPLANATION_KIND_EMPTY: _ClassVar[ExplanationKind]
LIST_ORDER_UNSPECIFIED: ListOrder
LIST_ORDER_OLDEST_FIRST: ListOrder
LIST_ORDER_NEWEST_FIRST: ListOrder
EXPLANATION_KIND_UNSPECIFIED: ExplanationKind
EXPLANATION_KIND_FINISHED: ExplanationKind
EXPLANATION_KIND_RUNNING: ExplanationKind
EXPLANATION_KIND_CANCELLING: ExplanationKind
EXPLANATION_KIND_DELAYED: ExplanationKind
EXPLANATION_KIND_BLOCKED: ExplanationKind
EXPLANATION_KIND_QUEUE_PAUSED: ExplanationKind
EXPLANATION_KIND_QUEUE_MAX_ACTIVE: ExplanationKind
EXPLANATION_KIND_QUEUE_RATE: ExplanationKind
EXPLANATION_KIND_GROUP_MAX_ACTIVE: ExplanationKind
EXPLANATION_KIND_GROUP_RATE: ExplanationKind
EXPLANATION_KIND_NO_WORKER: ExplanationKind
EXPLANATION_KIND_WORKERS_BUSY: ExplanationKind
EXPLANATION_KIND_BEHIND: ExplanationKind
EXPLANATION_KIND_NEXT: ExplanationKind
EXPLANATION_KIND_EMPTY: ExplanationKind

class PushJobsRequest(_message.Message):
    __slots__ = ("request_id", "jobs", "durability")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    jobs: _containers.RepeatedCompositeFieldContainer[_job_pb2.JobSpec]
    durability: _job_pb2.Durability
    def __init__(self, request_id: _Optional[str] = ..., jobs: _Optional[_Iterable[_Union[_job_pb2.JobSpec, _Mapping]]] = ..., durability: _Optional[_Union[_job_pb2.Durability, str]] = ...) -> None: ...

class PushJobsResponse(_message.Message):
    __slots__ = ("jobs", "durability")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[PushedJob]
    durability: _job_pb2.Durability
    def __init__(self, jobs: _Optional[_Iterable[_Union[PushedJob, _Mapping]]] = ..., durability: _Optional[_Union[_job_pb2.Durability, str]] = ...) -> None: ...

class PushedJob(_message.Message):
    __slots__ = ("job_id", "existing", "replaced")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    existing: bool
    replaced: bool
    def __init__(self, job_id: _Optional[str] = ..., existing: _Optional[bool] = ..., replaced: _Optional[bool] = ...) -> None: ...

class StreamPushesRequest(_message.Message):
    __slots__ = ("sequence", "batch")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    batch: PushJobsRequest
    def __init__(self, sequence: _Optional[int] = ..., batch: _Optional[_Union[PushJobsRequest, _Mapping]] = ...) -> None: ...

class StreamPushesResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[PushOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[PushOutcome, _Mapping]]] = ...) -> None: ...

class PushOutcome(_message.Message):
    __slots__ = ("sequence", "failure", "answer")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    failure: EntryStatus
    answer: PushJobsResponse
    def __init__(self, sequence: _Optional[int] = ..., failure: _Optional[_Union[EntryStatus, _Mapping]] = ..., answer: _Optional[_Union[PushJobsResponse, _Mapping]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ...) -> None: ...

class GetJobLogsRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class GetJobLogsResponse(_message.Message):
    __slots__ = ("lines", "dropped")
    LINES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[_job_pb2.LogLine]
    dropped: int
    def __init__(self, lines: _Optional[_Iterable[_Union[_job_pb2.LogLine, _Mapping]]] = ..., dropped: _Optional[int] = ...) -> None: ...

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
    state: _job_pb2.JobState
    name: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    created_from: _timestamp_pb2.Timestamp
    created_before: _timestamp_pb2.Timestamp
    group: str
    flow_id: str
    schedule: str
    def __init__(self, queue: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., name: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., created_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., group: _Optional[str] = ..., flow_id: _Optional[str] = ..., schedule: _Optional[str] = ...) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ("filter", "order", "page_size", "page_token", "include_payload")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    filter: JobFilter
    order: ListOrder
    page_size: int
    page_token: str
    include_payload: bool
    def __init__(self, filter: _Optional[_Union[JobFilter, _Mapping]] = ..., order: _Optional[_Union[ListOrder, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., include_payload: _Optional[bool] = ...) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs", "next_page_token")
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[_job_pb2.Job]
    next_page_token: str
    def __init__(self, jobs: _Optional[_Iterable[_Union[_job_pb2.Job, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class JobIds(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class EntryFailure(_message.Message):
    __slots__ = ("index", "status")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    index: int
    status: EntryStatus
    def __init__(self, index: _Optional[int] = ..., status: _Optional[_Union[EntryStatus, _Mapping]] = ...) -> None: ...

class EntryStatus(_message.Message):
    __slots__ = ("code", "reason", "message", "metadata", "violations", "retry_delay")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    metadata: _containers.ScalarMap[str, str]
    violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    retry_delay: _duration_pb2.Duration
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class CancelJobsRequest(_message.Message):
    __slots__ = ("request_id", "jobs", "filter", "dry_run", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    jobs: JobIds
    filter: JobFilter
    dry_run: bool
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., jobs: _Optional[_Union[JobIds, _Mapping]] = ..., filter: _Optional[_Union[JobFilter, _Mapping]] = ..., dry_run: _Optional[bool] = ..., page_token: _Optional[str] = ...) -> None: ...

class CancelJobsResponse(_message.Message):
    __slots__ = ("affected", "failures", "more", "next_page_token", "examined")
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXAMINED_FIELD_NUMBER: _ClassVar[int]
    affected: int
    failures: _containers.RepeatedCompositeFieldContainer[EntryFailure]
    more: bool
    next_page_token: str
    examined: int
    def __init__(self, affected: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[EntryFailure, _Mapping]]] = ..., more: _Optional[bool] = ..., next_page_token: _Optional[str] = ..., examined: _Optional[int] = ...) -> None: ...

class RetryJobsRequest(_message.Message):
    __slots__ = ("request_id", "jobs", "filter", "dry_run", "queue", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    QUEUE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    jobs: JobIds
    filter: JobFilter
    dry_run: bool
    queue: str
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., jobs: _Optional[_Union[JobIds, _Mapping]] = ..., filter: _Optional[_Union[JobFilter, _Mapping]] = ..., dry_run: _Optional[bool] = ..., queue: _Optional[str] = ..., page_token: _Optional[str] = ...) -> None: ...

class RetryJobsResponse(_message.Message):
    __slots__ = ("affected", "failures", "more", "next_page_token", "examined")
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXAMINED_FIELD_NUMBER: _ClassVar[int]
    affected: int
    failures: _containers.RepeatedCompositeFieldContainer[EntryFailure]
    more: bool
    next_page_token: str
    examined: int
    def __init__(self, affected: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[EntryFailure, _Mapping]]] = ..., more: _Optional[bool] = ..., next_page_token: _Optional[str] = ..., examined: _Optional[int] = ...) -> None: ...

class DeleteJobsRequest(_message.Message):
    __slots__ = ("request_id", "jobs", "filter", "dry_run", "page_token")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    jobs: JobIds
    filter: JobFilter
    dry_run: bool
    page_token: str
    def __init__(self, request_id: _Optional[str] = ..., jobs: _Optional[_Union[JobIds, _Mapping]] = ..., filter: _Optional[_Union[JobFilter, _Mapping]] = ..., dry_run: _Optional[bool] = ..., page_token: _Optional[str] = ...) -> None: ...

class DeleteJobsResponse(_message.Message):
    __slots__ = ("affected", "failures", "more", "next_page_token", "examined")
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXAMINED_FIELD_NUMBER: _ClassVar[int]
    affected: int
    failures: _containers.RepeatedCompositeFieldContainer[EntryFailure]
    more: bool
    next_page_token: str
    examined: int
    def __init__(self, affected: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[EntryFailure, _Mapping]]] = ..., more: _Optional[bool] = ..., next_page_token: _Optional[str] = ..., examined: _Optional[int] = ...) -> None: ...

class WaitJobRequest(_message.Message):
    __slots__ = ("job_id", "timeout")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    timeout: _duration_pb2.Duration
    def __init__(self, job_id: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WaitJobResponse(_message.Message):
    __slots__ = ("job", "finished")
    JOB_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    job: _job_pb2.Job
    finished: bool
    def __init__(self, job: _Optional[_Union[_job_pb2.Job, _Mapping]] = ..., finished: _Optional[bool] = ...) -> None: ...

class ExplainJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class ExplainJobResponse(_message.Message):
    __slots__ = ("state", "reasons")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    state: _job_pb2.JobState
    reasons: _containers.RepeatedCompositeFieldContainer[Explanation]
    def __init__(self, state: _Optional[_Union[_job_pb2.JobState, str]] = ..., reasons: _Optional[_Iterable[_Union[Explanation, _Mapping]]] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("kind", "message", "until_time", "job_ids", "count", "worker")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    kind: ExplanationKind
    message: str
    until_time: _timestamp_pb2.Timestamp
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    count: int
    worker: str
    def __init__(self, kind: _Optional[_Union[ExplanationKind, str]] = ..., message: _Optional[str] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., job_ids: _Optional[_Iterable[str]] = ..., count: _Optional[int] = ..., worker: _Optional[str] = ...) -> None: ...
