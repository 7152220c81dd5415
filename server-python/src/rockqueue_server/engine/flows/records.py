"""Keys and values of column `flows`, and of column `blocked`.

| key in `flows` | value |
|---|---|
| `f`, flow | a serialised Flow with what never changes |
| `c`, flow | how many of its jobs ended how, and when the last one did |
| `n`, flow, job | a node: its rank, its parents, and a serialised FlowJob with what never changes |
| `j`, job | which flow it is part of, and how it ended |
| `e`, parent, flow, chunk | children of a job, in chunks |
| `o`, job | a job that children of other flows wait for, and that has not ended |
| `w`, job or flow | what still has to follow from something, see `Work` |
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from rockqueue.v1 import flow_service_pb2

FLOW, COUNTS, NODE, JOB, EDGES, OUTSIDE, WORK = b"f", b"c", b"n", b"j", b"e", b"o", b"w"
CHUNK = 100
"""So many children are in one value."""
OPEN = 0
"""How a job ended that has not."""

_COUNTS = struct.Struct(">IIIIQ")
_JOB = struct.Struct(">16s?BIQ")
_NODE = struct.Struct(">IH")
_PARENT = struct.Struct(">16sB")
_CHILD = struct.Struct(">16sBH")
_CHUNK = struct.Struct(">H")
_WORK = struct.Struct(">BB")


class FlowCounts(NamedTuple):
    """How many jobs a flow has, how many ended how, and when the last one did: 0 while one has not."""

    jobs: int
    completed: int
    dead: int
    cancelled: int
    finish_us: int

    @property
    def running(self) -> bool:
        """Some job has not ended."""
        return self.completed + self.dead + self.cancelled < self.jobs

    @property
    def state(self) -> int:
        """How the flow fares, a FlowState."""
        if self.running:
            return flow_service_pb2.FLOW_STATE_RUNNING
        if self.dead:
            return flow_service_pb2.FLOW_STATE_FAILED
        return flow_service_pb2.FLOW_STATE_CANCELLED if self.cancelled else flow_service_pb2.FLOW_STATE_COMPLETED


class Member(NamedTuple):
    """A job's place in a flow. `outcome` is OPEN or the finished state; a job that was deleted was cancelled.

    `parent` is set if other jobs of the flow wait for it. `queue` and `purge_us` say where its end is recorded, and
    until when it is to be kept.
    """

    flow_id: bytes
    parent: bool
    outcome: int
    queue: int
    purge_us: int


class Node(NamedTuple):
    """What never changes of a job in a flow. Parents are (job id, policy), in the order in which they were named."""

    rank: int
    parents: list[tuple[bytes, int]]
    shown: bytes


class Work(NamedTuple):
    """What still has to follow from the end of a job, or of a flow. It goes on behind `position`."""

    kind: int
    outcome: int
    position: bytes


ENDED, REOPENED, ARM, FORGET = 1, 2, 3, 4
"""What follows: for children of a job that ended, or was put back; for jobs of a finished flow; for one to forget."""


def pack_counts(counts: FlowCounts) -> bytes:
    """Value under COUNTS."""
    return _COUNTS.pack(*counts)


def unpack_counts(value: bytes) -> FlowCounts:
    """The counters."""
    return FlowCounts(*_COUNTS.unpack(value))


def pack_member(member: Member) -> bytes:
    """Value under JOB."""
    return _JOB.pack(*member)


def unpack_member(value: bytes) -> Member:
    """A job's place."""
    return Member(*_JOB.unpack(value))


def pack_node(node: Node) -> bytes:
    """Value under NODE."""
    parents = b"".join([_PARENT.pack(*parent) for parent in node.parents])
    return _NODE.pack(node.rank, len(node.parents)) + parents + node.shown


def node_rank(value: bytes) -> tuple[int, int]:
    """Rank of a node, and how many parents it has."""
    return _NODE.unpack_from(value)


def unpack_node(value: bytes) -> Node:
    """The node."""
    rank, count = _NODE.unpack_from(value)
    end = _NODE.size + count * _PARENT.size
    return Node(rank, list(_PARENT.iter_unpack(value[_NODE.size : end])), value[end:])


def pack_children(children: list[tuple[bytes, int, int]]) -> bytes:
    """Value under EDGES: (child, policy, which of the child's parents this is) of each."""
    return b"".join([_CHILD.pack(*child) for child in children])


def unpack_children(value: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The children."""
    return _CHILD.iter_unpack(value)


def pack_work(work: Work) -> bytes:
    """Value under WORK."""
    return _WORK.pack(work.kind, work.outcome) + work.position


def unpack_work(value: bytes) -> Work:
    """The work."""
    return Work(value[0], value[1], value[_WORK.size :])


def node_key(flow_id: bytes, job_id: bytes) -> bytes:
    """Nodes of a flow stand in the order in which they were pushed: that of their ids."""
    return NODE + flow_id + job_id


def node_range(flow_id: bytes) -> tuple[bytes, bytes]:
    """Bounds of the nodes of a flow."""
    return NODE + flow_id, NODE + flow_id + b"\xff" * 17


NODE_ID_AT = 17
"""Where the job id stands in a `node_key`."""


def edges_key(parent: bytes, flow_id: bytes, chunk: int) -> bytes:
    """A chunk of the children that a job has in a flow."""
    return EDGES + parent + flow_id + _CHUNK.pack(chunk)


def edges_range(parent: bytes) -> tuple[bytes, bytes]:
    """Bounds of all children of a job."""
    return EDGES + parent, EDGES + parent + b"\xff" * 19


def blocked_key(queue: int, job_id: bytes) -> bytes:
    """Key of column `blocked`: by queue, then by creation."""
    return queue.to_bytes(4, "big") + job_id


def pack_pending(pending: int) -> bytes:
    """Value of column `blocked`: bit i is set while parent i of the job has not ended."""
    return pending.to_bytes(max(1, (pending.bit_length() + 7) // 8), "little")


def unpack_pending(value: bytes) -> int:
    """The bits."""
    return int.from_bytes(value, "little")
