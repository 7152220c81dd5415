"""Each way a call can fail, as the client sees it."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable

import grpc
import pytest
from api.scripted import raising, refusal, scripted, unary_bytes
from google.rpc.status_pb2 import Status

from rockqueue.v1 import error_reason_pb2, job_service_pb2, job_service_pb2_grpc
from rockqueue_server import errors
from rockqueue_server.api.failures import wire_status
from rockqueue_server.errors import FieldViolation, ServiceError

# The arguments for each function of `errors` that makes a ServiceError; one without a line here fails a test below.
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "invalid_field": (FieldViolation("jobs[0].queue", "must not be empty"), FieldViolation("jobs[1].name", "too long")),
    "limit_exceeded": ("jobs", 1000, 1001, "entries"),
    "job_not_found": ("01930000-0000-7000-8000-000000000000",),
    "queue_not_found": ("mail",),
    "schedule_not_found": ("nightly",),
    "flow_not_found": ("01930000-0000-7000-8000-000000000000",),
    "webhook_not_found": ("crm",),
    "webhook_delivery_not_found": ("msg_0123456789abcdef",),
    "backup_exists": ("before-upgrade",),
    "backups_off": (),
    "invalid_state": ("01930000-0000-7000-8000-000000000000", "COMPLETED", "DEAD or CANCELLED"),
    "lease_lost": ("01930000-0000-7000-8000-000000000000",),
    "shutting_down": (),
    "overloaded": ("too many pushes wait; try again",),
    "storage_full": (),
    "storage_failed": (),
    "slow_reader": (),
}


def constructors() -> dict[str, Callable[..., ServiceError]]:
    return {
        name: function
        for name, function in inspect.getmembers(errors, inspect.isfunction)
        if function.__module__ == errors.__name__
        and function.__annotations__.get("return") == "ServiceError"
        and name not in ("incident", "_not_found")
    }


def test_every_constructor_of_a_service_error_has_a_case() -> None:
    assert constructors().keys() == ARGUMENTS.keys()


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
async def test_a_service_error_arrives_whole(name: str) -> None:
    error: ServiceError = constructors()[name](*ARGUMENTS[name])
    async with scripted({"push_jobs": raising(error)}) as (_, channel):
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        seen = await refusal(stub.PushJobs(job_service_pb2.PushJobsRequest()))
    assert (seen.code, seen.message) == (error.code, error.message)
    assert seen.info is not None
    assert (seen.info.reason, seen.info.domain, dict(seen.info.metadata)) == (error.reason, "rockqueue", error.metadata)
    assert f"ERROR_REASON_{error.reason}" in set(error_reason_pb2.ErrorReason.keys())
    violations = (
        [] if seen.bad_request is None else [(v.field, v.description) for v in seen.bad_request.field_violations]
    )
    assert violations == [(v.field, v.description) for v in error.violations]
    waits = None if seen.retry_info is None else seen.retry_info.retry_delay.ToNanoseconds() / 1e9
    assert waits == error.retry_after_s


async def test_the_text_of_an_unexpected_error_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    secret = "postgres://admin:hunter2@db"
    async with scripted({"push_jobs": raising(RuntimeError(secret))}) as (_, channel):
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        with caplog.at_level(logging.ERROR):
            seen = await refusal(stub.PushJobs(job_service_pb2.PushJobsRequest()))
    assert seen.code == grpc.StatusCode.INTERNAL
    assert "hunter2" not in seen.everything
    assert "RuntimeError" not in seen.everything
    assert seen.info is not None
    assert seen.info.reason == "INTERNAL"
    incident = seen.info.metadata["incident"]
    assert incident in seen.message
    (record,) = [r for r in caplog.records if getattr(r, "incident", None) == incident]
    assert record.exc_info is not None
    assert secret in str(record.exc_info[1])


async def test_two_incidents_have_two_ids(caplog: pytest.LogCaptureFixture) -> None:
    async with scripted({"push_jobs": raising(ValueError("x"))}) as (_, channel):
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        seen = [await refusal(stub.PushJobs(job_service_pb2.PushJobsRequest())) for _ in range(2)]
    assert len({s.message for s in seen}) == 2
    assert len(caplog.records) == 2


@pytest.mark.usefixtures("caplog")
async def test_a_cancellation_from_within_the_core_is_answered() -> None:
    async with scripted({"push_jobs": raising(asyncio.CancelledError())}) as (_, channel):
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        seen = await refusal(stub.PushJobs(job_service_pb2.PushJobsRequest(), timeout=5))
    assert seen.code == grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("method", ["PushJobs", "GetJob"])
async def test_bytes_that_are_no_request_are_refused_in_plain_words(method: str) -> None:
    async with scripted() as (_, channel):
        path = f"/rockqueue.v1.JobService/{method}"
        seen = await refusal(unary_bytes(channel, path, b"\x0a\xff\xff\xff\xff\x0fhunter2"))
    assert seen.code == grpc.StatusCode.INVALID_ARGUMENT
    assert seen.info is not None
    assert seen.info.reason == "INVALID_FIELD"
    assert "DecodeError" not in seen.everything
    assert f"rockqueue.v1.{method}Request" in seen.message


async def test_a_method_that_does_not_exist_is_unimplemented() -> None:
    async with scripted() as (_, channel):
        seen = await refusal(unary_bytes(channel, "/rockqueue.v1.JobService/StealJobs", b""))
        assert seen.code == grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    "long",
    [
        "queue" * 100_000,
        "\N{PILE OF POO}" * 100_000,
        "\x00\n\x1b[31m" * 100_000,
        "\udcff" * 100_000,
        "%" * 100_000,
    ],
    ids=["ascii", "emoji", "control", "surrogates", "percent"],
)
async def test_long_names_from_the_caller_cannot_keep_the_status_from_arriving(long: str) -> None:
    violations = tuple(FieldViolation(f"jobs[{n}].{long}", long) for n in range(32))
    error = ServiceError(
        grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", long, {f"key{n}": long for n in range(40)}, violations, 1.0
    )
    async with scripted({"push_jobs": raising(error)}) as (_, channel):
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        seen = await refusal(stub.PushJobs(job_service_pb2.PushJobsRequest()))
    assert seen.code == grpc.StatusCode.INVALID_ARGUMENT
    assert seen.info is not None
    assert seen.info.reason == "INVALID_FIELD"


def test_a_status_keeps_as_many_violations_as_fit() -> None:
    violations = tuple(FieldViolation(f"jobs[{n}].queue", "x" * 400) for n in range(32))
    error = ServiceError(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "no", {}, violations)
    _, _, ((_, raw),) = wire_status(error)
    assert isinstance(raw, bytes)
    assert 2_000 < len(raw) <= 3_600
    assert len(Status.FromString(raw).details) == 2
