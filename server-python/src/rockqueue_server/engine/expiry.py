"""Jobs that were not started in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.engine.finish import finish
from rockqueue_server.engine.records import BACKLOG_BYTES, TOUCHED

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.takers import Lease


def expire(engine: Engine, commit: Commit, lease: Lease, old_state: int) -> None:
    """A job that was not started in time becomes DEAD. `lease` only carries what is known of it."""
    head, queue = lease.head, lease.queue
    queue.stats.expired += 1
    if old_state != job_pb2.JOB_STATE_BLOCKED:
        commit.deltas(queue)[BACKLOG_BYTES] -= lease.spec_bytes
    type_, extra = event_service_pb2.EVENT_TYPE_JOB_EXPIRED, engine.origins.told(head, lease.job_id)
    commit.event(type_, old_state, queue.number, 0, head.name, lease.job_id, extra)
    finish(
        engine, commit, queue, lease.job_id, head, lease,
        old_state=old_state, state=job_pb2.JOB_STATE_DEAD, dead_reason=job_pb2.DEAD_REASON_EXPIRED,
        flags=TOUCHED if lease.touched else 0,
    )  # fmt: skip
