"""The server's figures for Prometheus: a snapshot taken on the event loop, and a collector that shows it.

Taking the snapshot is cheap and happens on the loop, so that no figure is read while the engine changes it. Writing it
out for hundreds of queues is not cheap and happens elsewhere (`api/monitor.py`), so that a scrape does not hold up
jobs.

Labels are bounded: at most 200 queues have their own, the first ones by activity at the scrape that sees them. A queue
keeps its label for the life of the process, since a counter that moved between labels would look like a restart. All
others are summed under queue="~other", which no queue can be called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import add
from typing import Protocol

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rockqueue.v1 import flow_service_pb2
from rockqueue_server.engine.health import WorkerGauges
from rockqueue_server.engine.stats import (
    GROUP_BOUNDS,
    LATENCY_BOUNDS_S,
    THROTTLES,
    Histogram,
    QueueStats,
    Stats,
    WebhookGauges,
)

MAX_QUEUE_LABELS = 200
OTHER = "~other"

FLOW_STATES = (
    flow_service_pb2.FLOW_STATE_COMPLETED,
    flow_service_pb2.FLOW_STATE_FAILED,
    flow_service_pb2.FLOW_STATE_CANCELLED,
)

# QueueStats attribute -> what the help text says happened.
QUEUE_COUNTERS: tuple[tuple[str, str], ...] = (
    ("pushed", "Jobs stored"),
    ("delivered", "Deliveries to workers"),
    ("completed", "Jobs completed"),
    ("failed", "Attempts that failed or timed out"),
    ("retried", "Failed attempts that will be repeated, and jobs put back by RetryJobs"),
    ("dead", "Jobs given up"),
    ("cancelled", "Jobs cancelled"),
    ("crashed", "Deliveries that ended with the worker gone"),
    ("released", "Deliveries given back"),
    ("snoozed", "Deliveries put off by their handler"),
    ("expired", "Jobs not started in time"),
)


class GaugesView(Protocol):
    """What is used of `Core.gauges()`."""

    @property
    def depth(self) -> Mapping[str, Mapping[str, int]]: ...
    @property
    def backlog_bytes(self) -> Mapping[str, int]: ...
    @property
    def oldest_age_s(self) -> Mapping[str, float]: ...
    @property
    def ready_groups(self) -> Mapping[str, int]: ...
    @property
    def sessions(self) -> int: ...
    @property
    def credits(self) -> int: ...
    @property
    def schedules(self) -> int: ...
    @property
    def workers(self) -> WorkerGauges: ...
    @property
    def webhooks(self) -> WebhookGauges: ...


class MeasuredCore(Protocol):
    """What metrics need of a core."""

    @property
    def stats(self) -> Stats: ...
    def gauges(self) -> GaugesView: ...


@dataclass(slots=True)
class QueueFigures:
    """The figures under one queue label."""

    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys((name for name, _ in QUEUE_COUNTERS), 0))
    depth: dict[str, int] = field(default_factory=dict[str, int])
    backlog_bytes: int = 0
    oldest_waiting_s: float = 0.0
    ready_groups: int = 0
    throttled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(THROTTLES, 0))
    wait_s: Histogram = field(default_factory=Histogram)
    run_s: Histogram = field(default_factory=Histogram)

    def add_stats(self, stats: QueueStats) -> None:
        """Adds the counters of a queue."""
        for name in self.counters:
            self.counters[name] += getattr(stats, name)
        for limit, count in stats.throttled.items():
            self.throttled[limit] += count
        _add(self.wait_s, stats.wait_s)
        _add(self.run_s, stats.run_s)

    def add_gauges(self, depth: Mapping[str, int], backlog_bytes: int, oldest_s: float, ready_groups: int) -> None:
        """Adds the depth of a queue; the oldest job is the oldest of all."""
        self.backlog_bytes += backlog_bytes
        for state, jobs in depth.items():
            self.depth[state.lower()] = self.depth.get(state.lower(), 0) + jobs
        self.oldest_waiting_s = max(self.oldest_waiting_s, oldest_s)
        self.ready_groups += ready_groups


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All figures at one moment, independent of the engine."""

    version: str
    queues: dict[str, QueueFigures]
    push_s: Histogram
    commit_s: Histogram
    fsync_s: Histogram
    group_ops: Histogram
    events: int
    flows_pushed: int
    flows_finished: dict[int, int]
    commits: int
    sessions: int
    credits: int
    schedules: int
    schedules_fired: int
    schedules_skipped: int
    schedule_late_s: Histogram
    workers: WorkerGauges
    webhook_requests: dict[str, int]
    webhook_s: Histogram
    webhooks: WebhookGauges

    def exposition(self) -> bytes:
        """The text that Prometheus reads, with figures of the process and the interpreter. Takes up to 0.2 s."""
        registry = CollectorRegistry()
        registry.register(SnapshotCollector(self))
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        return generate_latest(registry)


class Recorder:
    """Takes snapshots of a core. Call it on the core's event loop only."""

    def __init__(self, core: MeasuredCore, version: str, max_labels: int = MAX_QUEUE_LABELS) -> None:
        self._core = core
        self._version = version
        self._max_labels = max_labels
        self._labelled: set[str] = set()

    def snapshot(self) -> Snapshot:
        """The figures now."""
        stats, gauges = self._core.stats, self._core.gauges()
        self._label(stats, gauges)
        return Snapshot(
            version=self._version,
            queues=self._by_label(stats, gauges),
            push_s=_copy(stats.push_s, LATENCY_BOUNDS_S),
            commit_s=_copy(stats.commit_s, LATENCY_BOUNDS_S),
            fsync_s=_copy(stats.fsync_s, LATENCY_BOUNDS_S),
            group_ops=_copy(stats.group_ops, GROUP_BOUNDS),
            events=stats.events,
            flows_pushed=stats.flows_pushed,
            flows_finished=dict(stats.flows_finished),
            commits=stats.commits,
            sessions=gauges.sessions,
            credits=gauges.credits,
            schedules=gauges.schedules,
            schedules_fired=stats.schedules_fired,
            schedules_skipped=stats.schedules_skipped,
            schedule_late_s=_copy(stats.schedule_late_s, LATENCY_BOUNDS_S),
            workers=gauges.workers,
            webhook_requests=dict(stats.webhook_requests),
            webhook_s=_copy(stats.webhook_s, LATENCY_BOUNDS_S),
            webhooks=gauges.webhooks,
        )

    def _label(self, stats: Stats, gauges: GaugesView) -> None:
        """Gives free labels to queues that have none, the busiest first."""
        free = self._max_labels - len(self._labelled)
        if free <= 0:
            return

        def activity(queue: str) -> tuple[int, int, str]:
            counts = stats.queues.get(queue)
            jobs = sum(gauges.depth.get(queue, {}).values())
            return (-(counts.pushed + counts.delivered) if counts else 0, -jobs, queue)

        new = (stats.queues.keys() | gauges.depth.keys()) - self._labelled
        self._labelled.update(sorted(new, key=activity)[:free])

    def _by_label(self, stats: Stats, gauges: GaugesView) -> dict[str, QueueFigures]:
        figures: dict[str, QueueFigures] = {}
        for queue, counts in stats.queues.items():
            self._figures(figures, queue).add_stats(counts)
        for queue, depth in gauges.depth.items():
            self._figures(figures, queue).add_gauges(
                depth,
                gauges.backlog_bytes.get(queue, 0),
                gauges.oldest_age_s.get(queue, 0.0),
                gauges.ready_groups.get(queue, 0),
            )
        return figures

    def _figures(self, figures: dict[str, QueueFigures], queue: str) -> QueueFigures:
        return figures.setdefault(queue if queue in self._labelled else OTHER, QueueFigures())


class SnapshotCollector(Collector):
    """Shows one snapshot to Prometheus."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        """The families of all RockQueue metrics."""
        yield from self._server()
        yield from self._schedules()
        yield from self._flows()
        yield from self._queue_counters()
        yield from self._queue_gauges()
        yield _histogram("rockqueue_push_seconds", "Time from a push to its answer", self._snapshot.push_s)
        yield _histogram("rockqueue_commit_seconds", "Time to write one commit", self._snapshot.commit_s)
        yield _histogram("rockqueue_fsync_seconds", "Time of one fsync", self._snapshot.fsync_s)
        yield _histogram(
            "rockqueue_commit_group_operations", "Operations that share one commit", self._snapshot.group_ops
        )
        yield from self._webhooks()
        yield self._queue_histogram("rockqueue_queue_wait_seconds", "Time from ready to delivery", "wait_s")
        yield self._queue_histogram("rockqueue_run_seconds", "Time from delivery to settlement", "run_s")

    def _server(self) -> Iterator[Metric]:
        now = self._snapshot
        info = GaugeMetricFamily("rockqueue_build_info", "Always 1; the labels tell the version", labels=["version"])
        info.add_metric([now.version], 1)
        yield info
        yield GaugeMetricFamily("rockqueue_sessions", "Open worker sessions", value=now.sessions)
        yield GaugeMetricFamily("rockqueue_credits", "Deliveries that workers would take now", value=now.credits)
        yield from _workers(now.workers)
        yield CounterMetricFamily("rockqueue_events", "Events written", value=now.events)
        yield CounterMetricFamily("rockqueue_commits", "Commits written", value=now.commits)

    def _schedules(self) -> Iterator[Metric]:
        now = self._snapshot
        yield GaugeMetricFamily("rockqueue_schedules", "Schedules, paused ones too", value=now.schedules)
        yield CounterMetricFamily(
            "rockqueue_schedules_fired", "Slots and triggers that made jobs", value=now.schedules_fired
        )
        yield CounterMetricFamily("rockqueue_schedules_skipped", "Slots that made no job", value=now.schedules_skipped)
        text = "Time from the moment at which a slot was to fire to its job"
        yield _histogram("rockqueue_schedule_late_seconds", text, now.schedule_late_s)

    def _flows(self) -> Iterator[Metric]:
        now = self._snapshot
        yield CounterMetricFamily("rockqueue_flows_pushed", "Flows stored since the start", value=now.flows_pushed)
        finished = CounterMetricFamily(
            "rockqueue_flows_finished", "Flows whose last job ended since the start", labels=["state"]
        )
        for state in FLOW_STATES:
            name = flow_service_pb2.FlowState.Name(state).removeprefix("FLOW_STATE_").lower()
            finished.add_metric([name], now.flows_finished.get(state, 0))
        yield finished

    def _webhooks(self) -> Iterator[Metric]:
        now = self._snapshot
        requests = CounterMetricFamily(
            "rockqueue_webhook_requests",
            "Requests to webhooks since the start, by what came of them",
            labels=["outcome"],
        )
        for outcome, count in now.webhook_requests.items():
            requests.add_metric([outcome], count)
        yield requests
        yield _histogram("rockqueue_webhook_seconds", "Time from a request to a webhook to its end", now.webhook_s)
        yield GaugeMetricFamily(
            "rockqueue_webhook_deliveries_pending", "Deliveries to webhooks that wait", value=now.webhooks.pending
        )
        yield GaugeMetricFamily(
            "rockqueue_webhook_late_seconds",
            "For how long the delivery that waits longest beyond its time has been due",
            value=now.webhooks.late_s,
        )

    def _queue_counters(self) -> Iterator[Metric]:
        for name, text in QUEUE_COUNTERS:
            family = CounterMetricFamily(f"rockqueue_jobs_{name}", f"{text} since the start", labels=["queue"])
            for queue, figures in self._snapshot.queues.items():
                family.add_metric([queue], figures.counters[name])
            yield family
        throttled = CounterMetricFamily(
            "rockqueue_deliveries_throttled",
            "How often a limit held up jobs for which there were workers, since the start",
            labels=["queue", "limit"],
        )
        for queue, figures in self._snapshot.queues.items():
            for limit, count in figures.throttled.items():
                throttled.add_metric([queue, limit], count)
        yield throttled

    def _queue_gauges(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily("rockqueue_jobs", "Jobs by state", labels=["queue", "state"])
        backlog = GaugeMetricFamily(
            "rockqueue_backlog_bytes", "Bytes of the jobs that wait or are delayed", labels=["queue"]
        )
        oldest = GaugeMetricFamily(
            "rockqueue_oldest_waiting_seconds", "How long the oldest waiting job has been ready", labels=["queue"]
        )
        groups = GaugeMetricFamily("rockqueue_ready_groups", "Groups with waiting jobs", labels=["queue"])
        for queue, figures in self._snapshot.queues.items():
            groups.add_metric([queue], figures.ready_groups)
            for state, jobs in figures.depth.items():
                depth.add_metric([queue, state], jobs)
            backlog.add_metric([queue], figures.backlog_bytes)
            oldest.add_metric([queue], figures.oldest_waiting_s)
        yield depth
        yield backlog
        yield oldest
        yield groups

    def _queue_histogram(self, name: str, text: str, attribute: str) -> Metric:
        family = HistogramMetricFamily(name, text, labels=["queue"])
        for queue, figures in self._snapshot.queues.items():
            histogram: Histogram = getattr(figures, attribute)
            family.add_metric([queue], _cumulative(histogram), histogram.total)
        return family


def _workers(workers: WorkerGauges) -> Iterator[Metric]:
    states = GaugeMetricFamily("rockqueue_workers", "Worker sessions by state", labels=["state"])
    for state, count in workers.by_state.items():
        states.add_metric([state], count)
    yield states
    yield GaugeMetricFamily(
        "rockqueue_worker_loop_lag_seconds",
        "The longest by which what runs the handlers of a connected worker was late, by its last heartbeat",
        value=workers.loop_lag_s,
    )
    yield GaugeMetricFamily(
        "rockqueue_stuck_handlers",
        "Handlers that their workers call stuck, by their last heartbeats",
        value=workers.stuck,
    )


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    family = HistogramMetricFamily(name, text)
    family.add_metric([], _cumulative(histogram), histogram.total)
    return family


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    """Prometheus wants each bucket to hold all that lies below it."""
    pairs: list[tuple[str, float]] = []
    count = 0
    for bound, observed in zip((*histogram.bounds, None), histogram.buckets, strict=True):
        count += observed
        pairs.append(("+Inf" if bound is None else repr(float(bound)), count))
    return pairs


def _copy(histogram: Histogram, bounds: tuple[float, ...]) -> Histogram:
    copy = Histogram(bounds)
    _add(copy, histogram)
    return copy


def _add(to: Histogram, other: Histogram) -> None:
    to.buckets = list(map(add, to.buckets, other.buckets))
    to.total += other.total
