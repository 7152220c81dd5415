"""Every delivery that is out: granted, extended, ended, and what happens when nobody settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2, work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import GROUP, TIMEOUT
from rockqueue_server.contract.times import duration_us
from rockqueue_server.engine import outcomes, records
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.finish import read_spec
from rockqueue_server.engine.takers import Lease
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

EPOCH_KEY = b"epoch"
_NO_SESSION = bytes(16)
_LOAD_CHUNK = 1000
_TIMEOUT_ERROR = job_pb2.JobError(type="TIMEOUT", message="the attempt ran longer than the job's timeout")


class LeaseBook:
    """The leases of all ACTIVE jobs, by job."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.by_job: dict[bytes, Lease] = {}
        self.epoch = 0

    def load(self) -> None:
        """Takes over the deliveries that were out when the process ended; their clocks start anew.

        Embedded, the handlers went with the former process: its jobs are ready at once, one crash each.
        """
        engine = self._engine
        stored = engine.columns.meta.get(EPOCH_KEY)
        self.epoch = int.from_bytes(stored or b"", "big") + 1
        now_us = engine.clock.now_us()
        commit = engine.commit(now_us)
        commit.put(EPOCH_KEY, self.epoch.to_bytes(8, "big"), engine.columns.meta_h)
        commit.write()
        # A token of this epoch must never be given out again, not even after a power loss.
        engine.store.sync()
        lower = b""
        while rows := engine.columns.active.scan(lower, keys.END, _LOAD_CHUNK):
            leases = self._restore(rows, now_us)
            if engine.embedded:
                commit = engine.commit(now_us)
                for lease in leases:
                    outcomes.crash(engine, commit, lease)
                    commit.after(lambda lease=lease: self.end(lease))
                commit.write()
            lower = keys.after(rows[-1][0])

    def _restore(self, rows: list[tuple[bytes, bytes]], now_us: int) -> list[Lease]:
        engine = self._engine
        leases: list[Lease] = []
        jobs = engine.columns.job.get_many([key for key, _ in rows])
        for (job_id, value), job in zip(rows, jobs, strict=True):
            if job is None:
                raise RuntimeError(f"active job {job_id.hex()} has no record")
            head, spec = records.unpack_job(job)
            record = records.unpack_active(value)
            lease = Lease(job_id, head, engine.queues.by_number[head.queue], len(spec))
            old = record.counters
            lease.attempt, lease.failures, lease.crashes = old.attempt, old.failures, old.crashes
            lease.releases, lease.snoozes, lease.start_us, lease.worker = (
                old.releases,
                old.snoozes,
                old.start_us,
                old.worker,
            )
            lease.epoch, lease.ready_us, lease.lease_us = record.epoch, record.ready_us, record.lease_us
            lease.token = records.lease_token(job_id, lease.attempt, lease.epoch)
            lease.touched = bool(record.flags & records.TOUCHED)
            lease.noted = engine.notes.has(job_id)
            if head.flags & GROUP:
                engine.groups.restore(lease, job_pb2.JobSpec.FromString(spec).group)
            if record.flags & records.CANCEL_REQUESTED:
                self.cancel_requested(lease, now_us)
            lease.deadline_us = now_us + lease.lease_us
            self.by_job[job_id] = lease
            leases.append(lease)
            if not engine.embedded:
                self.watch(lease, now_us)
                if record.session != _NO_SESSION:
                    engine.sessions.restore(record.session, lease, now_us, records.flags_grace_us(record.flags))
                else:
                    self.expire_at(lease)
        return leases

    def shift(self, by_us: int) -> None:
        """The clock jumped ahead: what means a span of time ends that much later."""
        for lease in self.by_job.values():
            lease.deadline_us += by_us
            if lease.cancel_by_us:
                lease.cancel_by_us += by_us

    def by_token(self, token: bytes) -> Lease | None:
        """The current lease that `token` names."""
        lease = self.by_job.get(token[:16])
        if lease is None:
            return None
        if lease.token == token or "accept_stale_lease" in self._engine.defects:
            return lease
        if "fence_off_by_one" in self._engine.defects and (parts := records.token_parts(token)) is not None:
            return lease if parts[1] == lease.attempt - 1 else None
        return None

    def pack(self, lease: Lease) -> bytes:
        """The record of a lease as it is now."""
        flags = (records.TOUCHED if lease.touched else 0) | (records.CANCEL_REQUESTED if lease.cancel_by_us else 0)
        session = _NO_SESSION
        if lease.session is not None:
            session = lease.session.session_id
            flags |= records.grace_flags(lease.session.grace_us)
        return records.pack_active(
            lease, lease.ready_us, lease.given_us or lease.lease_us, lease.epoch, flags, session, lease.worker.encode()
        )

    def watch(self, lease: Lease, now_us: int) -> None:
        """Sets the alarm for a job that has a time limit for each attempt."""
        if lease.head.flags & TIMEOUT and "timeout_ignored" not in self._engine.defects:
            limit_us = duration_us(read_spec(self._engine, lease.job_id).timeout) or 0
            self._alarm(lease, max(lease.start_us + limit_us, now_us), self._timed_out)

    def expire_at(self, lease: Lease) -> None:
        """Sees to it that an alarm rings by the end of a lease that belongs to no session; it looks again then."""
        alarm = lease.expiry
        if alarm is not None and alarm.action is not None:
            if alarm.due_us <= lease.deadline_us:
                return
            alarm.cancel()
        lease.expiry = self._engine.alarms.set(lease.deadline_us, lambda: self._ran_out(lease))

    def cancel_requested(self, lease: Lease, now_us: int) -> int:
        """Notes that the job is to be cancelled; returns how long the handler has, in microseconds."""
        grace_us = limits.DEFAULT_CANCEL_GRACE_US
        spec = read_spec(self._engine, lease.job_id)
        if spec.HasField("cancel_grace"):
            grace_us = duration_us(spec.cancel_grace) or 0
        lease.cancel_by_us = now_us + max(grace_us, 1)
        self._alarm(lease, lease.cancel_by_us, self._did_not_stop)
        return grace_us

    def end(self, lease: Lease) -> None:
        """The delivery has ended, one way or another."""
        if self.by_job.pop(lease.job_id, None) is None:
            return
        session = lease.session
        if session is not None:
            session.leases.pop(lease.job_id, None)
        if lease.expiry is not None:
            lease.expiry.cancel()
        if lease.alarms is not None:
            for alarm in lease.alarms:
                alarm.cancel()
        if lease.group is not None and lease.queue.groups is not None:
            lease.queue.groups.ended(lease.group)
        if lease.queue.max_active is not None:
            self._engine.dispatcher.dirty[lease.queue] = None

    def end_all(self, leases: list[Lease]) -> None:
        """Many deliveries have ended."""
        by_job = self.by_job
        for lease in leases:
            if (
                lease.batch is None
                or lease.session is None
                or lease.alarms
                or lease.group is not None
                or lease.queue.max_active is not None
            ):
                self.end(lease)
            elif by_job.pop(lease.job_id, None) is not None:
                lease.session.leases.pop(lease.job_id, None)

    def crash(self, leases: list[Lease], now_us: int, *, charged: bool = True) -> None:
        """The leases ran out. `charged` is False where the server's own restart is to blame."""
        if not leases:
            return
        engine = self._engine
        commit = engine.commit(now_us)
        for lease in leases:
            if charged:
                outcomes.crash(engine, commit, lease)
            else:
                outcomes.release(engine, commit, lease, counted=False)
            commit.after(lambda lease=lease: self._lost(lease, work_service_pb2.CANCEL_CAUSE_LEASE_LOST))
        commit.write()

    def _lost(self, lease: Lease, cause: int) -> None:
        session = lease.session
        self.end(lease)
        if session is not None:
            session.cancel(lease, cause, None)

    def _alarm(self, lease: Lease, due_us: int, action: object) -> None:
        alarm = self._engine.alarms.set(due_us, lambda: action(lease))  # type: ignore[operator]
        if lease.alarms is None:
            lease.alarms = []
        lease.alarms.append(alarm)

    def _ran_out(self, lease: Lease) -> None:
        now_us = self._engine.clock.now_us()
        if lease.deadline_us > now_us:
            self.expire_at(lease)
            return
        self.crash([lease], now_us)

    def _timed_out(self, lease: Lease) -> None:
        engine = self._engine
        commit = engine.commit(engine.clock.now_us())
        outcomes.fail(engine, commit, lease, _TIMEOUT_ERROR)
        commit.after(lambda: self._lost(lease, work_service_pb2.CANCEL_CAUSE_TIMEOUT))
        commit.write()

    def _did_not_stop(self, lease: Lease) -> None:
        engine = self._engine
        commit: Commit = engine.commit(engine.clock.now_us())
        outcomes.cancelled(engine, commit, lease)
        commit.after(lambda: self._lost(lease, work_service_pb2.CANCEL_CAUSE_LEASE_LOST))
        commit.write()
