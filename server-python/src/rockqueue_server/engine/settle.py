"""Carries out settlements: each entry stands for itself, all of a batch share one commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rockqueue.v1 import job_pb2, work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import UNIQUE, Admitted, admit
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.work_request import Completion, Entry
from rockqueue_server.engine import dedup, outcomes, records
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.completions import Completions
from rockqueue_server.engine.lookup import find
from rockqueue_server.engine.push import check_conflicts, store
from rockqueue_server.engine.takers import Lease
from rockqueue_server.errors import ServiceError, invalid_state, lease_lost
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

Settlement = work_service_pb2.Settlement


class _FollowUps(NamedTuple):
    jobs: list[Admitted]
    specs: list[job_pb2.JobSpec]


class Settling:
    """One batch of settlements on its way into a commit. `failures[i]` is why entry i was not carried out."""

    def __init__(self, engine: Engine, now_us: int) -> None:
        self._engine = engine
        self._now_us = now_us
        self._commit: Commit = engine.commit(now_us)
        self._ended: dict[bytes, Entry] = {}
        self._leases: list[Lease] = []
        self.failures: dict[int, ServiceError] = {}

    def run(self, entries: list[Entry]) -> dict[int, ServiceError]:
        """Carries out the batch and writes it."""
        completions = Completions(self._engine, self._commit)
        by_job, ended = self._engine.leases.by_job, self._ended
        for index, entry in enumerate(entries):
            if isinstance(entry, Completion):
                lease = by_job.get(entry.token[:16])
                if (
                    lease is not None
                    and lease.token == entry.token
                    and lease.job_id not in ended
                    and completions.add(lease, entry.result, entry.content_type)
                ):
                    ended[lease.job_id] = entry
                    self._leases.append(lease)
                    continue
            completions.close()
            try:
                self._settle(entry, index)
            except ServiceError as error:
                self.failures[index] = error
            completions = Completions(self._engine, self._commit)
        completions.close()
        self._write()
        return self.failures

    def _write(self) -> None:
        if self._leases:
            self._commit.write()
            self._engine.leases.end_all(self._leases)
            self._leases = []

    def _settle(self, entry: Entry, index: int) -> None:
        settlement = _message(entry)
        token = settlement.lease_token
        lease = self._engine.leases.by_token(token)
        if lease is None or lease.job_id in self._ended:
            self._settled_before(settlement, token)
            return
        outcome = settlement.WhichOneof("outcome")
        if outcome == "complete":
            self._complete(lease, settlement, index)
        else:
            self._end_otherwise(lease, settlement, outcome, f"settlements[{index}]")
            self._remember(settlement)
        self._ended[lease.job_id] = entry
        self._leases.append(lease)

    def _complete(self, lease: Lease, settlement: Settlement, index: int) -> None:
        complete = settlement.complete
        result = complete.result
        content_type = complete.result_content_type
        if content_type or len(result) > limits.PAYLOAD_BYTES:
            problems = Problems()
            path = f"settlements[{index}]"
            problems.media_type(f"{path}.complete.result_content_type", content_type)
            if len(result) > limits.PAYLOAD_BYTES:
                problems.over(f"{path}.complete.result", limits.PAYLOAD_BYTES, len(result), "bytes")
            problems.check()
        follow_ups: _FollowUps | None = None
        if complete.follow_ups:
            # A copy: admission makes moments of spans, and the settlement is remembered as it came.
            admitted = Settlement()
            admitted.CopyFrom(settlement)
            follow_ups = self._follow_ups(admitted, f"settlements[{index}]")
        kept = outcomes.complete(self._engine, self._commit, lease, result, content_type)
        if not kept or follow_ups is not None:
            self._remember(settlement)
        if follow_ups is not None:
            store(self._engine, self._commit, follow_ups.jobs, follow_ups.specs)

    def _follow_ups(self, settlement: Settlement, path: str) -> _FollowUps:
        specs = list(settlement.complete.follow_ups)
        problems = Problems()
        if len(specs) > limits.FOLLOW_UPS:
            problems.over(f"{path}.complete.follow_ups", limits.FOLLOW_UPS, len(specs), "jobs")
        problems.check()
        prefix = f"{path}.complete.follow_ups"
        jobs = [admit(spec, prefix, index, self._now_us, problems) for index, spec in enumerate(specs)]
        if "follow_ups_not_atomic" in self._engine.defects:
            store(self._engine, self._commit, jobs[:1], specs[:1])
            self._commit.write()
            self._commit = self._engine.commit(self._now_us)
        problems.check()
        if any(job.flags & UNIQUE for job in jobs):
            # Keys are looked up on disk: what the batch has done so far must be there, and what follows must see these.
            self._write()
            self._commit = self._engine.commit(self._now_us)
        check_conflicts(self._engine, self._commit, jobs, specs)
        return _FollowUps(jobs, specs)

    def _end_otherwise(self, lease: Lease, settlement: Settlement, outcome: str | None, path: str) -> None:
        engine, commit, problems = self._engine, self._commit, Problems()
        if outcome == "fail":
            fail = settlement.fail
            delay_us: int | None = None
            if fail.HasField("retry_delay"):
                delay_us = problems.duration(f"{path}.fail.retry_delay", fail.retry_delay, limits.MAX_DELAY_US)
            elif fail.WhichOneof("retry") == "never" and not fail.never:
                problems.add(f"{path}.fail.never", "must be true, or not be set")
            problems.check()
            outcomes.fail(engine, commit, lease, fail.error, delay_us=delay_us, never=fail.never)
        elif outcome == "snooze":
            if not settlement.snooze.HasField("delay"):
                problems.add(f"{path}.snooze.delay", "must be set")
            wait_us = problems.duration(f"{path}.snooze.delay", settlement.snooze.delay, limits.MAX_DELAY_US)
            problems.check()
            outcomes.snooze(engine, commit, lease, wait_us)
        elif outcome == "release":
            outcomes.release(engine, commit, lease)
        elif outcome == "cancelled":
            if not lease.cancel_by_us:
                raise invalid_state(
                    id_text(lease.job_id), "ACTIVE", "a cancel request before it can be settled as cancelled"
                )
            outcomes.cancelled(engine, commit, lease)
        else:
            problems.add(f"{path}.outcome", "must be set")
            problems.check()

    def _remember(self, settlement: Settlement) -> None:
        dedup.remember_settlement(self._commit, settlement, self._now_us)

    def _settled_before(self, settlement: Settlement, token: bytes) -> None:
        """OK when this very settlement was carried out before; else LEASE_LOST."""
        parts = records.token_parts(token)
        if parts is None:
            raise lease_lost("")
        job_id, attempt, epoch = parts
        earlier = self._ended.get(job_id)
        if earlier is not None:
            if _message(earlier) == settlement:
                return
            raise lease_lost(id_text(job_id))
        remembered = dedup.settlement_is_remembered(self._engine, settlement)
        if remembered:
            return
        # Most completions are remembered by the job itself, as long as it is kept.
        if remembered is None and settlement.WhichOneof("outcome") == "complete":
            found = find(self._engine, job_id)
            if found is not None and found.state == job_pb2.JOB_STATE_COMPLETED and found.done is not None:
                done = found.done
                same = done.counters.attempt == attempt and done.epoch == epoch and done.completion(token) == settlement
                if same and self._now_us < done.finish_us + limits.REQUEST_MEMORY_US:
                    return
        raise lease_lost(id_text(job_id))


def _message(entry: Entry) -> Settlement:
    return entry.message if isinstance(entry, Completion) else entry
