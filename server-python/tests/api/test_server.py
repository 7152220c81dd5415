"""The server's sockets, limits, health and reflection."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

import grpc
import pytest
from api.scripted import ScriptedCore, health_of, refusal, scripted, streamed_bytes, unary_bytes, until
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from rockqueue.testing.v1 import clock_service_pb2, clock_service_pb2_grpc
from rockqueue.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc, server_service_pb2, server_service_pb2_grpc
from rockqueue_server.api import BindError, ServerSettings, methods, serve

MIB = 1 << 20
Serving = health_pb2.HealthCheckResponse


async def info(channel: grpc.aio.Channel) -> server_service_pb2.GetServerInfoResponse:
    stub = server_service_pb2_grpc.ServerServiceStub(channel)
    return await stub.GetServerInfo(server_service_pb2.GetServerInfoRequest(), timeout=10)


async def served_at(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        await info(channel)
    return True


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0"])
async def test_port_0_gives_the_real_port(listen: str) -> None:
    async with serve(ScriptedCore(), listen) as running:
        assert not running.address.endswith(":0")
        assert await served_at(running.address)


async def test_an_ipv6_address_keeps_its_brackets() -> None:
    async with serve(ScriptedCore(), "[::1]:0") as running:
        assert running.address.startswith("[::1]:")
        assert await served_at(running.address)


async def test_a_taken_port_is_named_with_what_to_do() -> None:
    async with serve(ScriptedCore(), "127.0.0.1:0") as running:
        with pytest.raises(BindError, match=f"cannot listen on {running.address}.*choose another address"):
            async with serve(ScriptedCore(), running.address):
                pass
        assert await served_at(running.address)


async def test_a_unix_socket_is_for_its_user_alone_and_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "rq.sock"
    async with serve(ScriptedCore(), f"unix:{path}") as running:
        assert running.address == f"unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await served_at(running.address)
    assert not path.exists()


async def test_a_left_over_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "rq.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serve(ScriptedCore(), f"unix:{path}") as running:
        assert await served_at(running.address)


async def test_a_running_servers_unix_socket_is_not_taken_over(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'rq.sock'}"
    async with serve(ScriptedCore(), address) as running:
        with pytest.raises(BindError, match="a running server has this socket"):
            async with serve(ScriptedCore(), address):
                pass
        assert await served_at(running.address)


async def test_a_file_in_the_way_of_a_unix_socket_stays(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(BindError, match="a file is in the way"):
        async with serve(ScriptedCore(), f"unix:{path}"):
            pass
    assert path.read_text() == "data"


async def test_a_unix_socket_in_no_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(BindError, match="folder does not exist"):
        async with serve(ScriptedCore(), f"unix:{tmp_path}/none/rq.sock"):
            pass


def push_of(payload_bytes: int) -> bytes:
    """A serialized PushJobsRequest of exactly this many bytes."""
    payload = payload_bytes
    while True:
        raw = job_service_pb2.PushJobsRequest(jobs=[job_pb2.JobSpec(payload=b"x" * payload)]).SerializeToString()
        if len(raw) == payload_bytes:
            return raw
        payload += payload_bytes - len(raw)


@pytest.mark.parametrize(("size", "code"), [(5 * MIB, None), (5 * MIB + 1, grpc.StatusCode.RESOURCE_EXHAUSTED)])
async def test_a_request_may_have_5_mib(size: int, code: grpc.StatusCode | None) -> None:
    seen: list[Message] = []

    async def push(request: Message) -> Message:
        seen.append(request)
        await asyncio.sleep(0)
        return job_service_pb2.PushJobsResponse()

    async with scripted({"push_jobs": push}) as (_, channel):
        call = unary_bytes(channel, "/rockqueue.v1.JobService/PushJobs", push_of(size))
        if code is None:
            await asyncio.wait_for(call, 10)
            assert len(seen) == 1
        else:
            assert (await refusal(call)).code == code
            assert not seen


async def test_a_response_over_the_limit_is_an_incident_and_not_a_riddle(caplog: pytest.LogCaptureFixture) -> None:
    async def too_much(_: object) -> bytes:
        await asyncio.sleep(0)
        return b"x" * (5 * MIB + 1)

    async with scripted({"get_job": too_much}) as (_, channel):
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        seen = await refusal(stub.GetJob(job_service_pb2.GetJobRequest()))
    assert seen.code == grpc.StatusCode.INTERNAL
    assert "over the limit" in str(caplog.records[0].exc_info)


async def test_a_connection_may_have_a_thousand_calls_at_once_and_no_more() -> None:
    most = running_now = 0
    gate = asyncio.Event()

    async def hold(_: object) -> Message:
        nonlocal most, running_now
        running_now += 1
        most = max(most, running_now)
        await gate.wait()
        running_now -= 1
        return job_service_pb2.GetJobResponse()

    async with scripted({"get_job": hold}) as (_, channel):
        await info(channel)  # the client learns the limit with its first connection
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        calls = [stub.GetJob(job_service_pb2.GetJobRequest()) for _ in range(1100)]
        await until(lambda: running_now == 1000)
        gate.set()
        async with asyncio.timeout(20):
            codes = [await call.code() for call in calls]
    assert most == 1000
    # While a thousand streams are taken down, those that follow at once may be refused before they reach the core.
    assert codes.count(grpc.StatusCode.OK) >= 1000
    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 4096,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        os.urandom(4096),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 999,
    ],
    ids=["zeros", "http1", "random", "preface"],
)
async def test_garbage_on_the_port_hurts_only_its_sender(garbage: bytes) -> None:
    async with scripted() as (running, channel):
        host, port = running.address.rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(garbage)
        async with asyncio.timeout(15):
            while await reader.read(65536):
                pass
        writer.close()
        await info(channel)


async def test_health_follows_the_server() -> None:
    async with scripted() as (running, channel):
        for name in ("", "rockqueue.v1.JobService", "rockqueue.v1.WorkService"):
            assert (await health_of(channel, name)).status == Serving.SERVING, name
        unknown = await refusal(health_of(channel, "none.Service"))
        assert unknown.code == grpc.StatusCode.NOT_FOUND
        await running.announce_shutdown()
        assert (await health_of(channel, "rockqueue.v1.JobService")).status == Serving.NOT_SERVING
        assert running.draining
        await info(channel)  # calls are still taken: workers have settlements to send


async def test_health_watchers_are_told() -> None:
    async with scripted() as (running, channel):
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )(health_pb2.HealthCheckRequest())
        seen: list[int] = []
        async with asyncio.timeout(10):
            async for answer in watch:
                seen.append(answer.status)
                if len(seen) == 2:
                    break
                await running.announce_shutdown()
    assert seen == [Serving.SERVING, Serving.NOT_SERVING]


async def test_the_testing_services_need_the_testing_core() -> None:
    request = clock_service_pb2.GetClockRequest()
    async with scripted() as (_, channel):
        seen = await refusal(clock_service_pb2_grpc.ClockServiceStub(channel).GetClock(request))
        assert seen.code == grpc.StatusCode.UNIMPLEMENTED
    async with scripted(testing=True) as (_, channel):
        await clock_service_pb2_grpc.ClockServiceStub(channel).GetClock(request, timeout=10)


async def services_by_reflection(channel: grpc.aio.Channel) -> set[str]:
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    raw = await asyncio.wait_for(anext(streamed_bytes(channel, path, [request.SerializeToString()])), 10)
    answer = reflection_pb2.ServerReflectionResponse.FromString(raw)
    return {service.name for service in answer.list_services_response.service}


async def test_reflection_is_off_unless_asked_for() -> None:
    async with scripted() as (_, channel):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await services_by_reflection(channel)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    async with scripted(settings=ServerSettings(reflection=True)) as (_, channel):
        assert {"rockqueue.v1.JobService", "grpc.health.v1.Health"} <= await services_by_reflection(channel)


async def test_every_method_of_the_contract_reaches_the_core() -> None:
    async with scripted(testing=True) as (_, channel):
        for service, _ in methods.SERVICES:
            for method in service.methods:
                await reach(channel, f"/{service.full_name}/{method.name}", method)


async def reach(channel: grpc.aio.Channel, path: str, method: methods.MethodDescriptor) -> None:
    async with asyncio.timeout(10):
        if method.client_streaming or method.server_streaming:
            requests = [] if method.client_streaming else [b""]
            assert [message async for message in streamed_bytes(channel, path, requests)] == [], path
        else:
            assert await unary_bytes(channel, path, b"") == b"", path


async def test_a_core_that_lacks_a_method_is_found_at_the_start() -> None:
    core = ScriptedCore()
    core.jobs = object()
    with pytest.raises(TypeError, match=r"push_jobs.*JobService\.PushJobs"):
        async with serve(core):
            pass


async def test_stop_may_be_called_twice() -> None:
    async with scripted() as (running, _):
        await running.stop()
        await running.stop()
