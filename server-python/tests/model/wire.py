"""Between the model's terms and the messages of the contract."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from model.model import Model
from model.terms import ACTIVE, DELAYED, FINISHED, SETTINGS, WAITING, Delivery, Event, Job, Outcome, Spec

from rockqueue.v1 import event_service_pb2, job_pb2, queue_service_pb2, work_service_pb2
from rockqueue_server.contract.times import duration

Shown = dict[str, object]
"""A job or a queue as it is compared: names of fields and their values."""


def to_spec(spec: Spec) -> job_pb2.JobSpec:
    """A job to push."""
    message = job_pb2.JobSpec(queue=spec.queue, name=spec.name, payload=spec.payload, priority=spec.priority)
    for field, value in (("delay", spec.delay_us), ("ttl", spec.ttl_us), ("timeout", spec.timeout_us)):
        if value:
            getattr(message, field).CopyFrom(duration(value))
    if spec.max_crashes != Spec("").max_crashes:
        message.max_crashes = spec.max_crashes
    if spec.cancel_grace_us != Spec("").cancel_grace_us:
        message.cancel_grace.CopyFrom(duration(spec.cancel_grace_us))
    if spec.retention_us is not None:
        message.retention.CopyFrom(duration(spec.retention_us))
    if spec.retry is not None:
        message.retry.MergeFrom(job_pb2.RetryPolicy(kind=f"BACKOFF_KIND_{spec.retry.kind}"))
        message.retry.base.CopyFrom(duration(spec.retry.base_us))
        message.retry.max_delay.CopyFrom(duration(spec.retry.max_delay_us))
        message.retry.max_attempts = spec.retry.max_attempts
        message.retry.jitter = 0
    if spec.unique is not None:
        unique = message.unique
        unique.key = spec.unique.key
        unique.scope = job_pb2.UNIQUE_SCOPE_QUEUE_AND_NAME if spec.unique.by_name else job_pb2.UNIQUE_SCOPE_QUEUE
        unique.MergeFrom(job_pb2.UniqueKey(on_conflict=f"UNIQUE_CONFLICT_{spec.unique.on_conflict}"))
        if spec.unique.until == "WINDOW":
            unique.window.CopyFrom(duration(spec.unique.window_us))
        else:
            unique.MergeFrom(job_pb2.UniqueKey(state=f"UNIQUE_UNTIL_{spec.unique.until}"))
    return message


def to_settlement(token: bytes, outcome: Outcome) -> work_service_pb2.Settlement:
    """A settlement to send."""
    message = work_service_pb2.Settlement(lease_token=token)
    if outcome.kind == "complete":
        message.complete.result = outcome.result
        message.complete.follow_ups.extend(to_spec(spec) for spec in outcome.follow_ups)
    elif outcome.kind == "fail":
        message.fail.error.type = "Boom"
        if outcome.never:
            message.fail.never = True
        elif outcome.delay_us is not None:
            message.fail.retry_delay.CopyFrom(duration(outcome.delay_us))
    elif outcome.kind == "snooze":
        message.snooze.SetInParent()
        if outcome.delay_us is not None:
            message.snooze.delay.CopyFrom(duration(outcome.delay_us))
    else:
        getattr(message, outcome.kind).SetInParent()
    return message


def to_settings(settings: dict[str, int]) -> queue_service_pb2.QueueSettings:
    """Settings of a queue."""
    message = queue_service_pb2.QueueSettings()
    for name, value in settings.items():
        if name.startswith("max_"):
            setattr(message, name, value)
        else:
            getattr(message, name).CopyFrom(duration(value))
    return message


def to_state(state: str) -> job_pb2.JobState:
    """A state by its name."""
    return job_pb2.Job(state=f"JOB_STATE_{state}").state


def of_delivery(delivery: work_service_pb2.Delivery) -> Delivery:
    """What a worker was given."""
    return Delivery(
        delivery.job_id,
        delivery.lease_token,
        delivery.attempt,
        _span_us(delivery.lease),
        delivery.failures,
        delivery.crashes,
        delivery.spec.payload,
    )


def of_event(event: event_service_pb2.Event) -> Event:
    """What happened."""
    type_ = event_service_pb2.EventType.Name(event.type).removeprefix("EVENT_TYPE_")
    detail: object = ""
    if type_ in ("JOB_FAILED", "JOB_CRASHED"):
        detail = (event.error.type, event.worker)
    elif type_ in ("JOB_STARTED", "WORKER_JOINED", "WORKER_LEFT"):
        detail = event.worker
    elif type_ == "JOB_DEAD":
        detail = job_pb2.DeadReason.Name(event.dead_reason).removeprefix("DEAD_REASON_")
    elif type_ == "QUEUE_PURGED":
        detail = event.purged
    elif event.HasField("ready_time"):
        detail = _moment_us(event.ready_time)
    state = _state_name(event.state) if event.job_id else ""
    return Event(_moment_us(event.time), type_, event.queue, event.job_id, state, event.attempt, detail)


def of_job(job: job_pb2.Job) -> Shown:
    """A job as the server shows it."""
    spec = job.spec
    return {
        "queue": spec.queue,
        "name": spec.name,
        "payload": spec.payload,
        "priority": spec.priority,
        "run": _moment_us(spec.run_time),
        "expire": _moment_us(spec.expire_time),
        "relative": spec.HasField("delay") or spec.HasField("ttl"),
        "state": _state_name(job.state),
        "create": _moment_us(job.create_time),
        "ready": _moment_us(job.ready_time),
        "start": _moment_us(job.start_time),
        "finish": _moment_us(job.finish_time),
        "purge": _moment_us(job.purge_time),
        "counters": (job.attempt, job.failures, job.crashes, job.releases, job.snoozes),
        "dead": job_pb2.DeadReason.Name(job.dead_reason).removeprefix("DEAD_REASON_"),
        "errors": [(e.attempt, _moment_us(e.time), e.error.type, e.worker) for e in job.errors],
        "result": job.result,
        "worker": job.worker,
        "cancel": job.cancel_requested,
    }


def show_job(job: Job) -> Shown:
    """The same of a job of the model."""
    return {
        "queue": job.spec.queue,
        "name": job.spec.name,
        "payload": job.spec.payload,
        "priority": job.spec.priority,
        "run": job.run_us,
        "expire": job.expire_us,
        "relative": False,
        "state": job.state,
        "create": job.create_us,
        "ready": job.ready_us if job.state in (WAITING, DELAYED) else 0,
        "start": job.start_us,
        "finish": job.finish_us if job.state in FINISHED else 0,
        "purge": job.purge_us if job.state in FINISHED else 0,
        "counters": (job.attempt, job.failures, job.crashes, job.releases, job.snoozes),
        "dead": job.dead_reason or "UNSPECIFIED",
        "errors": job.errors,
        "result": job.result,
        "worker": job.worker,
        "cancel": job.state == ACTIVE and job.cancel_by_us > 0,
    }


def of_queue(queue: queue_service_pb2.Queue) -> Shown:
    """A queue as the server shows it."""
    counts = queue.counts
    settings = {
        name: getattr(queue.settings, name) if name.startswith("max_") else _span_us(getattr(queue.settings, name))
        for name in SETTINGS
        if queue.settings.HasField(name)  # type: ignore[arg-type]
    }
    return {
        "name": queue.name,
        "paused": queue.paused,
        "settings": settings,
        "counts": (counts.waiting, counts.delayed, counts.active, counts.completed, counts.dead, counts.cancelled),
        "oldest": _moment_us(queue.oldest_ready_time),
        "create": _moment_us(queue.create_time),
        "workers": queue.workers,
    }


def show_queue(model: Model, name: str) -> Shown:
    """The same of a queue of the model."""
    queue = model.queues[name]
    return {
        "name": name,
        "paused": queue.paused,
        "settings": queue.settings,
        "counts": tuple(model.count(name, state) for state in (WAITING, DELAYED, ACTIVE, *FINISHED)),
        "oldest": min((job.ready_us for job in model.ready(name)), default=0),
        "create": queue.create_us,
        "workers": sum(name in session.queues for session in model.sessions.values()),
    }


def _state_name(state: job_pb2.JobState) -> str:
    return job_pb2.JobState.Name(state).removeprefix("JOB_STATE_")


def _moment_us(value: Timestamp) -> int:
    return value.ToMicroseconds()


def _span_us(value: Duration) -> int:
    return value.ToMicroseconds()
