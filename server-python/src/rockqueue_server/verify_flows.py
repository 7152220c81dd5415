"""Compares flows with their jobs: who is blocked, by whom, and how many ended how."""

from __future__ import annotations

from collections.abc import Callable

from rockqueue.v1 import job_pb2
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.flows.records import OPEN, Member
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text
from rockqueue_server.store.base import Column, Store

_STEP = 1000
_FINISHED = (job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_DEAD, job_pb2.JOB_STATE_CANCELLED)

Complain = Callable[[str], None]


def verify_flows(store: Store, places: dict[bytes, tuple[int, int]], active: set[bytes], complain: Complain) -> None:
    """Verifies all flows. `places` are queue and state of each job, `active` those with a worker."""
    verifying = _Verifying(store, places, active, complain)
    verifying.verify_members()
    verifying.verify_blocked()
    verifying.verify_outside()


class _Verifying:
    def __init__(
        self, store: Store, places: dict[bytes, tuple[int, int]], active: set[bytes], complain: Complain
    ) -> None:
        self._flows = store.column("flows")
        self._blocked = store.column("blocked")
        self._places = places
        self._active = active
        self._complain = complain
        self._pending = {key[1:] for key, _ in scan_all(self._flows, records.WORK)}
        """Where something still has to follow, children need not agree yet."""
        self._members = {key[1:]: records.unpack_member(value) for key, value in scan_all(self._flows, records.JOB)}

        self._edges = {
            key[1:17] + child
            for key, value in scan_all(self._flows, records.EDGES)
            for child, _, _ in records.unpack_children(value)
        }

    def verify_members(self) -> None:
        """Counters of flows against the ends of their jobs, and those against the jobs."""
        found: dict[bytes, list[int]] = {}
        for job_id, member in self._members.items():
            ends = found.setdefault(member.flow_id, [0] * 8)
            ends[member.outcome] += 1
            self._verify_end(job_id, member)
        for key, value in scan_all(self._flows, records.COUNTS):
            counts, ends = records.unpack_counts(value), found.pop(key[1:], [0] * 8)
            told = (counts.jobs, counts.completed, counts.dead, counts.cancelled)
            if told != (sum(ends), *ends[5:]):
                self._complain(f"flow {id_text(key[1:])}: counters say {told}, a scan finds {(sum(ends), *ends[5:])}")
            if counts.running == bool(counts.finish_us):
                self._complain(f"flow {id_text(key[1:])} is finished and running at once")
            if self._flows.get(records.FLOW + key[1:]) is None:
                self._complain(f"flow {id_text(key[1:])} has counters but no record")
        for flow_id in found.keys() - self._pending:
            self._complain(f"flow {id_text(flow_id)} has jobs but no counters")

    def _verify_end(self, job_id: bytes, member: Member) -> None:
        state = self._state(job_id)
        if member.outcome == OPEN and (state == 0 or state in _FINISHED):
            self._complain(f"job {id_text(job_id)} has not ended for its flow, but is in state {state}")
        elif member.outcome != OPEN and state not in (0, member.outcome):
            self._complain(f"job {id_text(job_id)} has ended for its flow, but is in state {state}")

    def verify_blocked(self) -> None:
        """A job is blocked by just those of its parents that have not ended."""
        for key, value in scan_all(self._blocked, b""):
            job_id, pending = key[4:], records.unpack_pending(value)
            member = self._members.get(job_id)
            node = self._flows.get(records.node_key(member.flow_id, job_id)) if member is not None else None
            if member is None or node is None or not pending:
                self._complain(f"job {id_text(job_id)} is blocked by nothing: it would never run")
                continue
            for index, (parent, _) in enumerate(records.unpack_node(node).parents):
                waits, is_open = bool(pending >> index & 1), self._is_open(parent)
                if waits != is_open and parent not in self._pending:
                    self._complain(
                        f"job {id_text(job_id)} {'waits' if waits else 'does not wait'} for job {id_text(parent)}, "
                        f"which has {'not ' if is_open else ''}ended"
                    )
                if waits and parent not in self._pending and parent + job_id not in self._edges:
                    self._complain(f"job {id_text(parent)} does not know job {id_text(job_id)}, which waits for it")
                if waits and not self._is_noticed(parent, member.flow_id):
                    self._complain(f"nobody would notice the end of job {id_text(parent)}, which others wait for")

    def verify_outside(self) -> None:
        """Jobs whose end is watched for have not ended."""
        for key, _ in scan_all(self._flows, records.OUTSIDE):
            if not self._is_open(key[1:]):
                self._complain(f"job {id_text(key[1:])} has ended, and its end is still watched for")

    def _state(self, job_id: bytes) -> int:
        """0 for a job that does not exist."""
        if job_id in self._active:
            return job_pb2.JOB_STATE_ACTIVE
        return self._places.get(job_id, (0, 0))[1]

    def _is_open(self, job_id: bytes) -> bool:
        return self._state(job_id) not in (0, *_FINISHED)

    def _is_noticed(self, parent: bytes, flow_id: bytes) -> bool:
        member = self._members.get(parent)
        if parent in self._pending or (member is not None and member.flow_id == flow_id and member.parent):
            return True
        return self._flows.get(records.OUTSIDE + parent) is not None


def scan_all(column: Column, prefix: bytes) -> list[tuple[bytes, bytes]]:
    """Every pair whose key begins with `prefix`."""
    found: list[tuple[bytes, bytes]] = []
    lower = prefix
    while rows := column.scan(lower, prefix + keys.END, _STEP):
        found += rows
        lower = keys.after(rows[-1][0])
    return found
