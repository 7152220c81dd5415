"""Workers of the SDKs as programs of their own, which can be stopped and cut off, and jobs for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import grpc.aio
from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_torture.environment.ledger import Ledger
from rockqueue_torture.load.jobs import NAME
from rockqueue_torture.workers import KINDS

LEASE_S = 2.0
"""The lease that the worker programs ask for."""
ENDS_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.05


class WorkerProcess:
    """A worker program; `log` has what it says."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @property
    def running(self) -> bool:
        """True while it has not ended."""
        return self._process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        if self.running:
            self._process.send_signal(number)

    async def stop(self) -> int:
        """Asks it to stop, and kills it if it does not; its exit code."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), ENDS_WITHIN_S)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()


@contextlib.asynccontextmanager
async def worker(
    home: Path, address: str, queue: str, *, sdk: str = "python", name: str = "worker"
) -> AsyncGenerator[WorkerProcess]:
    """Runs a worker of an SDK for the block. Raises WorkerMissing."""
    command = await asyncio.to_thread(KINDS[sdk])
    log_path = home / f"{name}.log"
    with log_path.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(*command, f"rockqueue://{address}", name, str(home / f"{name}.jsonl"), queue),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    running = WorkerProcess(process, log_path)
    try:
        yield running
    finally:
        await running.stop()


async def push_work(book: Ledger, count: int, fate: str = "ok", **fields: object) -> list[str]:
    """Pushes jobs for workers; their ids. A job with fate `slow` takes 200 ms."""
    spec = job_pb2.JobSpec(
        queue=book.queue,
        name=NAME,
        payload=json.dumps({"tag": "probe", "fate": fate, "filling": "."}).encode(),
        content_type="application/json",
        **fields,  # type: ignore[arg-type]
    )
    request = job_service_pb2.PushJobsRequest(jobs=[spec] * count)
    response = await book.jobs.PushJobs(request, timeout=ENDS_WITHIN_S, wait_for_ready=True)
    ids = [pushed.job_id for pushed in response.jobs]
    book.acknowledged.update((job_id, spec.payload) for job_id in ids)
    return ids


async def finished(book: Ledger, ids: list[str], within_s: float) -> dict[str, job_pb2.Job]:
    """The jobs that are finished within the bound, by id."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    done: dict[str, job_pb2.Job] = {}
    for job_id in ids:
        while job_id not in done:
            left_s = max(0.0, deadline - loop.time())
            request = job_service_pb2.WaitJobRequest(job_id=job_id, timeout=Duration(nanos=int(min(left_s, 0.9) * 1e9)))
            with contextlib.suppress(grpc.aio.AioRpcError):
                job = (await book.jobs.WaitJob(request, timeout=5.0)).job
                if job.HasField("finish_time"):
                    done[job_id] = job
                    continue
            if not left_s:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
    return done


async def undone(
    book: Ledger, worker: WorkerProcess, count: int, within_s: float, earlier: Sequence[str] = ()
) -> list[str]:
    """Gives a worker new jobs; what is wrong when it has not done those, and `earlier` ones, within the bound."""
    wanted = [*earlier, *await push_work(book, count, max_crashes=100)]
    done = await finished(book, wanted, within_s)
    book.completed.update(done)
    if len(done) == len(wanted):
        return []
    book.doubtful.update(set(wanted) - done.keys())
    said = worker.log.read_text()[-2000:]
    return [f"{len(wanted) - len(done)} of {len(wanted)} jobs were not done in {within_s:.0f} s:\n{said}"]


async def active(book: Ledger, job_id: str, within_s: float) -> bool:
    """Waits until a job is with a worker."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while loop.time() < deadline:
        answer = await book.jobs.GetJob(job_service_pb2.GetJobRequest(job_id=job_id), timeout=5.0, wait_for_ready=True)
        if answer.job.state == job_pb2.JOB_STATE_ACTIVE:
            return True
        await asyncio.sleep(_LOOK_EVERY_S)
    return False
