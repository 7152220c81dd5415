"""What the model knows, and the ways in which a job goes from one state to another."""

from __future__ import annotations

from collections.abc import Iterable

from model.terms import (
    ACTIVE,
    CANCELLED,
    DEAD,
    DELAYED,
    WAITING,
    Event,
    Job,
    Outcome,
    Queue,
    Refused,
    Retry,
    Session,
    Spec,
)  # fmt: skip

Key = tuple[str, str, str]


class State:
    """The whole state of a server. Everything happens at `now_us`."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.jobs: dict[str, Job] = {}
        self.queues: dict[str, Queue] = {}
        self.sessions: dict[str, Session] = {}
        self.holders: dict[Key, tuple[str, int]] = {}
        """Unique key -> the job that holds it, and until when (0: until it lets go)."""
        self.settled: dict[bytes, tuple[Outcome, int, str]] = {}
        """Lease token -> how it was settled, until when that is remembered, and whose it was."""
        self.events: list[Event] = []
        self.asked_to_stop: list[bytes] = []
        """Lease tokens whose attached sessions were told that a cancel is wanted."""
        self.requests: dict[str, tuple[str, object, int]] = {}
        """Request id -> the method, the first answer, and until when it is remembered."""

    def holder(self, key: Key) -> str | None:
        """The job that holds a unique key now."""
        job, until_us = self.holders.get(key, ("", 0))
        return job if job and (not until_us or until_us > self.now_us) else None

    def ready(self, queue: str) -> list[Job]:
        """Those that wait, in the order of delivery."""
        waiting = [job for job in self.jobs.values() if job.spec.queue == queue and job.state == WAITING]
        return sorted(waiting, key=lambda job: (-job.spec.priority, job.ready_us, job.id))

    def room(self, queue: str) -> int:
        """How many jobs may be delivered now."""
        known = self.queues.get(queue)
        if known is None or known.paused:
            return 0
        waiting, limit = self.count(queue, WAITING), known.setting("max_active")
        return min(waiting, max(0, limit - self.count(queue, ACTIVE))) if limit else waiting

    def count(self, queue: str, state: str) -> int:
        """How many jobs of a queue are in a state."""
        return sum(job.spec.queue == queue and job.state == state for job in self.jobs.values())

    def matching(self, queue: str, states: Iterable[str]) -> list[str]:
        """Ids of the jobs of a queue ("" is all) in these states, oldest first."""
        wanted = [job.id for job in self.jobs.values() if queue in ("", job.spec.queue) and job.state in states]
        return sorted(wanted)

    def by_token(self, token: bytes) -> Job | None:
        """The job whose current lease this is."""
        return next((job for job in self.jobs.values() if job.lease and job.lease.token == token), None)

    def leased_to(self, session: Session) -> list[Job]:
        """The jobs that a session has."""
        return [job for job in self.jobs.values() if job.lease and job.lease.session == session.id]

    def hungry(self, session: Session, queue: str) -> bool:
        """Whether the session is to get jobs of the queue."""
        silent = self.now_us - session.word_us > 2 * session.heartbeat_us
        return session.attached and session.credits > 0 and queue in session.queues and not silent

    def lease_end(self, job: Job) -> int:
        """When the job's lease runs out if nothing more is heard."""
        assert job.lease is not None
        session = self.sessions.get(job.lease.session)
        if session is None:
            return job.lease.deadline_us
        ends_us = max(job.lease.deadline_us, session.beat_us + job.lease.lease_us)
        return ends_us if session.attached else min(ends_us, session.lost_us + session.grace_us)

    def place(self, job: Job, ready_us: int, event: str) -> None:
        """Among those that wait, or those whose time has not come."""
        job.ready_us = ready_us
        job.state = DELAYED if ready_us > self.now_us else WAITING
        job.lease, job.cancel_by_us = None, 0
        if event:
            tells_time = job.state == DELAYED and event != "JOB_RELEASED"
            self.tell(event, job, ready_us if tells_time else "")

    def finish(self, job: Job, state: str, dead_reason: str = "") -> None:
        """It is over: lets go of its key, and is kept for its retention."""
        job.state, job.finish_us, job.dead_reason = state, self.now_us, dead_reason
        job.lease, job.cancel_by_us = None, 0
        self.let_go(job, "FINISHED")
        retention_us = job.spec.retention_us
        if retention_us is None:
            retention_us = self.queues[job.spec.queue].setting(f"{state.lower()}_retention")
        job.purge_us = self.now_us + retention_us
        self.tell(f"JOB_{state}", job, dead_reason)
        if not retention_us:
            del self.jobs[job.id]

    def fail(self, job: Job, error: str, pause_us: int | None, *, never: bool = False) -> None:
        """The handler failed; `pause_us` overrides the policy."""
        policy = job.spec.retry or Retry()
        job.failures += 1
        self.note_error(job, error, "JOB_FAILED")
        if job.cancel_by_us:
            self.finish(job, CANCELLED)
        elif never:
            self.finish(job, DEAD, "NON_RETRYABLE")
        elif job.failures >= policy.max_attempts:
            self.finish(job, DEAD, "ATTEMPTS_EXHAUSTED")
        else:
            pause_us = policy.pause_us(job.failures) if pause_us is None else pause_us
            self.place(job, self.now_us + pause_us, "JOB_DELAYED" if pause_us else "JOB_READY")

    def crash(self, job: Job) -> None:
        """The worker is gone."""
        job.crashes += 1
        self.note_error(job, "CRASHED", "JOB_CRASHED")
        if job.cancel_by_us:
            self.finish(job, CANCELLED)
        elif job.crashes >= job.spec.max_crashes:
            self.finish(job, DEAD, "POISONED")
        else:
            self.place(job, job.ready_us, "JOB_READY")

    def release(self, job: Job, *, counted: bool = True) -> None:
        """Given back, with its place."""
        if job.cancel_by_us:
            self.finish(job, CANCELLED)
        else:
            job.releases += counted
            self.place(job, job.ready_us, "JOB_RELEASED")

    def note_error(self, job: Job, error: str, event: str) -> None:
        """One more error in the history, of which 20 are kept."""
        job.errors = [*job.errors, (job.attempt, self.now_us, error, job.worker)][-20:]
        self.tell(event, job, (error, job.worker))

    def let_go(self, job: Job, point: str) -> None:
        """The job has come to a point (STARTED, FINISHED) at which it may let go of its key."""
        key, unique = key_of(job.spec), job.spec.unique
        if key and unique and unique.until in (point, "STARTED") and self.holder(key) == job.id:
            del self.holders[key]

    def update(self, queue: str, settings: dict[str, int], reset: Iterable[str]) -> None:
        """Changes settings; makes the queue."""
        known = self.queues.setdefault(queue, Queue(queue, self.now_us))
        known.settings = {name: value for name, value in known.settings.items() if name not in reset} | settings
        self.events.append(Event(self.now_us, "QUEUE_UPDATED", queue))

    # Time

    def make_queue(self, queue: str) -> None:
        """The queue exists from now on."""
        if queue not in self.queues:
            self.update(queue, {}, ())

    def existing(self, queue: str) -> Queue:
        """A queue, or QUEUE_NOT_FOUND."""
        if queue not in self.queues:
            raise Refused("QUEUE_NOT_FOUND")
        return self.queues[queue]

    def get(self, id_: str) -> Job:
        """A job, or JOB_NOT_FOUND."""
        if id_ not in self.jobs:
            raise Refused("JOB_NOT_FOUND")
        return self.jobs[id_]

    def tell(self, type_: str, job: Job | None, detail: object = "") -> None:
        """Adds an event."""
        if job is None:
            self.events.append(Event(self.now_us, type_, "", detail=detail))
            return
        # An attempt has failed, and a job has expired, in the state that it is about to leave.
        self.events.append(Event(self.now_us, type_, job.spec.queue, job.id, job.state, job.attempt, detail))


def key_of(spec: Spec) -> Key | None:
    """The unique key of a job, with its scope."""
    unique = spec.unique
    return (spec.queue, spec.name if unique.by_name else "", unique.key) if unique else None
