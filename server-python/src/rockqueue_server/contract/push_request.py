"""A PushJobsRequest as the server reads it: mostly without building a message for each job.

Jobs that were pushed before are pushed again and again, with other payloads. The serialised spec of a job is its head
(queue and name), its payload, and its tail (all other fields). Heads and tails that passed the whole check of
`admission` are remembered; a spec that is put together from a known head and a known tail needs no other look than at
the length of its payload. A request with anything else in it is read as a message.

What holds for all jobs with a tail may not depend on the time of the push or on other jobs: tails with a start time, an
expiry or a unique key are never learned. Nor are those with a group: there may be as many of them as jobs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import EXPIRES, GROUP, UNIQUE, Admitted
from rockqueue_server.contract.opaque import opaque

# Fields of JobSpec with their wire types.
_QUEUE, _NAME, _PAYLOAD = 0x0A, 0x12, 0x1A
_ONE_BYTE = 1 << 7
"""From this length on, a length takes more than a byte."""

_MOST_LEARNED = 4096
_LONGEST_TAIL = 512
_NOT_LEARNED = UNIQUE | EXPIRES | GROUP
_DURABILITIES = frozenset(job_pb2.Durability.values())
_NO_SPEC = b"\xff"
"""No spec begins with this."""

V = TypeVar("V")

_OpaqueRequest = opaque(job_service_pb2.PushJobsRequest)
_heads: dict[bytes, tuple[str, str]] = {}
_tails: dict[bytes, tuple[int, int]] = {}


class Run(NamedTuple):
    """Jobs of one push that follow each other and differ in nothing but their payloads. `specs` are serialised."""

    queue: str
    name: str
    priority: int
    flags: int
    specs: list[bytes]


@dataclass(slots=True)
class PushRequest:
    """A request that was received. `runs` is empty for one that has to be read from `message`."""

    raw: bytes
    request_id: str = ""
    durability: int = 0
    count: int = 0
    runs: list[Run] = field(default_factory=list[Run])
    _message: job_service_pb2.PushJobsRequest | None = None

    @classmethod
    def parse(cls, raw: bytes) -> PushRequest:
        """Reads a serialised PushJobsRequest. Raises DecodeError."""
        request = _OpaqueRequest.FromString(raw)
        count = len(request.jobs)
        if 0 < count <= limits.BATCH_ENTRIES and request.durability in _DURABILITIES:
            runs = _runs_of(list(request.jobs))
            if runs:
                return cls(raw, request.request_id, request.durability, count, runs)
        return cls(raw, _message=job_service_pb2.PushJobsRequest.FromString(raw))

    @property
    def message(self) -> job_service_pb2.PushJobsRequest:
        """The request as a message."""
        if self._message is None:
            self._message = job_service_pb2.PushJobsRequest.FromString(self.raw)
        return self._message


def learn(job: Admitted) -> None:
    """Remembers head and tail of a job that passed the whole check."""
    if not job.flags & _NOT_LEARNED and not job.run_us:
        head, tail = _parted(job.spec)
        if head and len(tail) <= _LONGEST_TAIL:
            _keep(_heads, head, (job.queue, job.name))
            _keep(_tails, tail, (job.priority, job.flags))


def _keep(known: dict[bytes, V], key: bytes, value: V) -> None:
    if len(known) >= _MOST_LEARNED:
        known.clear()
    known[key] = value


def _runs_of(specs: list[bytes]) -> list[Run]:
    """The runs of a batch; none when one of its jobs is not known.

    This is done for every job that is pushed. While jobs are alike, the length of a spec says how it must begin, up to
    its payload, and how it must end is the same for all.
    """
    runs: list[Run] = []
    head = tail = start = b""
    size = 0
    alike: list[bytes] = []
    for spec in specs:
        if len(spec) != size:
            size = len(spec)
            start = _start_of(head, size - len(tail))
        if not alike or not spec.startswith(start) or not spec.endswith(tail):
            head, tail = _parted(spec)
            names, kind = _heads.get(head), _tails.get(tail)
            start = _start_of(head, size - len(tail))
            if names is None or kind is None or not spec.startswith(start):
                return []
            alike = []
            runs.append(Run(*names, *kind, alike))
        alike.append(spec)
    return runs


def _start_of(head: bytes, end: int) -> bytes:
    """What a spec begins with that has this head, and whose payload ends at `end`."""
    room = end - len(head)
    if not room:
        return head
    for length_bytes in (1, 2, 3):
        payload_bytes = room - 1 - length_bytes
        if 0 < payload_bytes <= limits.PAYLOAD_BYTES:
            length = _varint(payload_bytes)
            if len(length) == length_bytes:
                return head + bytes((_PAYLOAD,)) + length
    return _NO_SPEC


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value >= _ONE_BYTE:
        parts.append(value % _ONE_BYTE | _ONE_BYTE)
        value //= _ONE_BYTE
    parts.append(value)
    return bytes(parts)


def _parted(spec: bytes) -> tuple[bytes, bytes]:
    """Head and tail of a spec; both empty for one that does not begin like most do. Lengths may lie."""
    try:
        name_at = 2 + spec[1]
        head_end = name_at + 2 + spec[name_at + 1]
        if spec[0] != _QUEUE or spec[name_at] != _NAME or max(spec[1], spec[name_at + 1]) >= _ONE_BYTE:
            return b"", b""
        at = head_end
        if at < len(spec) and spec[at] == _PAYLOAD:
            length, shift = 0, 0
            while True:
                at += 1
                length |= (spec[at] & ~_ONE_BYTE) << shift
                shift += 7
                if spec[at] < _ONE_BYTE:
                    break
            at += 1 + length
    except IndexError:
        return b"", b""
    return spec[:head_end], spec[at:]
