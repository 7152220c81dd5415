"""Unique keys: who holds one, and when it is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2
from rockqueue_server.contract.times import duration_us
from rockqueue_server.engine.commit import TIMER_UNIQUE, Commit
from rockqueue_server.engine.records import Holder, pack_holder, unique_key, unpack_holder

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState


def holder(engine: Engine, commit: Commit, key: bytes) -> Holder | None:
    """Who holds `key`, this commit's own changes included."""
    if key in commit.uniques:
        return commit.uniques[key]
    value = engine.columns.unique.get(key)
    if value is None:
        return None
    held = unpack_holder(value)
    return None if held.until_us and held.until_us <= commit.now_us else held


def take(engine: Engine, commit: Commit, key: bytes, unique: job_pb2.UniqueKey, job_id: bytes) -> None:
    """Gives `key` to a job."""
    until_us = 0
    if unique.HasField("window"):
        until_us = commit.now_us + (duration_us(unique.window) or 0)
        commit.timer(until_us, TIMER_UNIQUE, key, b"")
    state = 0 if until_us else (unique.state or job_pb2.UNIQUE_UNTIL_FINISHED)
    held = Holder(job_id, until_us, state)
    commit.uniques[key] = held
    commit.put(key, pack_holder(held), engine.columns.unique_h)


def let_go(engine: Engine, commit: Commit, queue: QueueState, job_id: bytes, spec: job_pb2.JobSpec, *, at: int) -> None:
    """Lets go of a job's key when the job has come to the point `at` (a UniqueUntil; deletion counts as FINISHED).

    A key that is held for a window of time is let go of by its timer alone.
    """
    key = unique_key(queue.number, spec.name, spec.unique)
    held = holder(engine, commit, key)
    if held is None or held.job_id != job_id or held.until_us:
        return
    if at == job_pb2.UNIQUE_UNTIL_STARTED and held.state != job_pb2.UNIQUE_UNTIL_STARTED:
        return
    commit.uniques[key] = None
    commit.delete(key, engine.columns.unique_h)
