"""ServerService and the services of `rockqueue.testing.v1`."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from rockqueue.testing.v1 import clock_service_pb2, store_service_pb2
from rockqueue.v1 import server_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.times import duration, timestamp
from rockqueue_server.engine.clock import HELD_KEY
from rockqueue_server.verify import verify_store
from rockqueue_server.verify_groups import memory_problems

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.backups import Backups

_LONGEST_TURN_US = 20 * 366 * limits.DAY_US


def server_version() -> str:
    """The version of the installed package."""
    try:
        return version("rockqueue-server")
    except PackageNotFoundError:
        return "0.0.0"


class ServerService:
    """What the server is."""

    def __init__(self, engine: Engine, backups: Backups, *, testing: bool) -> None:
        self._engine = engine
        self._backups = backups
        self._fixed = server_service_pb2.GetServerInfoResponse(
            version=server_version(),
            capabilities=server_service_pb2.Capabilities(
                work_stream=True,
                pull_jobs=True,
                unique_jobs=True,
                watch_events=True,
                follow_ups=True,
                push_stream=True,
                worker_health=True,
                backups=backups.on,
                flows=True,
                schedules=True,
                webhooks=True,
                groups=True,
                rate_limits=True,
                explain=True,
                testing=testing,
            ),
            limits=server_service_pb2.Limits(
                payload_bytes=limits.PAYLOAD_BYTES,
                batch_entries=limits.BATCH_ENTRIES,
                batch_bytes=limits.BATCH_BYTES,
                header_bytes=limits.HEADER_BYTES,
                tags=limits.TAGS,
                min_lease=duration(limits.MIN_LEASE_US),
                max_lease=duration(limits.MAX_LEASE_US),
                max_delay=duration(limits.MAX_DELAY_US),
                attempts=limits.ATTEMPTS,
                max_poll=duration(limits.MAX_POLL_US),
                credits=limits.CREDITS,
                session_queues=limits.SESSION_QUEUES,
                flow_jobs=limits.FLOW_JOBS,
            ),
        )

    async def get_server_info(
        self, _: server_service_pb2.GetServerInfoRequest
    ) -> server_service_pb2.GetServerInfoResponse:
        """Returns what the server is and what it can do."""
        answer = server_service_pb2.GetServerInfoResponse()
        answer.CopyFrom(self._fixed)
        # Committed before it is told, so that no later server tells an earlier time.
        answer.server_time.CopyFrom(timestamp(await self._engine.submit(self._note_time)))
        return answer

    async def create_backup(
        self, request: server_service_pb2.CreateBackupRequest
    ) -> server_service_pb2.CreateBackupResponse:
        """Writes a whole copy of the store."""
        return await self._backups.create(request)

    async def list_backups(self, _: server_service_pb2.ListBackupsRequest) -> server_service_pb2.ListBackupsResponse:
        """Lists the complete backups."""
        return await self._backups.list()

    def _note_time(self, now_us: int) -> int:
        if not self._engine.failed.is_set():
            self._engine.commit(now_us).write()
        return now_us


class ClockService:
    """The clock, for tests."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get_clock(self, _: clock_service_pb2.GetClockRequest) -> clock_service_pb2.GetClockResponse:
        """Returns the clock's time."""
        clock = self._engine.clock
        await self._engine.submit(lambda now_us: self._engine.commit(now_us).write())
        return clock_service_pb2.GetClockResponse(now=timestamp(clock.now_us()), frozen=clock.frozen)

    async def freeze_clock(self, _: clock_service_pb2.FreezeClockRequest) -> clock_service_pb2.FreezeClockResponse:
        """Stops the clock."""
        clock = self._engine.clock
        clock.freeze()
        await self._engine.submit(lambda _: self._hold(clock.now_us()))
        return clock_service_pb2.FreezeClockResponse(now=timestamp(clock.now_us()))

    def _hold(self, now_us: int) -> None:
        """Notes the time and that the clock stands still, so that a restart goes on from there."""
        commit = self._engine.commit(now_us)
        commit.put(HELD_KEY, b"", self._engine.columns.meta_h)
        commit.write()

    async def advance_clock(
        self, request: clock_service_pb2.AdvanceClockRequest
    ) -> clock_service_pb2.AdvanceClockResponse:
        """Turns the clock forward, from one due moment to the next."""
        engine = self._engine
        problems = Problems()
        by_us = problems.duration("by", request.by, _LONGEST_TURN_US)
        problems.check()
        target_us = engine.clock.now_us() + by_us
        engine.clock.freeze()

        def step(_: int) -> bool:
            due_us = engine.alarms.next_firm_us(target_us)
            now_us = target_us if due_us is None else max(due_us, engine.clock.now_us())
            engine.clock.turn_to(now_us)
            engine.run_due(now_us)
            if due_us is None:
                self._hold(now_us)
            return due_us is not None

        while await engine.submit(step):
            pass
        return clock_service_pb2.AdvanceClockResponse(now=timestamp(engine.clock.now_us()))

    async def resume_clock(self, _: clock_service_pb2.ResumeClockRequest) -> clock_service_pb2.ResumeClockResponse:
        """Lets the clock run again."""
        engine = self._engine
        engine.clock.resume()

        def let_run(now_us: int) -> None:
            commit = engine.commit(now_us)
            commit.delete(HELD_KEY, engine.columns.meta_h)
            commit.write()

        await engine.submit(let_run)
        return clock_service_pb2.ResumeClockResponse(now=timestamp(engine.clock.now_us()))


class StoreService:
    """A look beneath the surface, for tests."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def verify_store(self, _: store_service_pb2.VerifyStoreRequest) -> store_service_pb2.VerifyStoreResponse:
        """Compares counters, indexes and records."""
        report = verify_store(self._engine.store)
        problems = report.problems + [
            f"queue {queue.name}: counters in memory {queue.counts} differ from those on disk"
            for queue in self._engine.queues.by_name.values()
            if queue.exists and report.counts.get(queue.name) != queue.counts
        ]
        engine = self._engine
        active = Counter(
            (lease.queue.number, lease.group.key) for lease in engine.leases.by_job.values() if lease.group is not None
        )
        for queue in engine.queues.by_name.values():
            if queue.groups is not None:
                problems += memory_problems(list(queue.groups.by_key.values()), engine.store, active)
        return store_service_pb2.VerifyStoreResponse(problems=problems, jobs=report.jobs)
