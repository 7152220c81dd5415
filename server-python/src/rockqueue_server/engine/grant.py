"""Fills a commit with deliveries: a chunk of jobs of one queue for one taker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract.admission import EXPIRES, SPECIAL, UNIQUE
from rockqueue_server.engine import records
from rockqueue_server.engine.expiry import expire
from rockqueue_server.engine.lookup import counters_of
from rockqueue_server.engine.takers import Batch, Granted, Lease, Taker
from rockqueue_server.engine.unique import let_go

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.groups.state import GroupState
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.engine.records import JobHead

    _First = tuple[bytes, JobHead, bytes, GroupState | None]
    """A job to deliver for the first time: its ready key, head, spec and group."""

_STARTED = event_service_pb2.EVENT_TYPE_JOB_STARTED
_WAITING, _ACTIVE = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_ACTIVE


def grant(
    engine: Engine,
    commit: Commit,
    queue: QueueState,
    taker: Taker,
    picked: list[tuple[bytes, bool]],
    found: list[tuple[JobHead, bytes]],
) -> list[Granted]:
    """Delivers the jobs `picked` (ready key, touched), whose heads and specs were `found`.

    What has expired becomes DEAD instead.
    """
    granting = _Granting(engine, commit, queue, taker)
    granted: list[Granted] = []
    first_run: list[_First] = []
    delete, ready_h, groups = commit.delete, engine.columns.ready_h, queue.groups
    for (key, touched), (head, spec) in zip(picked, found, strict=True):
        group = groups.group_of(key) if groups is not None else None
        if group is None:
            delete(key, ready_h)
        else:
            commit.groups.delivered(queue, group, key)
        if not touched and not head.flags & SPECIAL:
            if first_run and first_run[-1][1].name != head.name:
                granted += granting.first(first_run)
                first_run = []
            first_run.append((key, head, spec, group))
            continue
        if first_run:
            granted += granting.first(first_run)
            first_run = []
        lease = granting.rare(key, head, spec, touched=touched)
        if lease is not None:
            lease.group = group
            granted.append(Granted(lease, spec))
    if first_run:
        granted += granting.first(first_run)
    if granted:
        deltas = commit.deltas(queue)
        deltas[_WAITING] -= len(granted)
        deltas[_ACTIVE] += len(granted)
        if "backlog_bytes_not_given_back" not in engine.defects:
            deltas[records.BACKLOG_BYTES] -= sum([len(spec) for _, spec in granted])
    return granted


class _Granting:
    """What the deliveries of a chunk have in common."""

    def __init__(self, engine: Engine, commit: Commit, queue: QueueState, taker: Taker) -> None:
        self._engine = engine
        self._commit = commit
        self._queue = queue
        self._taker = taker
        self._lease_us = taker.lease_us or queue.lease_us
        self._grace = records.grace_flags(taker.session.grace_us) if taker.session is not None else 0

    def first(self, run: list[_First]) -> list[Granted]:
        """Jobs of one name that are delivered for the first time and need nothing else: what most deliveries are."""
        commit, queue, taker, lease_us = self._commit, self._queue, self._taker, self._lease_us
        put, active_h, epoch, now_us = (
            commit.put,
            self._engine.columns.active_h,
            self._engine.leases.epoch,
            commit.now_us,
        )
        token_end = records.token_end(1, epoch)
        before, after = records.active_around(
            now_us, lease_us, epoch, self._grace, taker.session_id, taker.worker_bytes
        )
        batch = Batch(queue, run[0][1].name, now_us, taker.worker)
        granted: list[Granted] = []
        job_ids: list[bytes] = []
        ready, ready_us = b"", 0
        for key, head, spec, group in run:
            if key[8:16] != ready:
                ready = key[8:16]
                ready_us = int.from_bytes(ready, "big")
            job_id = key[16:]
            lease = Lease(job_id, head, queue, len(spec))
            lease.batch = batch
            lease.attempt = 1
            lease.start_us = now_us
            lease.worker = taker.worker
            lease.ready_us = ready_us
            lease.lease_us = lease_us
            lease.deadline_us = now_us + lease_us
            lease.session = taker.session
            lease.epoch = epoch
            lease.token = job_id + token_end
            if group is not None:
                lease.group = group
            put(job_id, before + ready + after, active_h)
            job_ids.append(job_id)
            granted.append(Granted(lease, spec))
        commit.events.add_run(_STARTED, _ACTIVE, queue.number, 1, batch.name, job_ids, taker.started_extra)
        return granted

    def rare(self, key: bytes, head: JobHead, spec: bytes, *, touched: bool) -> Lease | None:
        """A job that was delivered before, or that needs a look; None when it has expired."""
        engine, commit, taker, queue = self._engine, self._commit, self._taker, self._queue
        epoch, job_id = engine.leases.epoch, key[16:]
        lease = Lease(job_id, head, queue, len(spec))
        lease.ready_us = int.from_bytes(key[8:16], "big")
        if touched:
            self._take_over(lease)
        if head.flags & SPECIAL and self._special(lease, spec):
            return None
        lease.attempt += 1
        if "reuse_attempt_number" in engine.defects:
            lease.attempt = 1 + lease.failures + lease.crashes
        lease.start_us = commit.now_us
        lease.worker = taker.worker
        lease.lease_us = self._lease_us
        lease.deadline_us = commit.now_us + self._lease_us
        lease.session = taker.session
        lease.epoch = epoch
        lease.token = records.lease_token(job_id, lease.attempt, epoch)
        flags = records.TOUCHED | self._grace if touched else self._grace
        record = records.pack_active(
            lease, lease.ready_us, self._lease_us, epoch, flags, taker.session_id, taker.worker_bytes
        )
        commit.put(job_id, record, engine.columns.active_h)
        extra = engine.origins.told(head, job_id, taker.started_extra)
        commit.event(_STARTED, _ACTIVE, queue.number, lease.attempt, head.name, job_id, extra)
        return lease

    def _take_over(self, lease: Lease) -> None:
        """Counters of a job that was delivered before."""
        value = self._engine.columns.touched.get(lease.job_id)
        if value is None:
            raise RuntimeError(f"touched job {lease.job_id.hex()} has no record")
        old = counters_of(job_pb2.Job.FromString(value))
        lease.attempt, lease.failures, lease.crashes = old.attempt, old.failures, old.crashes
        lease.releases, lease.snoozes, lease.worker = old.releases, old.snoozes, old.worker
        lease.touched = True
        lease.noted = self._engine.notes.has(lease.job_id)

    def _special(self, lease: Lease, spec: bytes) -> bool:
        """What few jobs need at delivery; returns True when the job expired instead."""
        engine, commit, head = self._engine, self._commit, lease.head
        if (
            head.flags & EXPIRES
            and not lease.attempt
            and head.expire_us <= commit.now_us
            and "ttl_ignored" not in engine.defects
        ):
            expire(engine, commit, lease, _WAITING)
            return True
        if head.flags & UNIQUE and not lease.attempt:
            parsed = job_pb2.JobSpec.FromString(spec)
            let_go(engine, commit, self._queue, lease.job_id, parsed, at=job_pb2.UNIQUE_UNTIL_STARTED)
        return False
