"""The core: an engine on a data directory, and the services of the contract on top of it.

The gRPC server and the SDK's embedded mode both stand on this.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from rockqueue.v1 import job_pb2
from rockqueue_server import failpoints
from rockqueue_server.contract.states import state_name
from rockqueue_server.engine.engine import Engine
from rockqueue_server.engine.health import WorkerGauges
from rockqueue_server.engine.stats import Stats, WebhookGauges
from rockqueue_server.errors import ServiceError
from rockqueue_server.services.backups import Backups, prepare
from rockqueue_server.services.events import EventService
from rockqueue_server.services.flows import FlowService
from rockqueue_server.services.intake import Intake
from rockqueue_server.services.jobs import JobService
from rockqueue_server.services.queues import QueueService
from rockqueue_server.services.schedules import ScheduleService
from rockqueue_server.services.server import ClockService, ServerService, StoreService, server_version
from rockqueue_server.services.webhooks import WebhookService
from rockqueue_server.services.work import WorkService
from rockqueue_server.store.base import StorageFailed, StorageFull
from rockqueue_server.store.opening import DataDirectory, damaged, disk_failed, is_damage, open_directory
from rockqueue_server.webhooks.addresses import Network
from rockqueue_server.webhooks.courier import Courier

DEFECTS = (
    "accept_stale_lease", "ack_before_sync", "ack_before_write", "backlog_bytes_not_given_back", "backup_overwrites",
    "batch_not_atomic",
    "bulk_token_skips_step", "cancel_lost_on_resume", "charge_crash_on_release", "counters_drift",
    "delete_before_done", "drain_charges_crash", "early_delay", "event_skips_every_100th", "extend_ignored",
    "fence_off_by_one", "first_queue_first", "flow_cancel_ignores_blocked", "flow_cascade_not_atomic",
    "flow_child_released_early", "flow_parent_result_lost", "follow_ups_not_atomic", "forget_request_id",
    "group_limit_ignored", "group_order_broken_by_retry", "group_starved", "heartbeat_extends_one_lease",
    "ignore_priority", "lease_by_wall_clock", "lose_lease_on_resume", "no_jitter_cap", "overlap_ignored",
    "page_token_skips_one", "pause_lost_on_restart", "push_stream_ends_at_refusal", "rate_refilled_by_restart",
    "retention_ignored", "reuse_attempt_number", "schedule_advance_not_atomic", "schedule_dst_gap_skipped",
    "session_taken_keeps_both", "silent_worker_shown_running", "slow_reader_kept", "snooze_counts_failure",
    "tag_index_leaks", "timeout_ignored", "ttl_ignored", "unique_check_ignores_delayed", "watch_repeats_on_resume",
    "webhook_cursor_advances_before_outbox", "webhook_private_address_sent", "webhook_redirect_followed",
    "webhook_signature_old_secret_dropped",
)  # fmt: skip
"""Defects that can be seeded, to prove that the conformance suite and the checker of histories find them."""

WEBHOOK_GRACE_S = 2.0
"""For so long a stop waits for requests to webhooks that are under way. One that is cut off is sent again."""


@dataclass(frozen=True, slots=True)
class CoreOptions:
    """How a core is opened."""

    testing: bool = False
    """Serve the clock and the store to tests."""
    embedded: bool = False
    """The handlers of the former process went with it: its active jobs are ready at once, one crash each."""
    defects: frozenset[str] = frozenset()
    """Seeded defects, some of DEFECTS. Only with `testing`."""
    min_free_bytes: int = 128 << 20
    """Pushes are refused while the disk has less free than this.

    The rest is for what drains the queue, and for RocksDB: after a write met a full disk it serves again only once it
    could flush what it holds in memory, up to 96 MiB.
    """
    backup_dir: Path | None = None
    """Where backups go. None: they are off."""
    accept_data_loss: bool = False
    """Open a database whose last acknowledged commits are missing."""
    webhook_allow: tuple[Network, ...] = ()
    """Networks that webhooks may go to although they are not public."""


@dataclass(slots=True)
class Gauges:
    """What there is now. `depth` is jobs by queue and state, `oldest_age_s` the age of the job that waits longest."""

    depth: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    backlog_bytes: dict[str, int] = field(default_factory=dict[str, int])
    """Bytes of the jobs that are WAITING or DELAYED, by queue."""
    oldest_age_s: dict[str, float] = field(default_factory=dict[str, float])
    ready_groups: dict[str, int] = field(default_factory=dict[str, int])
    """Groups with waiting jobs, by queue."""
    sessions: int = 0
    credits: int = 0
    leases: int = 0
    watchers: int = 0
    waiters: int = 0
    schedules: int = 0
    workers: WorkerGauges = field(default_factory=WorkerGauges)
    webhooks: WebhookGauges = field(default_factory=WebhookGauges)


class Core:
    """All services on one data directory. Use `open`; everything is called on the event loop that opened it."""

    def __init__(self, directory: DataDirectory, engine: Engine, options: CoreOptions) -> None:
        self._directory = directory
        self.engine = engine
        intake = Intake(engine, directory.store, options.min_free_bytes)
        self._intake = intake
        self.jobs = JobService(engine, intake)
        self.work = WorkService(engine, intake)
        self.queues = QueueService(engine, intake)
        self.schedules = ScheduleService(engine, intake)
        engine.schedules.has_room = intake.has_room
        self.events = EventService(engine)
        self.flows = FlowService(engine, intake)
        self.courier = Courier(engine, options.webhook_allow, f"rockqueue/{server_version()}")
        self.webhooks = WebhookService(engine, intake, self.courier)
        self._backups = Backups(engine, intake, directory, options.backup_dir)
        self.server = ServerService(engine, self._backups, testing=options.testing)
        self.clock = ClockService(engine) if options.testing else None
        self.store = StoreService(engine) if options.testing else None

    @classmethod
    async def open(cls, path: str | os.PathLike[str], options: CoreOptions | None = None) -> Core:
        """Opens the directory, made if it does not exist, and begins to work. Raises StoreError."""
        options = options or CoreOptions()
        if options.testing:
            failpoints.arm_from_environment()
        unknown = options.defects - set(DEFECTS)
        if unknown or (options.defects and not options.testing):
            raise ValueError(f"unknown defect {sorted(unknown)}" if unknown else "defects are for testing only")
        directory = open_directory(path, accept_data_loss=options.accept_data_loss)
        try:
            if options.backup_dir is not None:
                prepare(options.backup_dir)
            engine = Engine(
                directory.store,
                embedded=options.embedded,
                record_commit=directory.record_commit,
                defects=options.defects,
                testing=options.testing,
            )
            engine.start()
            core = cls(directory, engine, options)
            core.courier.start()
        except BaseException as error:
            with contextlib.suppress(Exception):
                directory.close()
            if isinstance(error, (StorageFailed, StorageFull, ServiceError)):
                raise disk_failed(directory.path, error.__cause__ or error) from error
            if is_damage(error):
                raise damaged(directory.path, error) from error
            raise
        return core

    @property
    def stats(self) -> Stats:
        """What was counted since the start."""
        return self.engine.stats

    @property
    def failed(self) -> asyncio.Event:
        """Set when the disk failed for good, or the engine did: the process must end without writing any more."""
        return self.engine.failed

    @property
    def failed_by_disk(self) -> bool:
        """Which of the two it was."""
        return self.engine.failed_by_disk

    def gauges(self) -> Gauges:
        """What there is now."""
        gauges = Gauges(leases=len(self.engine.leases.by_job), watchers=self.engine.feed.watchers)
        gauges.waiters = self.engine.waiters.count
        gauges.schedules = self.engine.schedules.count
        now_us = self.engine.clock.now_us()
        for name, queue in self.engine.queues.by_name.items():
            if queue.exists:
                gauges.depth[name] = {
                    state_name(state): queue.counts[state] for state in range(1, len(job_pb2.JobState.values()))
                }
                gauges.backlog_bytes[name] = queue.backlog_bytes
                gauges.ready_groups[name] = queue.groups.ready if queue.groups is not None else 0
                oldest_us = self.engine.queues.oldest_ready_us(queue)
                gauges.oldest_age_s[name] = max(0, now_us - oldest_us) / 1e6 if oldest_us is not None else 0.0
        for session in self.engine.sessions.by_id.values():
            gauges.sessions += session.attached
            gauges.credits += session.credits
            gauges.workers.add(session, now_us)
        gauges.webhooks = self.courier.gauges()
        return gauges

    async def drain(self, grace_s: float = 30.0) -> None:
        """Refuses intake, ends long polls and watches, and waits up to `grace_s` for worker sessions to say Goodbye."""
        self._intake.closed = True
        self.engine.begin_stop()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_s
        # Sessions end in many ways; once in a life, a look every now and then is enough.
        while loop.time() < deadline and any(session.attached for session in self.engine.sessions.by_id.values()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await self.courier.stop(min(WEBHOOK_GRACE_S, max(0.0, deadline - loop.time())))

    async def close(self) -> None:
        """Syncs and closes. Nothing may be called afterwards. Raises StoreError when the disk fails meanwhile."""
        self._intake.closed = True
        self.engine.begin_stop()
        await self.courier.stop(0)
        await self._backups.close()
        await self.engine.stop()
        if self.engine.failed.is_set():
            with contextlib.suppress(Exception):
                self._directory.close()
            return
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._directory.close)
        except Exception as error:
            raise disk_failed(self._directory.path, error) from error
