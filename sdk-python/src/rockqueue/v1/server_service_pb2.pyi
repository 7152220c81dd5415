import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "capabilities", "limits", "server_time")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    version: str
    capabilities: Capabilities
    limits: Limits
    server_time: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[str] = ..., capabilities: _Optional[_Union[Capabilities, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., server_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ("work_stream", "pull_jobs", "unique_jobs", "watch_events", "follow_ups", "testing", "push_stream", "schedules", "flows", "groups", "rate_limits", "explain", "webhooks", "backups", "worker_health")
    WORK_STREAM_FIELD_NUMBER: _ClassVar[int]
    PULL_JOBS_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_JOBS_FIELD_NUMBER: _ClassVar[int]
    WATCH_EVENTS_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_UPS_FIELD_NUMBER: _ClassVar[int]
    TESTING_FIELD_NUMBER: _ClassVar[int]
    PUSH_STREAM_FIELD_NUMBER: _ClassVar[int]
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    FLOWS_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMITS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    WEBHOOKS_FIELD_NUMBER: _ClassVar[int]
    BACKUPS_FIELD_NUMBER: _ClassVar[int]
    WORKER_HEALTH_FIELD_NUMBER: _ClassVar[int]
    work_stream: bool
    pull_jobs: bool
    unique_jobs: bool
    watch_events: bool
    follow_ups: bool
    testing: bool
    push_stream: bool
    schedules: bool
    flows: bool
    groups: bool
    rate_limits: bool
    explain: bool
    webhooks: bool
    backups: bool
    worker_health: bool
    def __init__(self, work_stream: _Optional[bool] = ..., pull_jobs: _Optional[bool] = ..., unique_jobs: _Optional[bool] = ..., watch_events: _Optional[bool] = ..., follow_ups: _Optional[bool] = ..., testing: _Optional[bool] = ..., push_stream: _Optional[bool] = ..., schedules: _Optional[bool] = ..., flows: _Optional[bool] = ..., groups: _Optional[bool] = ..., rate_limits: _Optional[bool] = ..., explain: _Optional[bool] = ..., webhooks: _Optional[bool] = ..., backups: _Optional[bool] = ..., worker_health: _Optional[bool] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("payload_bytes", "batch_entries", "batch_bytes", "header_bytes", "tags", "min_lease", "max_lease", "max_delay", "attempts", "max_poll", "credits", "session_queues", "flow_jobs")
    PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    BATCH_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    HEADER_BYTES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    MIN_LEASE_FIELD_NUMBER: _ClassVar[int]
    MAX_LEASE_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    MAX_POLL_FIELD_NUMBER: _ClassVar[int]
    CREDITS_FIELD_NUMBER: _ClassVar[int]
    SESSION_QUEUES_FIELD_NUMBER: _ClassVar[int]
    FLOW_JOBS_FIELD_NUMBER: _ClassVar[int]
    payload_bytes: int
    batch_entries: int
    batch_bytes: int
    header_bytes: int
    tags: int
    min_lease: _duration_pb2.Duration
    max_lease: _duration_pb2.Duration
    max_delay: _duration_pb2.Duration
    attempts: int
    max_poll: _duration_pb2.Duration
    credits: int
    session_queues: int
    flow_jobs: int
    def __init__(self, payload_bytes: _Optional[int] = ..., batch_entries: _Optional[int] = ..., batch_bytes: _Optional[int] = ..., header_bytes: _Optional[int] = ..., tags: _Optional[int] = ..., min_lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempts: _Optional[int] = ..., max_poll: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., credits: _Optional[int] = ..., session_queues: _Optional[int] = ..., flow_jobs: _Optional[int] = ...) -> None: ...

class CreateBackupRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateBackupResponse(_message.Message):
    __slots__ = ("backup",)
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    backup: Backup
    def __init__(self, backup: _Optional[_Union[Backup, _Mapping]] = ...) -> None: ...

class ListBackupsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListBackupsResponse(_message.Message):
    __slots__ = ("backups",)
    BACKUPS_FIELD_NUMBER: _ClassVar[int]
    backups: _containers.RepeatedCompositeFieldContainer[Backup]
    def __init__(self, backups: _Optional[_Iterable[_Union[Backup, _Mapping]]] = ...) -> None: ...

class Backup(_message.Message):
    __slots__ = ("name", "path", "create_time", "commit", "size_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    path: str
    create_time: _timestamp_pb2.Timestamp
    commit: int
    size_bytes: int
    def __init__(self, name: _Optional[str] = ..., path: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., commit: _Optional[int] = ..., size_bytes: _Optional[int] = ...) -> None: ...
