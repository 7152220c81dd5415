"""A small disk that fills up, is freed, and is made read-only: what was answered stays, and the server comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

from rockqueue_torture.environment import books
from rockqueue_torture.environment.disk.private_disk import PrivateDisk, private_disk
from rockqueue_torture.environment.ledger import Ledger, ledger
from rockqueue_torture.server import Server

DISK_MIB = 230
BALLAST_MIB = 100
# Of 20 times 60 kB each: more than the disk holds.
MOST_PUSHES = 250
EXIT_STORE = 3
SERVES_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class FullDisk:
    """What a full disk did. `wrong` is empty when all was well."""

    acknowledged: int = 0
    unknown: int = 0
    refused_with: str = ""
    started_when_full: str = ""
    back_after_s: float = 0.0
    wrong: list[str] = field(default_factory=list[str])


@contextlib.asynccontextmanager
async def _server_on(
    disk: PrivateDisk, home: Path, seed: int, min_free_mib: int
) -> AsyncGenerator[tuple[Server, Ledger]]:
    server = Server(home, store=disk.from_outside / "store", arguments=["--min-free-mib", str(min_free_mib)])
    async with ledger(server.address, seed) as book:
        try:
            yield server, book
        finally:
            await server.kill()


async def fill_and_free(home: Path, seed: int, *, min_free_mib: int, kill: bool) -> FullDisk:
    """Pushes until the disk refuses, perhaps kills the server there and starts it again, and frees space."""
    result = FullDisk()
    with private_disk(home / "disk", DISK_MIB) as disk:
        async with _server_on(disk, home, seed, min_free_mib) as (server, book):
            ballast = disk.from_outside / "ballast"
            ballast.write_bytes(bytes(BALLAST_MIB << 20))
            await server.start()
            await _fill(book, result)
            if not server.running:
                result.wrong.append(f"a full disk ended the server:\n{server.log_tail()}")
            elif min_free_mib and (told := await book.complete(5)).outcome != "ok":
                result.wrong.append(f"what drains the queue was refused: {told.reason}")
            else:
                await book.list_all()
            if kill:
                await server.kill()
                await _start_when_full(server, result)
            ballast.unlink()
            if not server.running:
                await server.start()
            await _serves_again(book, result)
            result.unknown = len(book.unknown)
            await book.repeat_unknown()
            result.acknowledged = len(book.acknowledged)
            result.wrong += await book.audit()
            await server.stop()
            result.wrong += await books.problems(server)
    return result


async def _fill(book: Ledger, result: FullDisk) -> None:
    for _ in range(MOST_PUSHES):
        told = await book.push(count=20, size=60_000)
        if told.outcome != "ok":
            result.refused_with = told.reason
            return
    result.wrong.append("the disk never got full")


async def _start_when_full(server: Server, result: FullDisk) -> None:
    """Serves, or says that the disk is full and waits to be started again."""
    await server.launch()
    if await server.ready():
        result.started_when_full = "served"
        return
    code = await server.exited(1.0)
    result.started_when_full = f"refused, exit code {code}"
    if code != EXIT_STORE or "Free some space" not in server.log_tail():
        result.wrong.append(f"a start on a full disk ended with {code}:\n{server.log_tail()}")


async def _serves_again(book: Ledger, result: FullDisk) -> None:
    """A server that met a full disk answers pushes again, by itself, once there is space."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + SERVES_WITHIN_S:
        if (await book.push(count=1)).outcome == "ok":
            result.back_after_s = loop.time() - began
            return
        await asyncio.sleep(_LOOK_EVERY_S)
    result.wrong.append(f"no push was answered within {SERVES_WITHIN_S:.0f} s after space was freed")


async def make_read_only(home: Path, seed: int) -> list[str]:
    """A store on a disk that came back read-only is refused with advice, and whole once it is writable: what is not."""
    wrong: list[str] = []
    with private_disk(home / "disk", DISK_MIB) as disk:
        async with _server_on(disk, home, seed, 0) as (server, book):
            await server.start()
            for _ in range(10):
                await book.push()
            await book.complete(30)
            await server.kill()
            disk.remount(read_only=True)
            await server.launch()
            if await server.ready():
                wrong.append("the server serves from a read-only disk")
                await server.kill()
            elif await server.exited(1.0) != EXIT_STORE or "is read-only: give" not in server.log_tail():
                wrong.append(f"a read-only disk was refused without advice:\n{server.log_tail()}")
            disk.remount(read_only=False)
            await server.start()
            await book.repeat_unknown()
            wrong += await book.audit()
            await server.stop()
            wrong += await books.problems(server)
    return wrong
