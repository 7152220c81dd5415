"""Compares what column `schedules` holds: specs, states, due times, the jobs that are not finished, the count."""

from __future__ import annotations

from collections.abc import Iterator

from rockqueue.v1 import job_pb2
from rockqueue_server.engine.records import unpack_job
from rockqueue_server.engine.schedule_records import (
    COUNT_KEY,
    DUES,
    JOBS,
    SPECS,
    STATES,
    due_parts,
    job_parts,
    unpack_state,
)
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text
from rockqueue_server.store.base import Store

_STEP = 1000


def verify_schedules(store: Store, problems: list[str]) -> None:
    """Adds a line for each discrepancy."""
    names = {key[1:].decode() for key, _ in _all(store, SPECS)}
    dues: dict[str, list[int]] = {}
    for key, _ in _all(store, DUES):
        due_us, name = due_parts(key)
        dues.setdefault(name, []).append(due_us)
    states = 0
    for key, value in _all(store, STATES):
        states += 1
        state = unpack_state(key[1:].decode(), value)
        if state.name not in names:
            problems.append(f"schedule {state.name} has a state but no spec")
        expected = [state.due_us] if state.due_us else []
        found = dues.pop(state.name, [])
        if found != expected:
            problems.append(f"schedule {state.name} says it is due at {expected}, its index says {found}")
        if bool(state.due_us) != bool(state.next_us) or (state.due_us and state.shown.paused):
            problems.append(f"schedule {state.name} is due, paused and at its next slot in a way that does not agree")
    problems.extend(f"schedule {name} is due but has no state: it would stop the server" for name in dues)
    stored = int.from_bytes(store.column("meta").get(COUNT_KEY) or b"", "big")
    if not stored == len(names) == states:
        problems.append(f"schedules: the count says {stored}, a scan finds {len(names)} specs and {states} states")
    _verify_jobs(store, problems)


def _verify_jobs(store: Store, problems: list[str]) -> None:
    """What is said to be unfinished is a job of that schedule, and is not finished."""
    jobs = store.column("job")
    for key, _ in _all(store, JOBS):
        name, job_id = job_parts(key)
        value = jobs.get(job_id)
        where = f"job {id_text(job_id)} of schedule {name}"
        if value is None:
            problems.append(f"{where} counts as unfinished but has no record")
            continue
        head, spec = unpack_job(value)
        if job_pb2.JobSpec.FromString(spec).origin.schedule != name:
            problems.append(f"{where} counts as unfinished but says another origin")
        done = [
            keys.done_key(head.queue, state, job_id)
            for state in (job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_DEAD, job_pb2.JOB_STATE_CANCELLED)
        ]
        if any(row is not None for row in store.column("done").get_many(done)):
            problems.append(f"{where} is finished but still counts as unfinished")


def _all(store: Store, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    column, lower, upper = store.column("schedules"), prefix, prefix[:-1] + bytes((prefix[-1] + 1,))
    while rows := column.scan(lower, upper, _STEP):
        yield from rows
        lower = keys.after(rows[-1][0])
