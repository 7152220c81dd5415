"""The keys of the columns: how order on disk says order of delivery, of time, of creation."""

from __future__ import annotations

import struct

_READY = struct.Struct(">IIQ")
_DELAYED = struct.Struct(">IQ")
_DONE = struct.Struct(">IB")
_TIMER = struct.Struct(">QB")
_QUEUE = struct.Struct(">I")

ID_BYTES = 16
END = b"\xff" * 48
"""Greater than every key."""
_HIGHEST_PRIORITY = (1 << 31) - 1


def ready_key(queue: int, priority: int, ready_us: int, job_id: bytes) -> bytes:
    """Order of delivery within a queue: higher priority, earlier ready time, earlier push."""
    return ready_prefix(queue, priority, ready_us) + job_id


def ready_prefix(queue: int, priority: int, ready_us: int) -> bytes:
    """What stands before the job id in a `ready_key`."""
    return _READY.pack(queue, _HIGHEST_PRIORITY - priority, ready_us)


def ready_parts(key: bytes) -> tuple[int, int, int, bytes]:
    """Queue number, priority, ready time in microseconds, job id."""
    queue, inverted, ready_us = _READY.unpack_from(key)
    return queue, _HIGHEST_PRIORITY - inverted, ready_us, key[16:]


def delayed_key(queue: int, due_us: int, job_id: bytes) -> bytes:
    """Order of due times within a queue."""
    return _DELAYED.pack(queue, due_us) + job_id


def delayed_parts(key: bytes) -> tuple[int, int, bytes]:
    """Queue number, due time in microseconds, job id."""
    queue, due_us = _DELAYED.unpack_from(key)
    return queue, due_us, key[12:]


def done_key(queue: int, state: int, job_id: bytes) -> bytes:
    """Finished jobs of a queue and state by creation."""
    return _DONE.pack(queue, state) + job_id


def done_parts(key: bytes) -> tuple[int, int, bytes]:
    """Queue number, state, job id."""
    queue, state = _DONE.unpack_from(key)
    return queue, state, key[5:]


def tag_prefix(tag: str) -> bytes:
    """What stands before the job id in a `tag_key`. A tag cannot hold the NUL that ends it."""
    return tag.encode() + b"\x00"


def tag_key(tag: str, job_id: bytes) -> bytes:
    """Jobs with a tag by creation."""
    return tag_prefix(tag) + job_id


def timer_key(due_us: int, kind: int, rest: bytes) -> bytes:
    """What is due first comes first."""
    return _TIMER.pack(due_us, kind) + rest


def timer_parts(key: bytes) -> tuple[int, int, bytes]:
    """Due time in microseconds, kind, the rest."""
    due_us, kind = _TIMER.unpack_from(key)
    return due_us, kind, key[9:]


def queue_range(queue: int) -> tuple[bytes, bytes]:
    """Bounds of everything that begins with a queue's number."""
    return _QUEUE.pack(queue), _QUEUE.pack(queue + 1)


def after(key: bytes) -> bytes:
    """The lowest key above `key`."""
    return key + b"\x00"
