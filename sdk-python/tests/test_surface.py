"""The public names, the likeness of both clients, and what happens outside of the ordinary."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rockqueue
from rockqueue import Client, EventStream, SyncClient, SyncEventStream
from rockqueue._errors import RockQueueError
from rockqueue._flow_calls import Flows, SyncFlows
from rockqueue._operating import Backups, SyncBackups
from rockqueue._queues import Queues, SyncQueues
from rockqueue._raw import Raw, RawCall, SyncRaw, SyncRawCall
from rockqueue._schedules import Schedules, SyncSchedules
from rockqueue._webhooks import SyncWebhooks, Webhooks
from rockqueue.v1 import (
    event_service_pb2,
    flow_service_pb2,
    job_service_pb2,
    queue_service_pb2,
    schedule_service_pb2,
    server_service_pb2,
    webhook_service_pb2,
    work_service_pb2,
)
from rockqueue.v1.job_pb2 import JobSpec

PUBLIC = """
AttemptError Backup BackupExists BackupsOff BulkResult CallRetry CancelCause Client ClientClosed ClientOptions
CursorExpired DeadReason DeadlineExceeded EmbeddedError Event EventFilter EventStream EventType Explanation
ExplanationKind Flow FlowChange FlowCycle FlowInfo FlowJob FlowNotFound FlowParent FlowState ForkError Group
GroupSettings InvalidRequest InvalidState JSON Job JobCancelled JobContext JobDefinition JobExplanation JobFailed
JobFilter JobLogs JobNotFound JobOptions JobOrigin JobSchedule JobState JsonCodec LeaseLost LimitExceeded LogLine
Middleware NewJob NextHandle NextPush NextPushSync NonRetryable NotFound Overloaded ParentJob PayloadCodec PayloadError
Progress PushedFlow PushedJob Queue QueueCounts QueueFull QueueNotFound QueueSettings RateLimit Release
ResourceExhausted RetryAfter RetryPolicy RockQueueError Schedule ScheduleNotFound ScheduleOptions Seconds ServerError
ServerInfo SessionState Snooze StorageFull SyncClient SyncEventStream TypedCodec Unavailable Unique UniqueConflict
Webhook WebhookAttempt WebhookDelivery WebhookDeliveryNotFound WebhookDeliveryState WebhookNotFound
WebhookVerificationError Worker WorkerInfo WorkerState job
""".split()  # noqa: SIM905 - one name a line would fill the page


def test_the_public_names() -> None:
    assert rockqueue.__all__ == sorted(PUBLIC)  # type: ignore[attr-defined]
    for name in PUBLIC:
        assert getattr(rockqueue, name) is not None
        assert name in dir(rockqueue)
    assert rockqueue.__version__
    with pytest.raises(AttributeError):
        rockqueue.Nothing  # type: ignore[attr-defined] # noqa: B018


def test_messages_alone_do_not_load_the_client() -> None:
    program = "import sys, rockqueue.v1.job_pb2, rockqueue.testing.v1.clock_service_pb2; print('grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_error_is_a_rockqueue_error() -> None:
    kinds = [value for name in PUBLIC if isinstance(value := getattr(rockqueue, name), type)]
    errors = [kind for kind in kinds if kind.__module__ == "rockqueue._errors"]
    assert len(errors) > 15
    assert all(issubclass(kind, RockQueueError) for kind in errors)


def surface(kind: type) -> dict[str, list[str]]:
    """Public methods and properties of a class, with the parameters and their defaults."""
    found: dict[str, list[str]] = {}
    for name, value in inspect.getmembers(kind):
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        if inspect.isfunction(value):
            found[name] = [str(one) for one in inspect.signature(value).parameters.values()]
        elif isinstance(value, property):
            found[name] = ["property"]
    return found


@pytest.mark.parametrize(
    ("asynchronous", "synchronous"),
    [
        (Client, SyncClient),
        (Queues, SyncQueues),
        (Schedules, SyncSchedules),
        (Flows, SyncFlows),
        (Webhooks, SyncWebhooks),
        (Backups, SyncBackups),
        (Raw, SyncRaw),
        (RawCall, SyncRawCall),
        (EventStream, SyncEventStream),
    ],
)
def test_both_clients_have_the_same_surface(asynchronous: type, synchronous: type) -> None:
    expected = surface(asynchronous)
    if "aclose" in expected:  # as Python calls it where it is awaited
        expected["close"] = expected.pop("aclose")
    assert surface(synchronous) == expected


def test_both_raw_surfaces_have_every_unary_call_of_the_contract() -> None:
    files = (
        job_service_pb2, queue_service_pb2, work_service_pb2, server_service_pb2, event_service_pb2,
        schedule_service_pb2, flow_service_pb2, webhook_service_pb2,
    )  # fmt: skip
    unary = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
        for file in files
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if not (method.client_streaming or method.server_streaming)
    }
    for raw in (Client().raw, SyncClient().raw):
        assert {name for name in vars(raw) if not name.startswith("_")} == unary


def test_a_sync_client_makes_raw_calls(tmp_path: Path) -> None:
    with SyncClient(f"embedded:{tmp_path}/jobs.db") as client:
        spec = JobSpec(queue="q", name="n")
        pushed = client.raw.push_jobs(job_service_pb2.PushJobsRequest(jobs=[spec]), timeout=5)
        found = client.raw.get_job(job_service_pb2.GetJobRequest(job_id=pushed.jobs[0].job_id))
        assert found.job.spec.queue == "q"
        with pytest.raises(rockqueue.JobNotFound):
            client.raw.get_job(job_service_pb2.GetJobRequest(job_id="0193f5a0-0000-7000-8000-000000000000"))


def test_making_a_client_does_nothing() -> None:
    program = (
        "import threading, rockqueue\n"
        "client = rockqueue.Client('rockqueue://localhost:1')\n"
        "worker = rockqueue.Worker(client, handlers={'n': lambda payload: None}, queues=['q'])\n"
        "print(threading.active_count(), worker.state)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "1 CREATED"


async def test_a_client_does_not_survive_a_fork(embedded: Client) -> None:
    await embedded.push("q", "n")
    operations = embedded.operations()
    operations.runtime.pid = os.getpid() + 1
    with pytest.raises(rockqueue.ForkError, match="child"):
        await embedded.push("q", "n")
    operations.runtime.pid = os.getpid()


async def test_a_closed_client_says_so(embedded: Client) -> None:
    await embedded.close()
    await embedded.close()
    with pytest.raises(rockqueue.ClientClosed):
        await embedded.push("q", "n")


async def test_a_client_serves_several_loops(embedded: Client) -> None:
    here = await embedded.push("q", "n", 1)
    there = await asyncio.to_thread(asyncio.run, embedded.get(here.id))
    assert there.payload == 1


def test_an_interpreter_ends_although_the_client_was_not_closed() -> None:
    program = (
        "import rockqueue, tempfile\n"
        "client = rockqueue.SyncClient('embedded:' + tempfile.mkdtemp() + '/jobs.db')\n"
        "print(client.push('q', 'n').id)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert len(done.stdout.strip()) == 36
    assert done.stderr == ""


def test_options_of_a_client_are_checked() -> None:
    with pytest.raises(ValueError, match="timeout"):
        Client(timeout=-1)
    with pytest.raises(ValueError, match="durability"):
        Client(durability="maybe")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_attempts"):
        rockqueue.CallRetry(max_attempts=0)


def handle(payload: object) -> object:
    return payload


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 0},
        {"prefetch": -1},
        {"concurrency": 6000, "prefetch": 6000},
        {"queues": []},
        {"queues": "q"},
        {"lease": -1},
        {"stuck_after": -1},
        {"handlers": {}},
    ],
)
def test_options_of_a_worker_are_checked(options: dict[str, object]) -> None:
    chosen: dict[str, object] = {"handlers": {"n": handle}, "queues": ["q"], **options}
    with pytest.raises((ValueError, TypeError)):
        rockqueue.Worker(Client(), **chosen)  # type: ignore[arg-type]
