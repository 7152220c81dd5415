"""What is left on disk when every process is dead: `rockqueue check` counts it and compares the books."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from email_app.demo.processes import ProcessFailed
from email_app.mails import QUEUE

CHECK_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Remains:
    """What `rockqueue check` found in a folder."""

    jobs: int
    states: Mapping[str, int]
    """How many jobs are in each state that holds any."""
    problems: tuple[str, ...]
    files: int
    size_bytes: int

    def __str__(self) -> str:
        books = "; ".join(self.problems) or "the books balance"
        states = ", ".join(f"{count} {state}" for state, count in self.states.items())
        size = f"{self.files} files, {self.size_bytes / 1024:,.0f} KiB"
        return f"{self.jobs} mails ({states}) in {size}; rockqueue check: {books}"


async def examine(store: Path) -> Remains:
    """Examines the files of a queue that no process has open. Raises ProcessFailed when that is not possible."""
    command = (sys.executable, "-m", "rockqueue_server", "check", str(store), "--json")
    sizes = file_sizes(store)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        raise ProcessFailed(f"rockqueue check took longer than {CHECK_TIMEOUT_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        report = json.loads(output)
        states = {state: count for state, count in report["queues"].get(QUEUE, {}).items() if count}
        return Remains(int(report["jobs"]), states, tuple(report["problems"]), len(sizes), sum(sizes))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ProcessFailed(f"rockqueue check failed\n{output.decode(errors='replace')[-2000:]}") from None


def file_sizes(folder: Path) -> list[int]:
    """The sizes of all files below a folder, in bytes."""
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
