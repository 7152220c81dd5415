"""What is on disk of groups: a record for each (column `group`) and its waiting jobs (column `gready`).

A record is there while its group has unfinished jobs, settings, or a bucket that is not full.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rockqueue_server.rules.rate import Level

_RECORD = struct.Struct(">QQQQIQ16s")
_LEVEL = struct.Struct(">QIQ")
_PREFIX = struct.Struct(">IQ")
_PS = 1_000_000
_NO_JOB = bytes(16)

PREFIX_BYTES = _PREFIX.size
SUFFIX_BYTES = 28
"""Priority, ready time and id: what a key of `gready` shares with one of `ready`."""


class GroupRecord(NamedTuple):
    """A group. `turn` is the job whose turn lasts until it is finished, empty if there is none."""

    number: int
    waiting: int
    jobs: int
    level: Level
    turn: bytes
    settings: bytes

    @property
    def shown(self) -> bool:
        """Whether callers see the group: it has unfinished jobs or settings."""
        return bool(self.jobs or self.settings)


def group_key(queue: int, key: str) -> bytes:
    """Key of column `group`: groups of a queue by their key."""
    return queue.to_bytes(4, "big") + key.encode()


def group_parts(key: bytes) -> tuple[int, str]:
    """Queue number, key."""
    return int.from_bytes(key[:4], "big"), key[4:].decode()


def pack_group(record: GroupRecord) -> bytes:
    """Value of column `group`."""
    full_us, rest_ps = divmod(record.level.full_ps, _PS)
    head = _RECORD.pack(
        record.number, record.waiting, record.jobs, full_us, rest_ps, record.level.interval_ps, record.turn or _NO_JOB
    )
    return head + record.settings


def unpack_group(value: bytes) -> GroupRecord:
    """The group."""
    number, waiting, jobs, full_us, rest_ps, interval_ps, turn = _RECORD.unpack_from(value)
    level = Level(full_us * _PS + rest_ps, interval_ps)
    return GroupRecord(number, waiting, jobs, level, turn if turn != _NO_JOB else b"", value[_RECORD.size :])


def pack_level(level: Level) -> bytes:
    """Value of a queue's `rate_key` in column `meta`."""
    return _LEVEL.pack(*divmod(level.full_ps, _PS), level.interval_ps)


def unpack_level(value: bytes) -> Level:
    """The level."""
    full_us, rest_ps, interval_ps = _LEVEL.unpack(value)
    return Level(full_us * _PS + rest_ps, interval_ps)


def rate_key(queue: int) -> bytes:
    """Key of the level of a queue's rate in column `meta`."""
    return b"rate" + queue.to_bytes(4, "big")


def ready_prefix(queue: int, number: int) -> bytes:
    """What the keys of a group's waiting jobs begin with."""
    return _PREFIX.pack(queue, number)


def ready_parts(key: bytes) -> tuple[int, int, bytes]:
    """Queue number, group number, job id of a key of `gready`."""
    queue, number = _PREFIX.unpack_from(key)
    return queue, number, key[24:]
