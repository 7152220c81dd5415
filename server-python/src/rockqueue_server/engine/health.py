"""How worker sessions say they fare: who and where they are, late event loops, stuck handlers. In memory only.

A heartbeat brings it; the last one counts. What a worker says of leases that it does not hold is dropped, so what is
kept for a session is bounded by what it works on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract.times import duration, timestamp
from rockqueue_server.rules.ids import created_ms, id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.sessions import Session
    from rockqueue_server.engine.takers import Lease

RUNNING = work_service_pb2.WORKER_STATE_RUNNING
DRAINING = work_service_pb2.WORKER_STATE_DRAINING
SILENT = work_service_pb2.WORKER_STATE_SILENT
AWAY = work_service_pb2.WORKER_STATE_AWAY
STATES = (RUNNING, DRAINING, SILENT, AWAY)


class About(NamedTuple):
    """Who a worker is, in its own words."""

    client: str = ""
    host: str = ""
    pid: int = 0


class Health:
    """What the last heartbeat of a session said."""

    __slots__ = ("loop_lag_us", "stuck")

    def __init__(self) -> None:
        self.loop_lag_us: int | None = None
        self.stuck: list[Lease] = []

    def take(self, session: Session, loop_lag_us: int | None, stuck_tokens: Iterable[bytes]) -> None:
        """Takes over what a heartbeat says."""
        self.loop_lag_us = loop_lag_us
        stuck: dict[bytes, Lease] = {}
        for token in stuck_tokens:
            lease = session.leases.get(token[:16])
            if lease is not None and lease.token == token:
                stuck[lease.job_id] = lease
        self.stuck = list(stuck.values())

    def stuck_ids(self, session: Session) -> list[bytes]:
        """The jobs among them that the session still has."""
        leases = session.leases
        self.stuck = [lease for lease in self.stuck if leases.get(lease.job_id) is lease]
        return [lease.job_id for lease in self.stuck]


@dataclass(slots=True)
class WorkerGauges:
    """All sessions together."""

    by_state: dict[str, int] = field(
        default_factory=lambda: {_state_label(state): 0 for state in STATES}  # every state is shown, also at 0
    )
    loop_lag_s: float = 0.0
    """The worst of those that are connected."""
    stuck: int = 0

    def add(self, session: Session, now_us: int) -> None:
        """Counts a session."""
        self.by_state[_state_label(state_of(session, now_us))] += 1
        if session.attached:
            self.loop_lag_s = max(self.loop_lag_s, (session.health.loop_lag_us or 0) / 1e6)
        self.stuck += len(session.health.stuck_ids(session))


def state_of(session: Session, now_us: int) -> work_service_pb2.WorkerState:
    """The state of a session: the first of AWAY, SILENT, DRAINING, RUNNING that holds."""
    if not session.attached:
        return AWAY
    if session.silent(now_us) and "silent_worker_shown_running" not in session.defects:
        return SILENT
    return DRAINING if session.draining else RUNNING


def show_worker(session: Session, now_us: int) -> work_service_pb2.Worker:
    """A session as callers see it."""
    about, health = session.about, session.health
    # A session that was found on disk and not resumed yet is known by its leases alone.
    queues = [queue.name for queue in session.queues] or sorted(queue_names(session))
    worker = work_service_pb2.Worker(
        session_id=session.text,
        name=session.worker,
        state=state_of(session, now_us),
        queues=queues,
        client=about.client,
        host=about.host,
        pid=about.pid,
        join_time=timestamp(created_ms(session.session_id) * 1000),
        active=len(session.leases),
        credits=session.credits,
        stuck_job_ids=[id_text(job_id) for job_id in health.stuck_ids(session)],
    )
    if session.last_word_us:
        worker.last_heard_time.CopyFrom(timestamp(session.last_word_us))
    if health.loop_lag_us is not None:
        worker.loop_lag.CopyFrom(duration(health.loop_lag_us))
    return worker


def queue_names(session: Session) -> set[str]:
    """The queues that a session works on, or has jobs of."""
    if session.queues:
        return {queue.name for queue in session.queues}
    return {lease.queue.name for lease in session.leases.values()}


def _state_label(state: work_service_pb2.WorkerState) -> str:
    return work_service_pb2.WorkerState.Name(state).removeprefix("WORKER_STATE_").lower()
