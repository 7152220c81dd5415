"""How handlers and workers end on the wire: cancels, refusals, drain."""

from __future__ import annotations

import asyncio
import threading

from playing import echo, runs, settled_count, settled_somehow
from scripted import ScriptedServer, Talk, delivery, eventually

import rockqueue
from rockqueue import Client, JobContext, Worker, WorkerState
from rockqueue.v1.work_service_pb2 import (
    CANCEL_CAUSE_LEASE_LOST,
    CANCEL_CAUSE_REQUESTED,
    CancelRequest,
    CancelRequests,
    Drain,
    JobReport,
    WorkResponse,
)


async def test_a_cancel_request_cancels_the_handler_and_settles_cancelled(
    client: Client, server: ScriptedServer
) -> None:
    began = threading.Event()

    async def hang(payload: object) -> None:
        del payload
        began.set()
        await asyncio.Event().wait()

    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.expect("credits")
        await talk.deliver(delivery(1), delivery(2))
        await asyncio.to_thread(began.wait, 5)
        requests = [CancelRequest(lease_token=b"t%d" % n, cause=CANCEL_CAUSE_REQUESTED) for n in (1, 2)]
        await talk.send(WorkResponse(cancels=CancelRequests(cancels=requests)))
        settled = await talk.settlements(2)
        assert {one.lease_token: one.WhichOneof("outcome") for one in settled} == {
            b"t1": "cancelled",
            b"t2": "cancelled",
        }
        await talk.drained()

    done = runs(server, script)
    # One handler runs, the other delivery has not begun.
    async with Worker(client, handlers={"work": hang}, queues=["q"], concurrency=1) as worker:
        await settled_somehow(worker)
    await asyncio.wait_for(done, 10)


async def test_a_lost_lease_needs_no_settlement_and_frees_its_place(client: Client, server: ScriptedServer) -> None:
    began = threading.Event()

    async def hang(payload: object) -> None:
        if payload is None:
            began.set()
            await asyncio.Event().wait()

    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.expect("credits")
        await talk.deliver(delivery(1))
        await asyncio.to_thread(began.wait, 5)
        lost = CancelRequest(lease_token=b"t1", cause=CANCEL_CAUSE_LEASE_LOST)
        await talk.send(WorkResponse(cancels=CancelRequests(cancels=[lost])))
        await talk.credits_of(1)
        await talk.deliver(delivery(2, payload=b"2"))
        assert [one.lease_token for one in await talk.settlements()] == [b"t2"]
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": hang}, queues=["q"], concurrency=1, prefetch=0) as worker:
        await settled_somehow(worker)
    await asyncio.wait_for(done, 10)


async def test_a_sync_handler_sees_the_cancel_and_says_so(client: Client, server: ScriptedServer) -> None:
    began = threading.Event()

    def patient(ctx: JobContext, payload: object) -> None:
        del payload
        began.set()
        assert ctx.cancelled.wait_in_thread(5)
        raise rockqueue.JobCancelled

    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.expect("credits")
        await talk.deliver(delivery(1))
        await asyncio.to_thread(began.wait, 5)
        request = CancelRequest(lease_token=b"t1", cause=CANCEL_CAUSE_REQUESTED)
        await talk.send(WorkResponse(cancels=CancelRequests(cancels=[request])))
        assert (await talk.settlements())[0].WhichOneof("outcome") == "cancelled"
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": patient}, queues=["q"]) as worker:
        await settled_somehow(worker)
    await asyncio.wait_for(done, 10)


async def test_drain_follows_the_order_of_the_contract(client: Client, server: ScriptedServer) -> None:
    began, told = threading.Event(), threading.Event()
    finish = threading.Event()
    order: list[str] = []

    async def handler(ctx: JobContext, payload: object) -> str:
        del payload
        began.set()
        await ctx.shutting_down.wait()
        told.set()
        await asyncio.to_thread(finish.wait, 5)
        return "done"

    async def script(talk: Talk) -> None:
        await talk.opened(interval_s=0.25)
        await talk.expect("credits")
        await talk.deliver(delivery(1), delivery(2))
        while (message := await talk.next()) is not None:
            kind = message.WhichOneof("message")
            order.append(kind or "")
            if kind == "settlements":
                settled = message.settlements.settlements
                order.extend(f"{one.lease_token.decode()} {one.WhichOneof('outcome')}" for one in settled)
                assert message.settlements.credits == 0
                if order[-1].startswith("t2"):
                    await asyncio.to_thread(told.wait, 5)
                    before = talk.heartbeats
                    await eventually(lambda wanted=before + 2: talk.heartbeats >= wanted)
                    finish.set()
                await talk.answer(message.settlements)

    done = runs(server, script)
    worker = Worker(client, handlers={"work": handler}, queues=["q"], concurrency=1, grace=10)
    await worker.start()
    await asyncio.to_thread(began.wait, 5)
    stopping = asyncio.ensure_future(worker.stop())
    await asyncio.sleep(0)
    assert worker.state is WorkerState.DRAINING
    await stopping
    await asyncio.wait_for(done, 10)
    assert order == ["drain", "settlements", "t2 release", "settlements", "t1 complete", "goodbye"]
    await worker.stop()


async def test_handlers_that_outlast_the_grace_are_cancelled_and_released(
    client: Client, server: ScriptedServer
) -> None:
    began = threading.Event()

    async def hang(payload: object) -> None:
        del payload
        began.set()
        await asyncio.Event().wait()

    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.expect("credits")
        await talk.deliver(delivery(1))
        await talk.expect("drain")
        assert (await talk.settlements())[0].WhichOneof("outcome") == "release"
        await talk.goodbye()

    done = runs(server, script)
    worker = Worker(client, handlers={"work": hang}, queues=["q"])
    await worker.start()
    await asyncio.to_thread(began.wait, 5)
    await worker.stop(grace=0.05)
    await asyncio.wait_for(done, 10)


async def test_a_server_that_drains_is_left_in_good_order_and_met_again(client: Client, server: ScriptedServer) -> None:
    sessions: list[str] = []

    async def first(talk: Talk) -> None:
        await talk.opened("one")
        await talk.credits_of(2)
        await talk.deliver(delivery(1))
        await talk.send(WorkResponse(drain=Drain()))
        assert (await talk.settlements())[0].WhichOneof("outcome") == "complete"
        await talk.goodbye()

    async def second(talk: Talk) -> None:
        sessions.append((await talk.opened("two")).session_id)
        await talk.drained()

    done = runs(server, first, second)
    async with Worker(client, handlers={"work": echo}, queues=["q"], concurrency=1):
        await server.until(lambda: len(sessions) == 1)
    await asyncio.wait_for(done, 10)
    assert sessions == [""]


async def test_a_settlement_that_the_server_refuses_is_settled_otherwise(
    client: Client, server: ScriptedServer
) -> None:
    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.expect("credits")
        await talk.deliver(delivery(1), delivery(2))
        request = await talk.expect("settlements")
        while len(request.settlements.settlements) < 2:
            more = await talk.expect("settlements")
            request.settlements.settlements.extend(more.settlements.settlements)
            await talk.answer(request.settlements)
            request.settlements.sequence = more.settlements.sequence
        await talk.answer(request.settlements, (0, "LEASE_LOST"), (1, "INVALID_FIELD"))
        again = (await talk.settlements())[0]
        assert again.lease_token == request.settlements.settlements[1].lease_token
        assert again.fail.never
        assert again.fail.error.type == "INVALID_FIELD"
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": echo}, queues=["q"]) as worker:
        await settled_count(worker, 2)
    await asyncio.wait_for(done, 10)


async def test_reports_come_before_the_settlement_and_are_put_together(client: Client, server: ScriptedServer) -> None:
    async def chatty(ctx: JobContext, payload: object) -> None:
        del payload
        for percent in range(101):
            ctx.progress(percent, f"at {percent}")
            ctx.log(f"line {percent}")

    async def script(talk: Talk) -> None:
        await talk.opened()
        await talk.expect("credits")
        await talk.deliver(delivery(1))
        lines: list[str] = []
        report = JobReport()
        while (message := await talk.next()) is not None and message.WhichOneof("message") == "reports":
            report = message.reports.reports[-1]
            lines += report.log_lines
        assert message is not None
        assert (report.percent, report.message) == (100, "at 100")
        assert lines == [f"line {percent}" for percent in range(101)]
        await talk.answer(message.settlements)
        await talk.drained()

    done = runs(server, script)
    async with Worker(client, handlers={"work": chatty}, queues=["q"]) as worker:
        await settled_somehow(worker)
    await asyncio.wait_for(done, 10)
