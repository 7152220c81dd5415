"""The commands: each is one call of the public API of `rockqueue`."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import attrgetter
from typing import Any

import rockqueue
from rockqueue_conformance.protocol import driver_pb2 as pb

from .calls import Calls
from .events import EventReader
from .frames import Frames, LogObserver
from .handlers import Gates, make_handler
from .values import error_out, given, new_job, told, value_out

THREADS = 300
RESET_S = 3.0
CHANGES = {pb.CHANGE_CANCEL: "cancel", pb.CHANGE_RETRY: "retry", pb.CHANGE_DELETE: "delete"}
# Commands that are one call with one answer: the call, its first argument, and the answer.
CALLS: dict[str, tuple[str, str, str, type[Any]]] = {
    "get_job": ("get", "job_id", "job", pb.Job),
    "get_logs": ("logs", "job_id", "logs", pb.Logs),
    "wait_job": ("wait", "job_id", "job", pb.Job),
    "get_queue": ("queues.get", "queue", "queue", pb.Queue),
    "update_queue": ("queues.update", "queue", "queue", pb.Queue),
    "pause_queue": ("queues.pause", "queue", "queue", pb.Queue),
    "resume_queue": ("queues.resume", "queue", "queue", pb.Queue),
    "get_server_info": ("server_info", "", "server_info", pb.ServerInfo),
}
PARTS = {"queue": "counts", "server_info": "limits", "job": "origin"}


class Driver:
    """What the runner has made, by name."""

    def __init__(self, frames: Frames, *, sync: bool) -> None:
        self.frames = frames
        self.sync = sync
        self.clients: dict[str, Any] = {}
        self.worker_clients: dict[str, rockqueue.Client] = {}
        self.workers: dict[str, rockqueue.Worker] = {}
        self.streams: dict[str, EventReader] = {}
        self.gates = Gates()
        self.ends: set[asyncio.Task[None]] = set()
        self.pool = ThreadPoolExecutor(THREADS)
        logging.getLogger("rockqueue").setLevel(logging.INFO)
        logging.getLogger("rockqueue").addHandler(LogObserver(frames))

    def hello(self) -> None:
        """The first report."""
        features = ["cancel_cause"] if self.sync else ["cancel_cause", "signals"]
        hello = pb.Hello(sdk="rockqueue-python", version=rockqueue.__version__, pid=os.getpid(), features=features)
        self.frames.report(pb.Report(hello=hello))

    async def carry_out(self, command: pb.Command) -> None:
        """Carries out a command and answers it."""
        kind = command.WhichOneof("command") or ""
        answer = pb.Answer(id=command.id)
        result: dict[str, Any] | None
        try:
            if kind in CALLS:
                result = await self.simple_call(kind, getattr(command, kind))
            elif kind == "call":
                calls = Calls(self.clients.get(command.call.client), self.call, self.listing)
                result = {"document": await calls.make(command.call)}
            elif (act := getattr(self, kind, None)) is not None:
                result = await act(getattr(command, kind))
            else:
                result = {"unsupported": pb.Done()}
            answer.MergeFrom(pb.Answer(**(result or {"done": pb.Done()})))
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is what the runner wants to see
            answer.error.CopyFrom(error_out(error))
        self.frames.report(pb.Report(answer=answer))

    async def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """One call of a client, on the loop or in a thread."""
        if self.sync:
            return await asyncio.get_running_loop().run_in_executor(self.pool, partial(function, *args, **options))
        return await function(*args, **options)

    async def simple_call(self, kind: str, wanted: Any) -> dict[str, Any]:
        """A command of `CALLS`."""
        path, first, answer, message = CALLS[kind]
        first_argument = [getattr(wanted, first)] if first else []
        call = attrgetter(path)(self.clients[wanted.client])
        result = await self.call(call, *first_argument, **given(wanted, "client", first))
        return {answer: told(message(), result, getattr(result, PARTS.get(answer, ""), None))}

    async def open_client(self, wanted: pb.OpenClient) -> None:
        options = given(wanted, "client", "url", "retry")
        if wanted.HasField("retry"):
            options["retry"] = None if wanted.retry.disabled else rockqueue.CallRetry(**given(wanted.retry))
        self.clients[wanted.client] = (rockqueue.SyncClient if self.sync else rockqueue.Client)(wanted.url, **options)
        # Workers are async whatever the mode; in sync mode their handlers are plain functions.
        self.worker_clients[wanted.client] = (
            rockqueue.Client(wanted.url, **options) if self.sync else self.clients[wanted.client]
        )

    async def close_client(self, wanted: pb.CloseClient) -> None:
        await self.call(self.clients[wanted.client].close)
        await self.worker_clients[wanted.client].close()

    async def push(self, wanted: pb.Push) -> dict[str, Any]:
        client = self.clients[wanted.client]
        left = deque(enumerate([*wanted.jobs] * max(1, wanted.copies)))
        outcomes = [pb.PushOutcome() for _ in left]

        async def caller() -> None:
            while left:
                index, job = left.popleft()
                try:
                    told(outcomes[index].pushed, await self.call(client.push, new_job(job)))
                except Exception as error:  # noqa: BLE001 - reported as it is
                    outcomes[index].error.CopyFrom(error_out(error))

        await asyncio.gather(*(caller() for _ in range(wanted.callers or len(left))))
        return {"pushes": pb.Pushes(pushes=outcomes)}

    async def push_many(self, wanted: pb.PushMany) -> dict[str, Any]:
        jobs = [new_job(job) for job in wanted.jobs] * max(1, wanted.copies)
        options = given(wanted, "client", "jobs", "copies")
        pushed = await self.call(self.clients[wanted.client].push_many, jobs, **options)
        return {"pushes": pb.Pushes(pushes=[pb.PushOutcome(pushed=told(pb.PushedJob(), one)) for one in pushed])}

    async def list_jobs(self, wanted: pb.ListJobs) -> dict[str, Any]:
        options = {**given(wanted.filter), **given(wanted, "client", "filter", "limit")}
        jobs = await self.listing(self.clients[wanted.client].list(**options), wanted.limit)
        return {"jobs": pb.Jobs(jobs=[told(pb.Job(), job, job.origin) for job in jobs])}

    async def listing(self, found: Any, limit: int = 0) -> list[Any]:
        """What an iterator of the SDK gives."""
        if self.sync:
            return await self.call(list, itertools.islice(found, limit or None))
        taken: list[Any] = []
        async for one in found:
            taken.append(one)
            if len(taken) == limit:
                break
        return taken

    async def change_jobs(self, wanted: pb.ChangeJobs) -> dict[str, Any]:
        client, change, target = self.clients[wanted.client], CHANGES[wanted.change], wanted.WhichOneof("target")
        if target == "filter":
            into = {"into_queue": wanted.into_queue} if wanted.into_queue else {}
            reports: list[int] = []
            options = {**given(wanted.filter), "dry_run": wanted.dry_run, "on_progress": reports.append, **into}
            affected = await self.call(getattr(client, f"{change}_all"), **options)
            return {"changed": pb.Changed(affected=affected, progress_reports=len(reports))}
        into = {"queue": wanted.into_queue} if wanted.into_queue else {}
        if target == "job_id":
            await self.call(getattr(client, change), wanted.job_id, **into)
            return {"changed": pb.Changed()}
        result = await self.call(getattr(client, f"{change}_many"), list(wanted.jobs.ids), **into)
        failures = {job_id: error_out(error) for job_id, error in result.failures.items()}
        return {"changed": pb.Changed(affected=result.affected, failures=failures)}

    async def get_result(self, wanted: pb.GetResult) -> dict[str, Any]:
        result = self.clients[wanted.client].result
        return {"value": value_out(await self.call(result, wanted.job_id, **given(wanted, "client", "job_id")))}

    async def list_queues(self, wanted: pb.ListQueues) -> dict[str, Any]:
        queues = await self.listing(self.clients[wanted.client].queues.list(**given(wanted, "client")))
        return {"queues": pb.Queues(queues=[told(pb.Queue(), queue, queue.counts) for queue in queues])}

    async def purge_queue(self, wanted: pb.PurgeQueue) -> dict[str, Any]:
        purge = self.clients[wanted.client].queues.purge
        purged = await self.call(purge, wanted.queue, **given(wanted, "client", "queue"))
        return {"changed": pb.Changed(affected=purged)}

    async def open_events(self, wanted: pb.OpenEvents) -> None:
        stream = self.clients[wanted.client].events(**given(wanted, "client", "events"))
        await self.call(stream.start)
        self.streams[wanted.events] = EventReader(stream, self.call)

    async def read_events(self, wanted: pb.ReadEvents) -> dict[str, Any]:
        reader = self.streams[wanted.events]
        events = await reader.read(wanted.count, wanted.timeout.ToTimedelta().total_seconds())
        return {"events": pb.Events(events=[told(pb.Event(), one) for one in events], cursor=reader.stream.cursor)}

    async def close_events(self, wanted: pb.CloseEvents) -> dict[str, Any]:
        reader = self.streams.pop(wanted.events)
        await reader.close()
        return {"events": pb.Events(cursor=reader.stream.cursor)}

    async def start_worker(self, wanted: pb.StartWorker) -> dict[str, Any]:
        handlers = {
            one.name: make_handler(one, wanted.worker, self.frames, lambda: self.gates, sync=self.sync)
            for one in wanted.handlers
        }
        options = given(wanted, "client", "worker", "handlers", "until_signalled")
        client = self.worker_clients[wanted.client]
        worker = rockqueue.Worker(client, handlers=handlers, name=wanted.worker, **options)
        self.workers[wanted.worker] = worker
        if not wanted.until_signalled:
            await worker.start()
        self.ends.add(
            asyncio.create_task(self.watch_end(worker, worker.run if wanted.until_signalled else worker.wait))
        )
        await asyncio.sleep(0)
        return status(worker)

    async def watch_end(self, worker: rockqueue.Worker, ended: Callable[[], Any]) -> None:
        """Reports that a worker is over."""
        over = pb.WorkerStatus(worker=worker.name)
        try:
            await ended()
        except Exception as error:  # noqa: BLE001 - reported as it is
            over.failure.CopyFrom(error_out(error))
        over.state = worker.state
        self.frames.observe(worker_ended=over)

    async def stop_worker(self, wanted: pb.StopWorker) -> dict[str, Any]:
        await self.workers[wanted.worker].stop(**given(wanted, "worker"))
        return status(self.workers[wanted.worker])

    async def get_worker(self, wanted: pb.GetWorker) -> dict[str, Any]:
        return status(self.workers[wanted.worker])

    async def open_gate(self, wanted: pb.OpenGate) -> None:
        self.gates[wanted.gate].open()

    async def reset(self, _: pb.Reset | None = None) -> None:
        gates, self.gates = self.gates, Gates()
        for gate in gates.values():
            gate.open()
        await finished([worker.stop(grace=0) for worker in self.workers.values()])
        await finished([reader.close() for reader in self.streams.values()])
        clients = [self.call(client.close) for client in self.clients.values()]
        await finished([*clients, *(client.close() for client in self.worker_clients.values())])
        for things in (self.workers, self.streams, self.clients, self.worker_clients):
            things.clear()


def status(worker: rockqueue.Worker) -> dict[str, Any]:
    """Where a worker is in its life."""
    return {"worker": pb.WorkerStatus(worker=worker.name, state=worker.state)}


async def finished(work: list[Any]) -> None:
    """Waits a while for all of it, whatever comes."""
    if work:
        tasks = [asyncio.ensure_future(one) for one in work]
        await asyncio.wait(tasks, timeout=RESET_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
