"""Compares groups with their jobs: figures with a scan, waiting jobs with the records of their groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from rockqueue.v1 import job_pb2
from rockqueue_server.contract.admission import GROUP
from rockqueue_server.engine.groups.records import group_key, group_parts, ready_parts, unpack_group
from rockqueue_server.engine.groups.state import GroupState
from rockqueue_server.engine.records import JobHead
from rockqueue_server.rules.ids import id_text
from rockqueue_server.store.base import Column, Store

Rows = Callable[[Column], Iterator[tuple[bytes, bytes]]]


class GroupCheck:
    """What a store says of groups, gathered while its jobs are read."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._waiting: Counter[tuple[int, int]] = Counter()
        self._jobs: Counter[tuple[int, str]] = Counter()
        self._places: dict[bytes, tuple[int, int]] = {}
        self._keys: dict[tuple[int, int], str] = {}

    def waiting(self, store: Store, rows: Rows) -> Iterator[tuple[int, bytes]]:
        """Queue and id of the jobs that wait in groups."""
        for at, value in rows(store.column("group")):
            queue, key = group_parts(at)
            self._keys[queue, unpack_group(value).number] = key
        for at, _ in rows(store.column("gready")):
            queue, number, job_id = ready_parts(at)
            self._waiting[queue, number] += 1
            self._places[job_id] = (queue, number)
            yield queue, job_id

    def job(self, job_id: bytes, head: JobHead, spec: bytes, *, finished: bool, waiting: bool) -> None:
        """A job of the store."""
        where = self._places.pop(job_id, None)
        if not head.flags & GROUP:
            if where is not None:
                self.problems.append(f"job {id_text(job_id)} has no group, but waits in group {where[1]}")
            return
        key = job_pb2.JobSpec.FromString(spec).group
        if waiting and (where is None or self._keys.get(where) != key):
            self.problems.append(f"job {id_text(job_id)} of group {key!r} waits where its group is not served")
        if not finished:
            self._jobs[head.queue, key] += 1

    def done(self, store: Store, rows: Rows) -> list[str]:
        """Compares the figures; returns all problems."""
        for at, value in rows(store.column("group")):
            queue, key = group_parts(at)
            record = unpack_group(value)
            found = (self._waiting.pop((queue, record.number), 0), self._jobs.pop((queue, key), 0))
            if found != (record.waiting, record.jobs):
                self.problems.append(
                    f"group {key!r} of queue {queue}: its record says {record.waiting} waiting of {record.jobs} jobs, "
                    f"a scan finds {found[0]} of {found[1]}"
                )
        self.problems += [
            f"group {number} of queue {queue} has waiting jobs, no record" for queue, number in +self._waiting
        ]
        self.problems += [f"group {key!r} of queue {queue} has jobs, but no record" for queue, key in self._jobs]
        return self.problems


def memory_problems(states: list[GroupState], store: Store, active: Counter[tuple[int, str]]) -> list[str]:
    """Where groups in memory differ from what is on disk. `active` is what the leases say."""
    problems: list[str] = []
    for state in states:
        value = store.column("group").get(group_key(state.queue, state.key))
        figures = (0, 0) if value is None else unpack_group(value)[1:3]
        if figures != (state.waiting, state.jobs) or state.active != active[state.queue, state.key]:
            problems.append(
                f"group {state.key!r} of queue {state.queue}: in memory {state.waiting} waiting, {state.jobs} jobs, "
                f"{state.active} active; on disk {figures}, by leases {active[state.queue, state.key]}"
            )
    return problems
