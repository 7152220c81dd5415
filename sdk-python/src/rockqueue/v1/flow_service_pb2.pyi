import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rockqueue.v1 import job_pb2 as _job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ParentFailurePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARENT_FAILURE_POLICY_UNSPECIFIED: _ClassVar[ParentFailurePolicy]
    PARENT_FAILURE_POLICY_CASCADE: _ClassVar[ParentFailurePolicy]
    PARENT_FAILURE_POLICY_CANCEL: _ClassVar[ParentFailurePolicy]
    PARENT_FAILURE_POLICY_IGNORE: _ClassVar[ParentFailurePolicy]

class FlowState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLOW_STATE_UNSPECIFIED: _ClassVar[FlowState]
    FLOW_STATE_RUNNING: _ClassVar[FlowState]
    FLOW_STATE_COMPLETED: _ClassVar[FlowState]
    FLOW_STATE_FAILED: _ClassVar[FlowState]
    FLOW_STATE_CANCELLED: _ClassVar[FlowState]
PARENT_FAILURE_POLICY_UNSPECIFIED: ParentFailurePolicy
PARENT_FAILURE_POLICY_CASCADE: ParentFailurePolicy
PARENT_FAILURE_POLICY_CANCEL: ParentFailurePolicy
PARENT_FAILURE_POLICY_IGNORE: ParentFailurePolicy
FLOW_STATE_UNSPECIFIED: FlowState
FLOW_STATE_RUNNING: FlowState
FLOW_STATE_COMPLETED: FlowState
FLOW_STATE_FAILED: FlowState
FLOW_STATE_CANCELLED: FlowState

class FlowNode(_message.Message):
    __slots__ = ("name", "job", "parents")
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    job: _job_pb2.JobSpec
    parents: _containers.RepeatedCompositeFieldContainer[FlowEdge]
    def __init__(self, name: _Optional[str] = ..., job: _Optional[_Union[_job_pb2.JobSpec, _Mapping]] = ..., parents: _Optional[_Iterable[_Union[FlowEdge, _Mapping]]] = ...) -> None: ...

class FlowEdge(_message.Message):
    __slots__ = ("node", "job_id", "on_failure")
    NODE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    node: str
    job_id: str
    on_failure: ParentFailurePolicy
    def __init__(self, node: _Optional[str] = ..., job_id: _Optional[str] = ..., on_failure: _Optional[_Union[ParentFailurePolicy, str]] = ...) -> None: ...

class PushFlowRequest(_message.Message):
    __slots__ = ("request_id", "name", "nodes", "on_parent_failure", "durability")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    ON_PARENT_FAILURE_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    nodes: _containers.RepeatedCompositeFieldContainer[FlowNode]
    on_parent_failure: ParentFailurePolicy
    durability: _job_pb2.Durability
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[FlowNode, _Mapping]]] = ..., on_parent_failure: _Optional[_Union[ParentFailurePolicy, str]] = ..., durability: _Optional[_Union[_job_pb2.Durability, str]] = ...) -> None: ...

class PushFlowResponse(_message.Message):
    __slots__ = ("flow_id", "job_ids", "durability")
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    JOB_IDS_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    flow_id: str
    job_ids: _containers.RepeatedScalarFieldContainer[str]
    durability: _job_pb2.Durability
    def __init__(self, flow_id: _Optional[str] = ..., job_ids: _Optional[_Iterable[str]] = ..., durability: _Optional[_Union[_job_pb2.Durability, str]] = ...) -> None: ...

class Flow(_message.Message):
    __slots__ = ("id", "name", "state", "jobs", "completed", "dead", "cancelled", "create_time", "finish_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    DEAD_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    FINISH_TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    state: FlowState
    jobs: int
    completed: int
    dead: int
    cancelled: int
    create_time: _timestamp_pb2.Timestamp
    finish_time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., state: _Optional[_Union[FlowState, str]] = ..., jobs: _Optional[int] = ..., completed: _Optional[int] = ..., dead: _Optional[int] = ..., cancelled: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finish_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FlowJob(_message.Message):
    __slots__ = ("node", "job_id", "state", "dead_reason", "parents")
    NODE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DEAD_REASON_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    node: str
    job_id: str
    state: _job_pb2.JobState
    dead_reason: _job_pb2.DeadReason
    parents: _containers.RepeatedCompositeFieldContainer[FlowEdge]
    def __init__(self, node: _Optional[str] = ..., job_id: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., dead_reason: _Optional[_Union[_job_pb2.DeadReason, str]] = ..., parents: _Optional[_Iterable[_Union[FlowEdge, _Mapping]]] = ...) -> None: ...

class GetFlowRequest(_message.Message):
    __slots__ = ("flow_id", "page_size", "page_token")
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flow_id: str
    page_size: int
    page_token: str
    def __init__(self, flow_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetFlowResponse(_message.Message):
    __slots__ = ("flow", "jobs", "next_page_token")
    FLOW_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flow: Flow
    jobs: _containers.RepeatedCompositeFieldContainer[FlowJob]
    next_page_token: str
    def __init__(self, flow: _Optional[_Union[Flow, _Mapping]] = ..., jobs: _Optional[_Iterable[_Union[FlowJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListFlowsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "state", "name")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    state: FlowState
    name: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., state: _Optional[_Union[FlowState, str]] = ..., name: _Optional[str] = ...) -> None: ...

class ListFlowsResponse(_message.Message):
    __slots__ = ("flows", "next_page_token")
    FLOWS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flows: _containers.RepeatedCompositeFieldContainer[Flow]
    next_page_token: str
    def __init__(self, flows: _Optional[_Iterable[_Union[Flow, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelFlowRequest(_message.Message):
    __slots__ = ("request_id", "flow_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    flow_id: str
    def __init__(self, request_id: _Optional[str] = ..., flow_id: _Optional[str] = ...) -> None: ...

class CancelFlowResponse(_message.Message):
    __slots__ = ("flow", "affected")
    FLOW_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    flow: Flow
    affected: int
    def __init__(self, flow: _Optional[_Union[Flow, _Mapping]] = ..., affected: _Optional[int] = ...) -> None: ...

class RetryFlowRequest(_message.Message):
    __slots__ = ("request_id", "flow_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FLOW_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    flow_id: str
    def __init__(self, request_id: _Optional[str] = ..., flow_id: _Optional[str] = ...) -> None: ...

class RetryFlowResponse(_message.Message):
    __slots__ = ("flow", "affected")
    FLOW_FIELD_NUMBER: _ClassVar[int]
    AFFECTED_FIELD_NUMBER: _ClassVar[int]
    flow: Flow
    affected: int
    def __init__(self, flow: _Optional[_Union[Flow, _Mapping]] = ..., affected: _Optional[int] = ...) -> None: ...

class ListParentsRequest(_message.Message):
    __slots__ = ("job_id", "page_size", "page_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    page_size: int
    page_token: str
    def __init__(self, job_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListParentsResponse(_message.Message):
    __slots__ = ("parents", "next_page_token")
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parents: _containers.RepeatedCompositeFieldContainer[ParentJob]
    next_page_token: str
    def __init__(self, parents: _Optional[_Iterable[_Union[ParentJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ParentJob(_message.Message):
    __slots__ = ("node", "job_id", "state", "result", "result_content_type")
    NODE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    RESULT_CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    node: str
    job_id: str
    state: _job_pb2.JobState
    result: bytes
    result_content_type: str
    def __init__(self, node: _Optional[str] = ..., job_id: _Optional[str] = ..., state: _Optional[_Union[_job_pb2.JobState, str]] = ..., result: _Optional[bytes] = ..., result_content_type: _Optional[str] = ...) -> None: ...
