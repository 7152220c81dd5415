"""`rockqueue serve` and `rockqueue check` on a real store: real processes, sockets and signals."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import grpc
import pytest
from api.scripted import refusal, unary_bytes
from cli.processes import ANY_PORT, Process, Start
from prometheus_client.parser import text_string_to_metric_families

from rockqueue.testing.v1 import clock_service_pb2, clock_service_pb2_grpc, store_service_pb2, store_service_pb2_grpc
from rockqueue.v1 import (
    job_pb2,
    job_service_pb2,
    job_service_pb2_grpc,
    queue_service_pb2,
    queue_service_pb2_grpc,
    work_service_pb2,
    work_service_pb2_grpc,
)

NASTY = 'mail\n{"level":"fake"}\x1b[31m\u2028'
ValueT = TypeVar("ValueT")


def serve(start: Start, folder: Path, *options: str | Path) -> Process:
    return start("serve", folder / "store", *(options or ANY_PORT))


def call(address: str, use: Callable[[grpc.aio.Channel], Awaitable[ValueT]]) -> ValueT:
    """Does something over a channel, within 20 seconds."""

    async def connected() -> ValueT:
        async with asyncio.timeout(20), grpc.aio.insecure_channel(address) as channel:
            return await use(channel)

    return asyncio.run(connected())


def push(address: str, count: int, queue: str = "mail") -> list[str]:
    async def pushed(channel: grpc.aio.Channel) -> list[str]:
        jobs = [job_pb2.JobSpec(queue=queue, name="send", payload=b"hunter2") for _ in range(count)]
        answer = await job_service_pb2_grpc.JobServiceStub(channel).PushJobs(job_service_pb2.PushJobsRequest(jobs=jobs))
        return [job.job_id for job in answer.jobs]

    return call(address, pushed)


def waiting(address: str, queue: str = "mail") -> int:
    async def counted(channel: grpc.aio.Channel) -> int:
        stub = queue_service_pb2_grpc.QueueServiceStub(channel)
        answer = await stub.GetQueue(queue_service_pb2.GetQueueRequest(queue=queue))
        return answer.queue.counts.waiting

    return call(address, counted)


def test_jobs_outlive_a_stop_and_a_kill(start: Start, tmp_path: Path) -> None:
    first = serve(start, tmp_path)
    push(first.ready(), 3)
    assert first.stop() == 0
    second = serve(start, tmp_path)
    assert waiting(second.ready()) == 3
    push(second.ready(), 2)
    second.kill()
    third = serve(start, tmp_path)
    assert waiting(third.ready()) == 5
    assert third.stop() == 0


def test_a_unix_socket_serves_like_a_port(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, "--listen", "unix:rq.sock", "--metrics", "off")
    assert server.ready() == f"unix:{tmp_path / 'rq.sock'}"
    push(server.ready(), 1)
    assert waiting(server.ready()) == 1
    server.kill()
    again = serve(start, tmp_path, "--listen", "unix:rq.sock", "--metrics", "off")
    assert waiting(again.ready()) == 1  # the socket that the killed server left behind is no obstacle


def test_a_second_server_on_the_folder_is_sent_away(start: Start, tmp_path: Path) -> None:
    first = serve(start, tmp_path)
    address = first.ready()
    second = serve(start, tmp_path)
    assert second.exit_code() == 3
    (line,) = second.log
    assert str(first.pid) in line["reason"]
    assert "traceback" not in line
    push(address, 1)


@pytest.mark.parametrize("place", ["file", "no parent"])
def test_a_folder_that_cannot_be_used_is_explained(start: Start, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    directory = tmp_path / "file" if place == "file" else Path("/proc/none/store")
    server = start("serve", directory, *ANY_PORT)
    assert server.exit_code() == 3
    (line,) = server.log
    assert line["level"] == "error"
    assert str(directory) in line["reason"]
    assert "Traceback" not in server.err


# Root may write anywhere; once prctl PR_CAPBSET_DROP (24) has taken CAP_DAC_OVERRIDE (1), it obeys modes like others.
OBEDIENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); "
    "os.execv(sys.executable, [sys.executable, '-m', 'rockqueue_server', *sys.argv[1:]])"
)


@pytest.mark.parametrize("place", ["store", "parent"])
def test_a_read_only_folder_is_explained(start: Start, tmp_path: Path, place: str) -> None:
    parent = tmp_path / "parent"
    store = parent / "store"
    store.mkdir(parents=True)
    locked, directory = (store, store) if place == "store" else (parent, parent / "new")
    locked.chmod(0o500)
    server = start("serve", directory, *ANY_PORT, command=[sys.executable, "-c", OBEDIENT])
    assert server.exit_code() == 3
    (line,) = server.log
    assert "permission" in line["reason"]
    assert str(directory) in line["reason"]
    locked.chmod(0o700)


def test_check_finds_balanced_books_and_refuses_an_open_store(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path)
    push(server.ready(), 4)
    busy = start("check", tmp_path / "store")
    assert busy.exit_code() == 3
    assert str(server.pid) in busy.err
    assert server.stop() == 0
    people, program = start("check", tmp_path / "store"), None
    assert people.exit_code() == 0
    assert "mail" in people.out
    assert "4 jobs looked at, the books balance" in people.out
    program = start("check", tmp_path / "store", "--json")
    assert program.exit_code() == 0
    report = json.loads(program.out)
    assert (report["jobs"], report["problems"], report["queues"]["mail"]["waiting"]) == (4, [], 4)


def test_check_reports_problems_with_exit_code_4(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, *ANY_PORT, "--testing", "--defect", "counters_drift")
    push(server.ready(), 1)
    assert server.stop() == 0
    restarted = serve(start, tmp_path, *ANY_PORT, "--testing", "--defect", "counters_drift")
    push(restarted.ready(), 1)
    assert restarted.stop() == 0
    check = start("check", tmp_path / "store")
    assert check.exit_code() == 4
    assert "problem: queue mail" in check.out


def test_check_needs_a_store(start: Start, tmp_path: Path) -> None:
    check = start("check", tmp_path / "none")
    assert check.exit_code() == 3
    assert "does not exist" in check.err


def test_a_drain_lets_a_worker_settle_and_tells_pushers_to_come_back(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, *ANY_PORT, "--drain-grace", "15s")
    address = server.ready()
    push(address, 2)

    async def work(channel: grpc.aio.Channel) -> str:
        stream = work_service_pb2_grpc.WorkServiceStub(channel).Work()
        opening = work_service_pb2.OpenSession(queues=["mail"], worker="w")
        await stream.write(work_service_pb2.WorkRequest(open=opening))
        await received(stream, "opened")
        await stream.write(work_service_pb2.WorkRequest(credits=work_service_pb2.AddCredits(credits=1)))
        delivery = (await received(stream, "deliveries")).deliveries.deliveries[0]
        server.send(signal.SIGTERM)
        await received(stream, "drain")
        request = job_service_pb2.PushJobsRequest(jobs=[job_pb2.JobSpec(queue="mail", name="late")])
        late = await refusal(job_service_pb2_grpc.JobServiceStub(channel).PushJobs(request))
        done = work_service_pb2.Settlement(lease_token=delivery.lease_token, complete=work_service_pb2.Complete())
        batch = work_service_pb2.Settlements(sequence=1, settlements=[done])
        await stream.write(work_service_pb2.WorkRequest(settlements=batch))
        assert not (await received(stream, "settled")).settled.failures
        await stream.write(work_service_pb2.WorkRequest(goodbye=work_service_pb2.Goodbye()))
        assert await stream.code() == grpc.StatusCode.OK
        assert late.info is not None
        return late.info.reason

    assert call(address, work) == "SHUTTING_DOWN"
    assert server.exit_code() == 0
    check = start("check", tmp_path / "store", "--json")
    assert check.exit_code() == 0
    counts = json.loads(check.out)["queues"]["mail"]
    assert (counts["waiting"], counts["active"], counts["completed"]) == (1, 0, 1)


WorkStream = grpc.aio.StreamStreamCall[work_service_pb2.WorkRequest, work_service_pb2.WorkResponse]


async def received(stream: WorkStream, kind: str) -> work_service_pb2.WorkResponse:
    """The next message of a kind; others are passed over."""
    while True:
        message = await stream.read()
        assert isinstance(message, work_service_pb2.WorkResponse), f"the stream ended before {kind!r}"
        if message.WhichOneof("message") == kind:
            return message


def test_a_scrape_shows_what_was_pushed(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
    ready = server.event("ready")
    push(ready["listen"], 7)
    with urllib.request.urlopen(f"http://{ready['metrics']}/metrics", timeout=10) as answer:
        families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
    assert [s.value for s in families["rockqueue_jobs_pushed"].samples if s.name.endswith("_total")] == [7]
    depth = {s.labels["state"]: s.value for s in families["rockqueue_jobs"].samples if s.labels["queue"] == "mail"}
    assert depth["waiting"] == 7
    assert {s.value for s in families["rockqueue_fsync_seconds"].samples if s.name.endswith("_count")} != {0}
    assert server.stop() == 0


def test_nothing_that_clients_send_breaks_the_log_or_shows_a_payload(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, *ANY_PORT, "--log-level", "debug")
    address = server.ready()

    async def abuse(channel: grpc.aio.Channel) -> None:
        jobs = job_service_pb2_grpc.JobServiceStub(channel)
        for spec in (job_pb2.JobSpec(queue=NASTY, name=NASTY), job_pb2.JobSpec(queue="q", name="n", tags=[NASTY])):
            await refusal(jobs.PushJobs(job_service_pb2.PushJobsRequest(jobs=[spec])))
        await refusal(jobs.GetJob(job_service_pb2.GetJobRequest(job_id=NASTY)))
        await refusal(unary_bytes(channel, f"/{NASTY!a}/x", b""))
        stream = work_service_pb2_grpc.WorkServiceStub(channel).Work()
        opening = work_service_pb2.OpenSession(queues=["mail"], worker=NASTY)
        await stream.write(work_service_pb2.WorkRequest(open=opening))
        await refusal(stream.read())

    call(address, abuse)
    push(address, 1)
    assert server.stop() == 0
    assert "hunter2" not in server.err
    for line in server.log:  # reading it fails when a line is not JSON
        assert {"time", "level", "logger", "event"} <= line.keys()


def test_the_testing_services_come_with_testing_only(start: Start, tmp_path: Path) -> None:
    plain = serve(start, tmp_path)

    async def clock(channel: grpc.aio.Channel) -> bool:
        stub = clock_service_pb2_grpc.ClockServiceStub(channel)
        return (await stub.GetClock(clock_service_pb2.GetClockRequest())).HasField("now")

    async def refused(channel: grpc.aio.Channel) -> grpc.StatusCode:
        return (await refusal(clock(channel))).code

    async def problems(channel: grpc.aio.Channel) -> list[str]:
        stub = store_service_pb2_grpc.StoreServiceStub(channel)
        return list((await stub.VerifyStore(store_service_pb2.VerifyStoreRequest())).problems)

    assert call(plain.ready(), refused) == grpc.StatusCode.UNIMPLEMENTED
    assert plain.stop() == 0
    testing = serve(start, tmp_path, *ANY_PORT, "--testing")
    assert call(testing.ready(), clock)
    assert call(testing.ready(), problems) == []


def test_an_unknown_defect_is_refused_with_the_known_ones(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, *ANY_PORT, "--testing", "--defect", "slow")
    assert server.exit_code() == 2
    assert "accept_stale_lease" in server.err


def test_two_million_empty_entries_are_refused_and_the_server_lives(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path)

    async def flood(channel: grpc.aio.Channel) -> str:
        request = b"\x12\x00" * 2_000_000
        seen = await refusal(unary_bytes(channel, "/rockqueue.v1.JobService/PushJobs", request))
        assert seen.info is not None
        return seen.info.reason

    assert call(server.ready(), flood) == "LIMIT_EXCEEDED"
    push(server.ready(), 1)
    assert server.stop() == 0


def test_a_network_for_webhooks_that_is_none_is_explained(start: Start, tmp_path: Path) -> None:
    server = start("serve", tmp_path / "jobs.db", *ANY_PORT, "--webhook-allow", "10.0.0.1/8")
    assert server.exit_code() == 2
    assert "--webhook-allow" in server.err
    assert "is no network" in server.err
