"""The demo as a command: one server, a producer in Python, workers in Node and Go, live events in Go, and a kill -9."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from rockqueue import Client, Event, EventType

from .backups import restored_backup
from .history import History
from .processes import kill, queue_server, running
from .push import QUEUE, Resize, push_broken_picture, push_picture
from .verdict import Counted, Row, close_books

PICTURES = 60
KILL_AFTER = 4
NEWS_S = 0.05
PATIENCE_S = 40.0
VIEWER_TIMEOUT_S = 10.0
STOPPED = 130


async def follow(client: Client, history: History, node: Process) -> None:
    """Follows the events until all jobs are finished; kills the Node worker when it has just begun with a picture."""
    async for event in client.events(queues=[QUEUE], beginning=True):
        history.take(event)
        begins = event.type == EventType.JOB_STARTED and event.worker == "node"
        if begins and is_news(event) and node.returncode is None and history.completed_by()["node"] >= KILL_AFTER:
            await kill(node)
            print(f"* kill -9 {node.pid}, the Node worker, with a picture in its hands", flush=True)
        if history.finished == PICTURES + 1:
            return


def is_news(event: Event) -> bool:
    """Whether it has only just happened, so that the worker cannot be done with the picture yet."""
    return (datetime.now(UTC) - event.time).total_seconds() < NEWS_S


async def joined(client: Client, workers: set[str]) -> None:
    """Returns when all these workers have been there."""
    there: set[str] = set()
    async for event in client.events(types=[EventType.WORKER_JOINED], beginning=True):
        there.add(event.worker)
        if workers <= there:
            return


async def play(folder: Path, resizer: Path, live_events: Path, node_worker: Path) -> list[Row]:
    """Plays the demo and returns the rows of the closing table."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(queue_server(folder))
        print(f"* one server, {url}, for all programs", flush=True)
        viewer = await stack.enter_async_context(running(live_events, "--until", str(PICTURES + 1), url=url))
        node = await stack.enter_async_context(
            running("node", "--import", "tsx", "src/worker.ts", url=url, cwd=node_worker)
        )
        await stack.enter_async_context(running(resizer, url=url))
        client = await stack.enter_async_context(Client(url))

        async with asyncio.timeout(PATIENCE_S):
            await joined(client, {"node", "go"})
        print("* a Node and a Go worker have joined", flush=True)
        history = History()
        following = asyncio.create_task(follow(client, history, node))
        stack.callback(following.cancel)
        wanted: dict[str, Resize] = {}
        for number in range(PICTURES):
            job_id, job = await push_picture(client, folder, number)
            wanted[job_id] = job
        broken, _ = await push_broken_picture(client, folder)
        print(f"* Python has pushed {PICTURES} pictures, and a file that is none", flush=True)
        async with asyncio.timeout(PATIENCE_S):
            await following
        saw_all = await asyncio.wait_for(viewer.wait(), VIEWER_TIMEOUT_S) == 0
        jobs = {job.id: job async for job in client.list(queue=QUEUE)}
        restored = await restored_backup(client, folder / "restored.db")
        print("* the running server has made a backup, and a new folder was made of it", flush=True)
        return close_books(Counted(wanted, broken, history, jobs, saw_all, restored))


def show(rows: list[Row], seconds: float) -> int:
    """Prints the closing table and returns the exit code."""
    print("\nThe books")
    for row in rows:
        print(f"  {'ok   ' if row.holds else 'WRONG'} {row.what:<34} {row.count:>3}  {row.note}".rstrip())
    failed = sum(not row.holds for row in rows)
    verdict = "One queue, three languages, and nothing lost." if not failed else "See the rows marked above."
    print(f"\n{verdict} ({seconds:.0f} s)\n{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0


async def run(folder: Path, options: argparse.Namespace) -> list[Row]:
    """Plays the demo; asked to end, it still ends its processes."""
    playing = asyncio.current_task()
    assert playing is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    return await play(folder, options.resizer, options.live_events, options.node_worker)


def main() -> int:
    """Has pictures shrunk by a Node and a Go worker, kills the Node worker, and checks that no picture is missing."""
    parser = argparse.ArgumentParser(prog="python -m photos.demo", description=main.__doc__)
    parser.add_argument("--resizer", type=Path, required=True, help="the Go worker")
    parser.add_argument("--live-events", type=Path, required=True, help="the Go program that prints events")
    parser.add_argument("--node-worker", type=Path, required=True, help="the folder of the Node worker")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rockqueue-photos-") as folder:
        try:
            rows = asyncio.run(run(Path(folder), options))
        except (asyncio.CancelledError, KeyboardInterrupt):
            print("Stopped; all processes of the demo have ended.", file=sys.stderr)
            return STOPPED
        return show(rows, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
