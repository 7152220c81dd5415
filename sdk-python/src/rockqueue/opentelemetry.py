"""Spans for pushes and handlers, joined through the jobs' headers, by the conventions for messaging systems.

    from rockqueue.opentelemetry import OpenTelemetryMiddleware

    client = Client(middleware=[OpenTelemetryMiddleware()])

Needs `pip install "rockqueue[opentelemetry]"`, and an OpenTelemetry SDK to send spans anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from rockqueue._middleware import Middleware, NextHandle, NextPush, NextPushSync
from rockqueue._models import PushedJob
from rockqueue._options import NewJob
from rockqueue._version import __version__
from rockqueue._worker.context import JobContext
from rockqueue._worker.outcomes import JobCancelled, Release, Snooze

__all__ = ["OpenTelemetryMiddleware"]

# How a handler may end without having failed.
_NO_FAILURE = (asyncio.CancelledError, JobCancelled, Release, Snooze)


class OpenTelemetryMiddleware(Middleware):
    """A producer span for each push, and a consumer span for each attempt, which is a child of it.

    The context travels in the job's headers (`traceparent`, and what else the global propagator writes). A `push_many`
    is one span. Snoozed, released and cancelled attempts are no errors: `rockqueue.outcome` says what they are.

    Args:
        tracer_provider: Where the spans go. Default: the global one.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("rockqueue", __version__, tracer_provider)

    async def push(self, jobs: Sequence[NewJob], call_next: NextPush) -> list[PushedJob]:
        """A producer span."""
        with self._producer(jobs) as span:
            pushed = await call_next([_with_trace(job) for job in jobs])
            _name_messages(span, pushed)
            return pushed

    def push_sync(self, jobs: Sequence[NewJob], call_next: NextPushSync) -> list[PushedJob]:
        """A producer span."""
        with self._producer(jobs) as span:
            pushed = call_next([_with_trace(job) for job in jobs])
            _name_messages(span, pushed)
            return pushed

    async def handle(self, ctx: JobContext, call_next: NextHandle) -> Any:
        """A consumer span, current in the handler."""
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "rockqueue",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": ctx.queue,
            "messaging.message.id": ctx.id,
            "messaging.message.body.size": len(ctx.payload_bytes),
            "rockqueue.job.name": ctx.name,
            "rockqueue.job.attempt": ctx.attempt,
        }
        parent = propagate.extract(ctx.headers)
        token = context.attach(parent)
        try:
            with self._span(f"process {ctx.queue}", SpanKind.CONSUMER, attributes):
                return await call_next()
        finally:
            context.detach(token)

    @contextmanager
    def _producer(self, jobs: Sequence[NewJob]) -> Generator[Span]:
        queues, names = {job.queue for job in jobs}, {job.name for job in jobs}
        attributes: dict[str, AttributeValue] = {
            "messaging.system": "rockqueue",
            "messaging.operation.name": "push",
            "messaging.operation.type": "send",
        }
        # Several queues have no one name.
        queue = queues.pop() if len(queues) == 1 else ""
        if queue:
            attributes["messaging.destination.name"] = queue
        if len(names) == 1:
            attributes["rockqueue.job.name"] = names.pop()
        if len(jobs) != 1:
            attributes["messaging.batch.message_count"] = len(jobs)
        with self._span(f"push {queue}".rstrip(), SpanKind.PRODUCER, attributes) as span:
            yield span

    @contextmanager
    def _span(self, name: str, kind: SpanKind, attributes: dict[str, AttributeValue]) -> Generator[Span]:
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except _NO_FAILURE as outcome:
                span.set_attribute("rockqueue.outcome", type(outcome).__name__)
                raise
            except BaseException as error:
                span.record_exception(error)
                span.set_attribute("error.type", type(error).__qualname__)
                span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
                raise


def _with_trace(job: NewJob) -> NewJob:
    headers = dict(job.options.get("headers") or {})
    propagate.inject(headers)
    return job.with_options(headers=headers)


def _name_messages(span: Span, pushed: Sequence[PushedJob]) -> None:
    if len(pushed) == 1:
        span.set_attribute("messaging.message.id", pushed[0].id)
