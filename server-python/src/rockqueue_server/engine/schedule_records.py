"""What column `schedules` holds.

By the first byte of the key:

s name              the ScheduleSpec as it was put
n name              how far it has come: what changes with each slot, so that a big job is not written anew each time
d due time, name    nothing; the key is when to look at the schedule next
j name NUL job id   nothing; a job of the schedule that is not finished
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rockqueue.v1 import schedule_service_pb2
from rockqueue_server.contract.times import timestamp

_STATE = struct.Struct(">Q16sB")
_DUE = struct.Struct(">Q")
_NO_ID = bytes(16)
COUNT_KEY = b"schedules"
"""In column `meta`: how many schedules there are."""
SPECS, STATES, DUES, JOBS = b"s", b"n", b"d", b"j"


@dataclass(slots=True)
class ScheduleState:
    """How far a schedule has come."""

    name: str
    shown: schedule_service_pb2.Schedule
    """As callers see it, without its spec."""
    due_us: int = 0
    """When to look at it next: its next slot with jitter. 0: never."""
    jobs_from: bytes = _NO_ID
    """No job of it below this id is unfinished: a look for the first one need not pass those that are gone."""
    queued_trigger: bool = False
    """What waits for an earlier job is no slot: TriggerSchedule asked for it."""

    @property
    def next_us(self) -> int:
        """Its next slot, 0 for none."""
        return self.shown.next_time.ToMicroseconds() if self.shown.HasField("next_time") else 0

    @property
    def queued_us(self) -> int:
        """The slot that waits for an earlier job, 0 for none."""
        return self.shown.queued_slot_time.ToMicroseconds() if self.shown.HasField("queued_slot_time") else 0

    def set_next(self, slot_us: int | None, due_us: int) -> None:
        """Its next slot, None for no more, and when that fires."""
        self.shown.ClearField("next_time")
        self.due_us = 0
        if slot_us is not None:
            self.shown.next_time.CopyFrom(timestamp(slot_us))
            self.due_us = due_us

    def set_queued(self, slot_us: int, *, trigger: bool = False) -> None:
        """What waits for an earlier job, 0 for nothing."""
        self.shown.ClearField("queued_slot_time")
        self.queued_trigger = trigger
        if slot_us:
            self.shown.queued_slot_time.CopyFrom(timestamp(slot_us))


def pack_state(state: ScheduleState) -> bytes:
    """Value of a key that begins with `n`."""
    return _STATE.pack(state.due_us, state.jobs_from, state.queued_trigger) + state.shown.SerializeToString()


def unpack_state(name: str, value: bytes) -> ScheduleState:
    """The state."""
    due_us, jobs_from, queued_trigger = _STATE.unpack_from(value)
    shown = schedule_service_pb2.Schedule.FromString(value[_STATE.size :])
    return ScheduleState(name, shown, due_us, jobs_from, bool(queued_trigger))


def spec_key(name: str) -> bytes:
    """Where the spec is."""
    return SPECS + name.encode()


def state_key(name: str) -> bytes:
    """Where the state is."""
    return STATES + name.encode()


def due_key(due_us: int, name: str = "") -> bytes:
    """What is due first comes first."""
    return DUES + _DUE.pack(due_us) + name.encode()


def due_parts(key: bytes) -> tuple[int, str]:
    """Due time and name."""
    return _DUE.unpack_from(key, 1)[0], key[9:].decode()


def job_key(name: str, job_id: bytes) -> bytes:
    """An unfinished job. No name holds the NUL that ends it."""
    return JOBS + name.encode() + b"\x00" + job_id


def job_parts(key: bytes) -> tuple[str, bytes]:
    """Name of the schedule, and job."""
    return key[1:-17].decode(), key[-16:]
