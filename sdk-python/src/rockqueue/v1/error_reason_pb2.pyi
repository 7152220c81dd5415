from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_FIELD: _ClassVar[ErrorReason]
    ERROR_REASON_LIMIT_EXCEEDED: _ClassVar[ErrorReason]
    ERROR_REASON_REQUEST_ID_REUSED: _ClassVar[ErrorReason]
    ERROR_REASON_JOB_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_QUEUE_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_STATE: _ClassVar[ErrorReason]
    ERROR_REASON_LEASE_LOST: _ClassVar[ErrorReason]
    ERROR_REASON_UNIQUE_CONFLICT: _ClassVar[ErrorReason]
    ERROR_REASON_QUEUE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_STORAGE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_OVERLOADED: _ClassVar[ErrorReason]
    ERROR_REASON_CURSOR_EXPIRED: _ClassVar[ErrorReason]
    ERROR_REASON_SHUTTING_DOWN: _ClassVar[ErrorReason]
    ERROR_REASON_STORAGE_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_PROTOCOL_VIOLATION: _ClassVar[ErrorReason]
    ERROR_REASON_SESSION_TAKEN: _ClassVar[ErrorReason]
    ERROR_REASON_SLOW_READER: _ClassVar[ErrorReason]
    ERROR_REASON_SCHEDULE_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_FLOW_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_FLOW_CYCLE: _ClassVar[ErrorReason]
    ERROR_REASON_WEBHOOK_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_WEBHOOK_DELIVERY_NOT_FOUND: _ClassVar[ErrorReason]
    ERROR_REASON_BACKUP_EXISTS: _ClassVar[ErrorReason]
    ERROR_REASON_BACKUPS_OFF: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_FIELD: ErrorReason
ERROR_REASON_LIMIT_EXCEEDED: ErrorReason
ERROR_REASON_REQUEST_ID_REUSED: ErrorReason
ERROR_REASON_JOB_NOT_FOUND: ErrorReason
ERROR_REASON_QUEUE_NOT_FOUND: ErrorReason
ERROR_REASON_INVALID_STATE: ErrorReason
ERROR_REASON_LEASE_LOST: ErrorReason
ERROR_REASON_UNIQUE_CONFLICT: ErrorReason
ERROR_REASON_QUEUE_FULL: ErrorReason
ERROR_REASON_STORAGE_FULL: ErrorReason
ERROR_REASON_OVERLOADED: ErrorReason
ERROR_REASON_CURSOR_EXPIRED: ErrorReason
ERROR_REASON_SHUTTING_DOWN: ErrorReason
ERROR_REASON_STORAGE_FAILED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_PROTOCOL_VIOLATION: ErrorReason
ERROR_REASON_SESSION_TAKEN: ErrorReason
ERROR_REASON_SLOW_READER: ErrorReason
ERROR_REASON_SCHEDULE_NOT_FOUND: ErrorReason
ERROR_REASON_FLOW_NOT_FOUND: ErrorReason
ERROR_REASON_FLOW_CYCLE: ErrorReason
ERROR_REASON_WEBHOOK_NOT_FOUND: ErrorReason
ERROR_REASON_WEBHOOK_DELIVERY_NOT_FOUND: ErrorReason
ERROR_REASON_BACKUP_EXISTS: ErrorReason
ERROR_REASON_BACKUPS_OFF: ErrorReason
