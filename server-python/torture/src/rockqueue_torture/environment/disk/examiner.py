"""Opens stores as the server does and says what is in them; each in a process of its own, as a damaged one may kill it.

The processes are forked from one that has imported the server, so that a look costs milliseconds. Run as a program it
reads from each line of its input, as JSON, a path and whether a loss is accepted; it answers with a line: a Finding.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import select
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rockqueue.v1 import job_pb2, job_service_pb2, queue_service_pb2
from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.store.opening import StoreError
from rockqueue_server.verify import verify_store

LOOK_WITHIN_S = 30.0
MOST_PAGES = 1000
_MESSAGE_CHARS = 400
_PIPE_CHUNK = 1 << 16


@dataclass(slots=True)
class Finding:
    """What a look at a store found.

    `refusal` is why it was not opened; `unreadable` the error that a read of the open store met; `fallen` how the
    process ended that should have told. `jobs` has a digest for each job, `queues` one for each queue.
    """

    refusal: str = ""
    unreadable: str = ""
    fallen: str = ""
    problems: list[str] = field(default_factory=list[str])
    jobs: dict[str, str] = field(default_factory=dict[str, str])
    queues: dict[str, str] = field(default_factory=dict[str, str])


async def look(directory: Path, *, accept_data_loss: bool) -> Finding:
    """Opens the store, and reads all of it by the calls that clients have."""
    finding = Finding()
    try:
        core = await Core.open(directory, CoreOptions(min_free_bytes=0, accept_data_loss=accept_data_loss))
    except StoreError as error:
        finding.refusal = str(error)
        return finding
    try:
        await _read_queues(core, finding)
        await _read_jobs(core, finding)
        finding.problems = verify_store(core.engine.store).problems[:10]
    except Exception as error:  # noqa: BLE001 - whatever a damaged store makes of a read
        finding.unreadable = f"{type(error).__name__}: {error}"[:_MESSAGE_CHARS]
    return finding


async def _read_queues(core: Core, finding: Finding) -> None:
    answer = await core.queues.list_queues(queue_service_pb2.ListQueuesRequest(page_size=1000))
    for queue in answer.queues:
        finding.queues[queue.name] = _digest(str(queue.counts), str(queue.paused))


async def _read_jobs(core: Core, finding: Finding) -> None:
    request = job_service_pb2.ListJobsRequest(page_size=200, include_payload=True)
    for _ in range(MOST_PAGES):
        page = await core.jobs.list_jobs(request)
        for job in page.jobs:
            logs = await core.jobs.get_job_logs(job_service_pb2.GetJobLogsRequest(job_id=job.id))
            finding.jobs[job.id] = _job_digest(job, [line.text for line in logs.lines])
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
    raise RuntimeError("the listing does not end")


def _job_digest(job: job_pb2.Job, log_lines: list[str]) -> str:
    spec = job.spec.SerializeToString(deterministic=True)
    history = "".join(f"{error.attempt} {error.error.type}" for error in job.errors)
    numbers = (job.state, job.attempt, job.failures, job.crashes, job.releases, job.snoozes, job.dead_reason)
    return _digest(spec.hex(), job.result.hex(), history, str(numbers), str(job.progress), str(log_lines))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _look_in_child(directory: Path, *, accept_data_loss: bool) -> Finding:
    """Forks, looks, and reads what the child found; a child that says nothing has fallen."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        finding = asyncio.run(look(directory, accept_data_loss=accept_data_loss))
        data = json.dumps(asdict(finding)).encode()
        while data:
            data = data[os.write(writing, data) :]
        # As kill -9 would end it: nothing is tidied up.
        os._exit(0)
    os.close(writing)
    data, in_time = _read_all(reading)
    os.close(reading)
    if not in_time:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not in_time:
        return Finding(fallen=f"no answer within {LOOK_WITHIN_S:.0f} s")
    if os.WIFSIGNALED(status):
        return Finding(fallen=f"killed by {signal.Signals(os.WTERMSIG(status)).name}")
    return Finding(**json.loads(data)) if data else Finding(fallen=f"exit code {os.waitstatus_to_exitcode(status)}")


def _read_all(fd: int) -> tuple[bytes, bool]:
    data = b""
    while True:
        ready, _, _ = select.select([fd], [], [], LOOK_WITHIN_S)
        if not ready:
            return data, False
        chunk = os.read(fd, _PIPE_CHUNK)
        if not chunk:
            return data, True
        data += chunk


def main() -> None:
    """Answers a line with a line."""
    for line in sys.stdin:
        directory, accept_data_loss = json.loads(line)
        finding = _look_in_child(Path(directory), accept_data_loss=accept_data_loss)
        print(json.dumps(asdict(finding)), flush=True)  # noqa: T201 - its output


if __name__ == "__main__":
    main()
