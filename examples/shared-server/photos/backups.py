"""A backup of the running server, restored and checked: one that was never restored is a hope."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path

from rockqueue import Client

COMMAND_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Restored:
    """What `rockqueue check` found in the restored folder."""

    jobs: int
    problems: tuple[str, ...]


# shown in the README: [backup]
async def restored_backup(client: Client, target: Path) -> Restored:
    """Has the server make a backup while it works on, makes the folder `target` of it, and checks that."""
    made = await client.backups.create("closing")
    await rockqueue("restore", made.path, target)
    report = json.loads(await rockqueue("check", target, "--json"))
    return Restored(report["jobs"], tuple(report["problems"]))


# shown in the README: [/backup]


async def rockqueue(*arguments: str | Path) -> bytes:
    """Runs the program and returns what it printed. Raises RuntimeError when it fails, TimeoutError when it hangs."""
    process = await asyncio.create_subprocess_exec("rockqueue", *map(str, arguments), stdout=PIPE, stderr=PIPE)
    try:
        output, errors = await asyncio.wait_for(process.communicate(), COMMAND_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"rockqueue {arguments[0]} failed: {errors.decode(errors='replace').strip()}")
    return output
