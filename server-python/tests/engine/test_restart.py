"""What is left after the process was killed, and after it was closed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from queue_bench import bench

SCRIPT = """
import asyncio, os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from queue_bench import bench, spec
async def main():
    async with bench(Path({path!r})) as b:
        ids = await b.push(*(spec(queue="q", payload=bytes([i])) for i in range(15)))
        await b.push(spec(queue="q", delay=__import__("queue_bench").seconds(60)))
        for delivery in await b.pull("q", most=5):
            await b.complete(delivery)
        await b.pull("q", most=2)
        for delivery in await b.pull("q", most=1):
            await b.fail(delivery, never=True)
        os.kill(os.getpid(), 9)
asyncio.run(main())
"""


def left_behind(path: Path) -> None:
    """A store that a process left behind when it was killed: 5 done, 2 active, 1 dead, 7 waiting, 1 delayed."""
    script = SCRIPT.format(tests=str(Path(__file__).parents[1]), path=str(path))
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == -9


async def test_a_server_keeps_the_leases_and_charges_nobody(tmp_path: Path) -> None:
    left_behind(tmp_path / "jobs.db")
    async with bench(tmp_path / "jobs.db") as after:
        counts = (await after.queue("q")).counts
        assert (counts.waiting, counts.delayed, counts.active, counts.completed, counts.dead) == (7, 1, 2, 5, 1)
        await after.advance(31)
        counts = (await after.queue("q")).counts
        assert (counts.waiting, counts.active) == (9, 0)


async def test_embedded_the_handlers_are_known_to_be_gone(tmp_path: Path) -> None:
    left_behind(tmp_path / "jobs.db")
    async with bench(tmp_path / "jobs.db", embedded=True) as after:
        counts = (await after.queue("q")).counts
        assert (counts.waiting, counts.active) == (9, 0)
        deliveries = await after.pull("q")
        assert [(d.attempt, d.crashes) for d in deliveries] == [(2, 1)] * 2 + [(1, 0)] * 7
        # Those that were with a worker keep their place: they come first.
        assert [d.spec.payload[0] for d in deliveries] == [5, 6, *range(8, 15)]
