"""Compares everything in a store with everything else: counters with a scan, indexes with jobs, jobs with indexes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from rockqueue.v1 import job_pb2, queue_service_pb2
from rockqueue_server.contract.admission import TAGS
from rockqueue_server.contract.states import state_name
from rockqueue_server.engine.commit import counts_key
from rockqueue_server.engine.lookup import FINISHED
from rockqueue_server.engine.records import BACKLOG_BYTES, unpack_counts, unpack_job
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text
from rockqueue_server.store.base import Column, Store
from rockqueue_server.store.opening import damaged, is_damage, open_directory
from rockqueue_server.verify_flows import verify_flows
from rockqueue_server.verify_groups import GroupCheck
from rockqueue_server.verify_schedules import verify_schedules
from rockqueue_server.webhooks.verify import verify_webhooks

_STEP = 1000
_MOST_PROBLEMS = 1000
_COUNTERS = "bytes of the backlog, then jobs by number of state"
_WAITING, _DELAYED, _ACTIVE = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED, job_pb2.JOB_STATE_ACTIVE


@dataclass(slots=True)
class Report:
    """What was found. `counts` are the counters on disk, by queue: BACKLOG_BYTES, and jobs by number of the state."""

    problems: list[str] = field(default_factory=list[str])
    jobs: int = 0
    counts: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def add(self, problem: str) -> None:
        """Notes a problem, unless there are too many."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)

    @property
    def queues(self) -> dict[str, dict[str, int]]:
        """Jobs by queue and name of the state, in lower case."""
        return {
            name: {state_name(state).lower(): counts[state] for state in range(1, len(counts))}
            for name, counts in self.counts.items()
        }


def verify_directory(path: str | os.PathLike[str]) -> Report:
    """Verifies a data directory that nobody else has open. Raises StoreError when it cannot be opened."""
    directory = open_directory(path, create=False)
    try:
        return verify_store(directory.store)
    except Exception as error:
        if not is_damage(error):
            raise
        # A block that cannot be read has no key and no job to tell of: the rest would be told wrong.
        raise damaged(directory.path, error) from error
    finally:
        with contextlib.suppress(Exception):
            directory.close()


def verify_store(store: Store) -> Report:
    """Verifies a store. Reads all of it: memory grows with the number of jobs, about 100 bytes each."""
    report = Report()
    places: dict[bytes, tuple[int, int]] = {}
    counted: dict[int, list[int]] = {}

    def place(job_id: bytes, queue: int, state: int) -> None:
        counted.setdefault(queue, [0] * 8)[state] += 1
        if job_id in places:
            report.add(f"job {id_text(job_id)} is in two states: {places[job_id][1]} and {state}")
        places[job_id] = (queue, state)

    for key, _ in _all(store.column("ready")):
        queue, _, _, job_id = keys.ready_parts(key)
        place(job_id, queue, _WAITING)
    groups = GroupCheck()
    for queue, job_id in groups.waiting(store, _all):
        place(job_id, queue, _WAITING)
    for key, _ in _all(store.column("delayed")):
        queue, _, job_id = keys.delayed_parts(key)
        place(job_id, queue, _DELAYED)
    for key, _ in _all(store.column("blocked")):
        place(key[4:], int.from_bytes(key[:4], "big"), job_pb2.JOB_STATE_BLOCKED)
    active = {key for key, _ in _all(store.column("active"))}
    for key, _ in _all(store.column("done")):
        queue, state, job_id = keys.done_parts(key)
        place(job_id, queue, state)
    verify_flows(store, places, active, report.add)
    _verify_jobs(store, report, places, active, counted, groups)
    report.problems += groups.done(store, _all)
    _verify_counts(store, report, counted)
    verify_schedules(store, report.problems)
    report.problems += verify_webhooks(store)
    return report


def _verify_jobs(
    store: Store,
    report: Report,
    places: dict[bytes, tuple[int, int]],
    active: set[bytes],
    counted: dict[int, list[int]],
    groups: GroupCheck,
) -> None:
    """Every job is in one place, and every place holds a job."""
    problems = report.problems
    touched = {key for key, _ in _all(store.column("touched"))}
    tags = _TagIndex(store)
    for job_id, value in _all(store.column("job")):
        report.jobs += 1
        head, spec = unpack_job(value)
        if head.flags & TAGS:
            tags.check(job_id, spec)
        where = places.pop(job_id, None)
        state = _ACTIVE if where is None else where[1]
        groups.job(job_id, head, spec, finished=state in FINISHED, waiting=state == _WAITING)
        if where is not None and state in (_WAITING, _DELAYED):
            counted[where[0]][BACKLOG_BYTES] += len(spec)
        if job_id in active:
            active.discard(job_id)
            counted.setdefault(head.queue, [0] * 8)[_ACTIVE] += 1
            if where is not None:
                problems.append(f"job {id_text(job_id)} is ACTIVE and also in state {where[1]}")
        elif where is None:
            problems.append(f"job {id_text(job_id)} is in no state: it would never run")
        elif where[0] != head.queue:
            problems.append(f"job {id_text(job_id)} says queue {head.queue}, its index says {where[0]}")
        touched.discard(job_id)
        if len(problems) >= _MOST_PROBLEMS:
            return
    problems.extend(f"job {id_text(job_id)} has a state, {where[1]}, but no record" for job_id, where in places.items())
    problems.extend(f"job {id_text(job_id)} is ACTIVE but has no record" for job_id in active)
    problems.extend(f"job {id_text(job_id)} has a history but no record" for job_id in touched)
    tags.close()
    problems.extend(tags.problems)


class _TagIndex:
    """The index of tags holds each tag of each job, and no other."""

    def __init__(self, store: Store) -> None:
        self._column = store.column("tags")
        self._entries = 0
        self.problems: list[str] = []

    def check(self, job_id: bytes, spec: bytes) -> None:
        """Looks for the entries of a job that has tags."""
        tags = job_pb2.JobSpec.FromString(spec).tags
        rows = self._column.get_many([keys.tag_key(tag, job_id) for tag in tags])
        self._entries += len(rows)
        missing = [tag for tag, row in zip(tags, rows, strict=True) if row is None]
        if missing and len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"job {id_text(job_id)} is not in the index of tags under {missing}")

    def close(self) -> None:
        """Looks for entries of jobs that are gone."""
        found = sum(1 for _ in _all(self._column))
        if found != self._entries:
            self.problems.append(f"the index of tags has {found} entries, the jobs have {self._entries} tags")


def _verify_counts(store: Store, report: Report, counted: dict[int, list[int]]) -> None:
    """The counters on disk are what a scan finds."""
    meta = store.column("meta")
    for key, value in meta.scan(b"q", b"r", 1 << 30):
        number = int.from_bytes(key[1:], "big")
        name = queue_service_pb2.Queue.FromString(value).name
        stored = meta.get(counts_key(number))
        counts = unpack_counts(stored) if stored is not None else [0] * 8
        report.counts[name] = counts
        found = counted.pop(number, [0] * 8)
        if counts != found:
            report.problems.append(f"queue {name}: counters say {counts}, a scan finds {found} ({_COUNTERS})")
    report.problems.extend(f"queue {number} has jobs but no record" for number in counted)


def _all(column: Column) -> Iterator[tuple[bytes, bytes]]:
    """Every pair of a column, without holding an iterator between steps."""
    lower = b""
    while rows := column.scan(lower, keys.END, _STEP):
        yield from rows
        lower = keys.after(rows[-1][0])
