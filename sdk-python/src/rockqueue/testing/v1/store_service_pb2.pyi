from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class VerifyStoreRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class VerifyStoreResponse(_message.Message):
    __slots__ = ("problems", "jobs")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedScalarFieldContainer[str]
    jobs: int
    def __init__(self, problems: _Optional[_Iterable[str]] = ..., jobs: _Optional[int] = ...) -> None: ...
