"""The model: what the server promises, said a second time, with dictionaries and a clock that is a number.

It has no disk, no loop and no ids of its own: ids, lease tokens and which worker gets a job are the server's to choose;
the model says whether it may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from model.state import Key, State, key_of
from model.terms import (
    ACTIVE,
    CANCELLED,
    COMPLETED,
    DEAD,
    DELAYED,
    FINISHED,
    MEMORY,
    SECOND,
    WAITING,
    Delivery,
    Event,
    Job,
    Lease,
    Outcome,
    Refused,
    Session,
    Spec,
)  # fmt: skip

Ids = Iterator[str]


class Model(State):
    """What may be done to a server, and what becomes of it."""

    def call(self, method: str, request_id: str, act: Callable[[], object]) -> object:
        """What a call answers: the first answer to its request id, what `act` gives, or the reason of a refusal."""
        first_method, answer, until_us = self.requests.get(request_id, ("", None, 0))
        if request_id and until_us > self.now_us:
            return answer if first_method == method else "REQUEST_ID_REUSED"
        try:
            answer = act()
        except Refused as refused:
            return refused.reason
        if request_id:
            self.requests[request_id] = (method, answer, self.now_us + MEMORY)
        return answer

    # Producing

    def push(self, specs: Sequence[Spec], ids: Ids) -> list[tuple[str, bool, bool]]:
        """Stores all or none. Returns for each entry the id, whether it existed, whether it was replaced."""
        if any(spec.delay_us and spec.ttl_us and spec.ttl_us <= spec.delay_us for spec in specs):
            raise Refused("INVALID_FIELD")
        self._check_conflicts(specs)
        new = [spec for index, spec in enumerate(specs) if self._is_new(specs, index)]
        for queue in {spec.queue for spec in new} & self.queues.keys():
            limit = self.queues[queue].setting("max_backlog_jobs")
            coming = sum(spec.queue == queue for spec in new)
            if limit and self.count(queue, WAITING) + self.count(queue, DELAYED) + coming > limit:
                raise Refused("QUEUE_FULL")
        return self._store(specs, ids)

    def _check_conflicts(self, specs: Sequence[Spec]) -> None:
        for index, spec in enumerate(specs):
            if spec.unique and spec.unique.on_conflict == "REJECT" and not self._is_new(specs, index):
                raise Refused("UNIQUE_CONFLICT")

    def _is_new(self, specs: Sequence[Spec], index: int) -> bool:
        key = key_of(specs[index])
        return key is None or (self.holder(key) is None and key not in map(key_of, specs[:index]))

    def _store(self, specs: Sequence[Spec], ids: Ids) -> list[tuple[str, bool, bool]]:
        answer: list[tuple[str, bool, bool]] = []
        stored: set[Key] = set()
        for index, spec in enumerate(specs):
            key = key_of(spec)
            self.make_queue(spec.queue)
            held = self.holder(key) if key else None
            # Of several that replace one job, the last one counts.
            later = [s for s in specs if key_of(s) == key and s.unique and s.unique.on_conflict == "REPLACE"]
            if held is None:
                follows = [s for s in specs[index + 1 :] if s in later] if key else []
                job = self._create(spec, follows[-1] if follows else None, next(ids))
                answer.append((job.id, False, False))
                if key and spec.unique:
                    window_us = spec.unique.window_us
                    self.holders[key] = (job.id, self.now_us + window_us if window_us else 0)
                    stored.add(key)
                continue
            replaces = spec in later and (job := self.jobs.get(held)) and (job.state in (WAITING, DELAYED))
            if key and replaces and key not in stored:
                self._replace(self.jobs[held], later[-1])
                stored.add(key)
            answer.append((held, not replaces, bool(replaces)))
        return answer

    def _create(self, spec: Spec, last: Spec | None, id_: str) -> Job:
        assert id_ not in self.jobs, f"the id {id_} was given out twice"
        expire_us = self.now_us + spec.ttl_us if spec.ttl_us else 0
        if last is not None:
            spec = spec._replace(payload=last.payload, priority=last.priority, delay_us=last.delay_us)
        run_us = self.now_us + spec.delay_us if spec.delay_us else 0
        job = self.jobs[id_] = Job(id_, spec, self.now_us, run_us, expire_us)
        self.place(job, run_us or self.now_us, "JOB_PUSHED")
        return job

    def _replace(self, job: Job, new: Spec) -> None:
        job.spec = job.spec._replace(payload=new.payload, priority=new.priority)
        keeps = job.ready_us if job.state == WAITING else self.now_us
        ready_us = self.now_us + new.delay_us if new.delay_us else keeps
        job.run_us = self.now_us + new.delay_us if new.delay_us else 0
        self.place(job, ready_us, "JOB_REPLACED")

    # Delivering and settling

    def deliver(self, given: Iterable[Delivery], worker: str, lease_us: int, session: Session | None = None) -> None:
        """The server gave these to a worker: it must have been their turn."""
        for delivery in given:
            job = self.jobs[delivery.job]
            queue = job.spec.queue
            assert job.state == WAITING, f"a job was delivered that is {job.state}"
            assert self.room(queue) > 0, "a job was delivered from a queue that is paused or has no room"
            assert self.ready(queue)[0] is job, f"{job} was delivered, {self.ready(queue)[0]} comes first"
            duration_us = lease_us or self.queues[queue].setting("default_lease")
            expected = (job.attempt + 1, duration_us, job.failures, job.crashes, job.spec.payload)
            assert delivery[2:] == expected, f"delivered {delivery[2:]}, expected {expected}"
            if session is not None:
                assert self.hungry(session, queue), "a session got a job for which it had no credit"
                session.credits -= 1
            job.attempt += 1
            if job.attempt == 1:
                self.let_go(job, "STARTED")
            job.state, job.start_us, job.worker = ACTIVE, self.now_us, worker
            ends_us = self.now_us + duration_us
            job.lease = Lease(delivery.token, duration_us, duration_us, ends_us, session.id if session else "")
            self.tell("JOB_STARTED", job, worker)

    def settle(self, entries: Sequence[tuple[bytes, Outcome]], ids: Ids) -> list[str]:
        """Each entry stands for itself; returns the reason for which it was refused, or ""."""
        return [_reason(lambda entry=entry: self._settle(*entry, ids)) for entry in entries]

    def _settle(self, token: bytes, outcome: Outcome, ids: Ids) -> None:
        job = self.by_token(token)
        if job is None:
            earlier, until_us, _ = self.settled.get(token, (None, 0, ""))
            if earlier != outcome or until_us <= self.now_us:
                raise Refused("LEASE_LOST")
            return
        if outcome.kind == "complete":
            if any(s.delay_us and s.ttl_us and s.ttl_us <= s.delay_us for s in outcome.follow_ups):
                raise Refused("INVALID_FIELD")
            self._check_conflicts(outcome.follow_ups)
            job.result = outcome.result
            self.finish(job, COMPLETED)
            self._store(outcome.follow_ups, ids)
        elif outcome.kind == "fail":
            pause_us = outcome.delay_us if not outcome.never else None
            self.fail(job, "Boom", pause_us, never=outcome.never)
        elif outcome.kind == "snooze":
            self._snooze(job, outcome.delay_us)
        elif outcome.kind == "release":
            self.release(job)
        else:
            if not job.cancel_by_us:
                raise Refused("INVALID_STATE")
            self.finish(job, CANCELLED)
        self.settled[token] = (outcome, self.now_us + MEMORY, job.id)

    def _snooze(self, job: Job, delay_us: int | None) -> None:
        if delay_us is None:
            raise Refused("INVALID_FIELD")
        if job.cancel_by_us:
            self.finish(job, CANCELLED)
        else:
            job.snoozes += 1
            self.place(job, self.now_us + delay_us, "JOB_SNOOZED")

    def extend(self, tokens: Sequence[bytes], lease_us: int) -> list[tuple[str, bool]]:
        """Starts clocks anew; returns for each the reason of a refusal and whether a cancel is wanted."""
        answer: list[tuple[str, bool]] = []
        for token in tokens:
            job = self.by_token(token)
            if job is None or job.lease is None:
                answer.append(("LEASE_LOST", False))
                continue
            job.lease.lease_us = lease_us or job.lease.granted_us
            job.lease.deadline_us = self.now_us + job.lease.lease_us
            answer.append(("", job.cancel_by_us > 0))
        return answer

    # Sessions

    def open(self, session: Session) -> None:
        """A new session."""
        self.sessions[session.id] = session
        self.tell("WORKER_JOINED", None, session.worker)
        self._attach(session)

    def resume(self, session: Session, queues: tuple[str, ...], lease_us: int, held: set[bytes]) -> None:
        """The worker is back; what it does not hold never reached it."""
        session.queues, session.lease_us, session.credits = queues, lease_us, 0
        for job in self.leased_to(session):
            if job.lease and job.lease.token not in held:
                self.release(job)
        self._attach(session)
        self.asked_to_stop += [job.lease.token for job in self.leased_to(session) if job.lease and job.cancel_by_us]

    def _attach(self, session: Session) -> None:
        session.attached, session.draining, session.uncharged = True, False, False
        session.beat_us = session.word_us = self.now_us
        default_us = [
            self.queues[q].setting("default_lease") if q in self.queues else 30 * SECOND for q in session.queues
        ]
        leases = [session.lease_us or queue_us for queue_us in default_us]
        session.heartbeat_us = min(10 * SECOND, *(lease_us // 3 for lease_us in leases))

    def break_off(self, session: Session) -> None:
        """The stream broke without a goodbye."""
        session.attached, session.lost_us, session.credits = False, self.now_us, 0

    def goodbye(self, session: Session) -> None:
        """The worker is done."""
        for job in self.leased_to(session):
            self.release(job)
        self._remove(session)

    def _remove(self, session: Session) -> None:
        del self.sessions[session.id]
        self.tell("WORKER_LEFT", None, session.worker)

    # Looking after jobs and queues

    def cancel(self, ids: Sequence[str]) -> tuple[int, list[tuple[int, str]]]:
        """Returns how many were cancelled or asked to stop, and the entries refused."""
        return _each(ids, self._cancel)

    def _cancel(self, id_: str) -> int:
        job = self.get(id_)
        if job.state == CANCELLED or job.cancel_by_us:
            return 0
        if job.state in FINISHED:
            raise Refused("INVALID_STATE")
        if job.state == ACTIVE and job.spec.cancel_grace_us and job.lease:
            job.cancel_by_us = self.now_us + job.spec.cancel_grace_us
            session = self.sessions.get(job.lease.session)
            if session and session.attached:
                self.asked_to_stop.append(job.lease.token)
        else:
            self.finish(job, CANCELLED)
        return 1

    def retry(self, ids: Sequence[str], queue: str = "") -> tuple[int, list[tuple[int, str]]]:
        """Puts finished jobs back."""
        return _each(ids, lambda id_: self._retry(id_, queue))

    def _retry(self, id_: str, queue: str) -> int:
        job = self.get(id_)
        if job.state not in (DEAD, CANCELLED):
            raise Refused("INVALID_STATE")
        if queue:
            self.make_queue(queue)
            job.spec = job.spec._replace(queue=queue)
        job.failures = job.crashes = job.releases = job.snoozes = job.expire_us = job.finish_us = job.purge_us = 0
        job.dead_reason = ""
        self.place(job, self.now_us, "JOB_RETRIED")
        return 1

    def delete(self, ids: Sequence[str]) -> tuple[int, list[tuple[int, str]]]:
        """Removes jobs and all that is known of them."""
        return _each(ids, self._delete)

    def _delete(self, id_: str) -> int:
        job = self.get(id_)
        if job.state == ACTIVE:
            raise Refused("INVALID_STATE")
        self.tell("JOB_DELETED", job)
        self.let_go(job, "FINISHED")
        del self.jobs[id_]
        return 1

    def purge(self, queue: str, states: Sequence[str]) -> int:
        """Removes jobs of a queue."""
        self.existing(queue)
        ids = self.matching(queue, states or (WAITING, DELAYED))
        for id_ in ids:
            self.let_go(self.jobs[id_], "FINISHED")
            del self.jobs[id_]
        if ids:
            self.events.append(Event(self.now_us, "QUEUE_PURGED", queue, detail=len(ids)))
        return len(ids)

    def pause(self, queue: str, *, paused: bool) -> None:
        """Stops deliveries, or lets them go on."""
        known = self.existing(queue)
        if known.paused != paused:
            known.paused = paused
            self.events.append(Event(self.now_us, "QUEUE_PAUSED" if paused else "QUEUE_RESUMED", queue))

    def due(self) -> list[tuple[int, Callable[[], None]]]:
        """Everything that time will do, with its moment, first comes first."""
        found: list[tuple[int, Callable[[], None]]] = []
        for job in self.jobs.values():
            if job.state == DELAYED:
                found.append((job.ready_us, lambda job=job: self.place(job, job.ready_us, "JOB_READY")))
            if job.state in (WAITING, DELAYED) and job.expire_us and not job.attempt:
                found.append((job.expire_us, lambda job=job: self._expire(job)))
            if job.state == ACTIVE:
                if job.spec.timeout_us:
                    found.append((job.start_us + job.spec.timeout_us, lambda job=job: self.fail(job, "TIMEOUT", None)))
                if job.cancel_by_us:
                    found.append((job.cancel_by_us, lambda job=job: self.finish(job, CANCELLED)))
                found.append((self.lease_end(job), lambda job=job: self._run_out(job)))
            if job.state in FINISHED:
                found.append((job.purge_us, lambda job=job: self._forget(job)))
        found += [
            (session.lost_us + session.grace_us, lambda session=session: self._remove(session))
            for session in self.sessions.values()
            if not session.attached and not self.leased_to(session)
        ]
        return sorted(found, key=lambda entry: entry[0])

    def tick(self, now_us: int) -> None:
        """It is `now_us`: does what is due."""
        self.now_us = now_us
        while (due := self.due()) and due[0][0] <= now_us:
            due[0][1]()

    def _expire(self, job: Job) -> None:
        self.tell("JOB_EXPIRED", job)
        self.finish(job, DEAD, "EXPIRED")

    def _run_out(self, job: Job) -> None:
        session = self.sessions.get(job.lease.session) if job.lease else None
        if session and session.uncharged:
            self.release(job, counted=False)
        else:
            self.crash(job)

    def _forget(self, job: Job) -> None:
        del self.jobs[job.id]

    def reopen(self, now_us: int, *, embedded: bool) -> None:
        """The process ended and another one opened the store. Clocks of leases and of cancels start anew."""
        self.now_us = now_us
        active = sorted((job for job in self.jobs.values() if job.lease), key=lambda job: job.id)
        kept = {job.lease.session for job in active if job.lease and job.lease.session}
        self.sessions = {id_: session for id_, session in self.sessions.items() if id_ in kept and not embedded}
        for session in self.sessions.values():
            session.attached, session.credits, session.uncharged, session.queues = False, 0, True, ()
            session.lost_us = session.beat_us = now_us
        for job in active:
            assert job.lease is not None
            job.lease.lease_us = job.lease.granted_us
            job.lease.deadline_us = now_us + job.lease.granted_us
            if job.cancel_by_us:
                job.cancel_by_us = now_us + job.spec.cancel_grace_us
            if embedded:
                self.crash(job)


def _reason(act: Callable[[], object]) -> str:
    try:
        act()
    except Refused as refused:
        return refused.reason
    return ""


def _each(ids: Sequence[str], act: Callable[[str], int]) -> tuple[int, list[tuple[int, str]]]:
    """Every id once; one that was refused may be named again, and is refused again."""
    affected, failures, done = 0, list[tuple[int, str]](), set[str]()
    for index, id_ in enumerate(ids):
        if id_ in done:
            continue
        try:
            affected += act(id_)
            done.add(id_)
        except Refused as refused:
            failures.append((index, refused.reason))
    return affected, failures
