"""Spans of pushes and handlers, as an OpenTelemetry SDK receives them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import rockqueue
from rockqueue import JobState, NewJob, RockQueueError, Worker
from rockqueue.opentelemetry import OpenTelemetryMiddleware
from rockqueue.testing import RockQueueServer


class Spans:
    """What was traced."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.middleware = OpenTelemetryMiddleware(self.provider)

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]


@pytest.fixture
def spans() -> Iterator[Spans]:
    made = Spans()
    yield made
    made.provider.shutdown()


def context_of(span: ReadableSpan) -> trace.SpanContext:
    assert span.context is not None
    return span.context


async def test_a_push_and_its_handler_are_one_trace(rockqueue_server: RockQueueServer, spans: Spans) -> None:
    inside: list[trace.SpanContext] = []

    def work(payload: object) -> None:
        del payload
        inside.append(trace.get_current_span().get_span_context())

    async with rockqueue_server.client(middleware=[spans.middleware]) as client:
        with spans.provider.get_tracer("test").start_as_current_span("request") as request:
            pushed = await client.push("mail", "send", {"to": "ada"}, headers={"own": "kept"})
        async with Worker(client, handlers={"send": work}, queues=["mail"]):
            await client.result(pushed.id, timeout=10)
        headers = (await client.get(pushed.id)).headers
    (push,), (process,) = spans.named("push mail"), spans.named("process mail")
    assert (push.kind, process.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert push.parent == request.get_span_context()
    assert process.parent is not None
    assert process.parent.span_id == context_of(push).span_id
    assert process.parent.is_remote
    assert context_of(process).trace_id == request.get_span_context().trace_id
    assert inside == [context_of(process)]
    assert headers["own"] == "kept"
    assert f"{context_of(push).span_id:016x}" in headers["traceparent"]
    assert dict(push.attributes or {}) == {
        "messaging.system": "rockqueue",
        "messaging.operation.name": "push",
        "messaging.operation.type": "send",
        "messaging.destination.name": "mail",
        "messaging.message.id": pushed.id,
        "rockqueue.job.name": "send",
    }
    assert dict(process.attributes or {}) == {
        "messaging.system": "rockqueue",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "mail",
        "messaging.message.id": pushed.id,
        "messaging.message.body.size": len(b'{"to":"ada"}'),
        "rockqueue.job.name": "send",
        "rockqueue.job.attempt": 1,
    }


async def test_attempts_that_fail_are_errors_and_those_put_off_are_not(
    rockqueue_server: RockQueueServer, spans: Spans
) -> None:
    async def work(ctx: rockqueue.JobContext, payload: object) -> None:
        del payload
        if ctx.attempt == 1:
            raise rockqueue.Snooze(0)
        if ctx.attempt == 2:
            raise ValueError("no")

    async with (
        rockqueue_server.client(middleware=[spans.middleware]) as client,
        Worker(client, handlers={"send": work}, queues=["mail"]),
    ):
        pushed = await client.push("mail", "send", retry=rockqueue.RetryPolicy(base=0))
        assert (await client.wait(pushed.id, timeout=10)).state is JobState.COMPLETED
    snoozed, failed, done = spans.named("process mail")
    assert [span.status.status_code for span in (snoozed, failed, done)] == [
        StatusCode.UNSET,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert (snoozed.attributes or {})["rockqueue.outcome"] == "Snooze"
    assert (failed.attributes or {})["error.type"] == "ValueError"
    assert failed.status.description == "ValueError: no"
    assert [event.name for event in failed.events] == ["exception"]
    assert len({context_of(span).trace_id for span in (snoozed, failed, done)}) == 1


def test_a_sync_batch_is_one_span(rockqueue_server: RockQueueServer, spans: Spans) -> None:
    with rockqueue_server.sync_client(middleware=[spans.middleware]) as client:
        pushed = client.push_many([NewJob("a", "n"), NewJob("b", "n")])
        headers = [client.get(one.id).headers["traceparent"] for one in pushed]
        with pytest.raises(RockQueueError):
            client.push("not a queue name", "n")
    (batch,) = spans.named("push")
    assert batch.kind is SpanKind.PRODUCER
    assert (batch.attributes or {})["messaging.batch.message_count"] == 2
    assert "messaging.destination.name" not in (batch.attributes or {})
    assert headers[0] == headers[1]
    (refused,) = spans.named("push not a queue name")
    assert refused.status.status_code is StatusCode.ERROR
    assert (refused.attributes or {})["error.type"] == "InvalidRequest"
