"""A disk that refuses: the n-th fsync or write of a server fails, for one n after the other."""

from __future__ import annotations

import errno
import random
import signal
from dataclasses import dataclass
from pathlib import Path

from rockqueue_torture.environment import books
from rockqueue_torture.environment.disk.preload import Fault, compile_library
from rockqueue_torture.environment.ledger import Ledger, ledger
from rockqueue_torture.server import Server

EXIT_STORE = 3
EXIT_STORAGE_FAILED = 70
ENDS_WITHIN_S = 20.0
PUSHES = 40
WORK_EVERY = 4
# A start makes about 45 syncs and 90 writes on a new store; the pushes one or two each.
FIRST_CALLS = {"sync": 90, "write": 160}
ERRORS = {"sync": (errno.EIO,), "write": (errno.EIO, errno.ENOSPC, errno.EROFS)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server made of a fault.

    `lost` is what was wrong with the jobs afterwards, `manner` what was wrong with how the server ended. Both are empty
    when all was well.
    """

    fault: Fault
    hit: bool
    ended: str
    acknowledged: int
    repeated: int
    lost: list[str]
    manner: list[str]

    @property
    def wrong(self) -> list[str]:
        """Everything."""
        return self.lost + self.manner


async def refuse(home: Path, fault: Fault, seed: int) -> Refusal:
    """Runs a server under the fault until it ends or the load does, starts it on a good disk, and audits it."""
    server = Server(home, arguments=["--min-free-mib", "0"])
    diary = home / "calls"
    server.preload = [compile_library(home)]
    server.environment = fault.environment(server.store, diary)
    async with ledger(server.address, seed) as book:
        try:
            ended = await _under_fault(server, book)
            hit = b"F" in diary.read_bytes()
            manner = _judge(ended, server.log_tail(), hit=hit)
            server.preload, server.environment = [], {}
            await server.start()
            unknown = len(book.unknown)
            await book.repeat_unknown()
            lost = await book.audit()
            await server.stop()
            lost += await books.problems(server)
        finally:
            await server.kill()
    return Refusal(fault, hit, ended, len(book.acknowledged), unknown, lost, manner)


async def _under_fault(server: Server, book: Ledger) -> str:
    """Pushes and completes until the server ends or there is no more to do; says how it ended."""
    await server.launch()
    if not await server.ready():
        return f"start refused, exit code {await server.exited(ENDS_WITHIN_S)}"
    for number in range(PUSHES):
        await book.push(size=400)
        if number % WORK_EVERY == 0:
            await book.complete(10)
        if not server.running:
            break
    code = await server.exited(1.0 if book.unknown else 0.01)
    if code is not None:
        return f"ended, exit code {code}"
    # What fails now, fails while it stops.
    server.signal(signal.SIGTERM)
    return f"stopped, exit code {await server.exited(ENDS_WITHIN_S)}"


def _judge(ended: str, log: str, *, hit: bool) -> list[str]:
    """A failed start says why and ends with 3, a failed disk with 70; and nobody ends with a traceback."""
    allowed = (EXIT_STORE, EXIT_STORAGE_FAILED, 0) if hit else (0,)
    wrong: list[str] = []
    if not any(ended.endswith(f" {code}") for code in allowed):
        wrong.append(f"{ended}:\n{log}")
    if "uncaught exception" in log or "Traceback" in log:
        wrong.append(f"the end was a traceback:\n{log}")
    return wrong


def choose_fault(chance: random.Random) -> Fault:
    """A fault somewhere between the first call of the first start and the last one of a short load."""
    call = chance.choice(("sync", "write"))
    return Fault(call, chance.randint(1, FIRST_CALLS[call]), chance.choice(ERRORS[call]), chance.choice((1, 0)))
