"""Workers of the SDKs on one server: started, killed, started anew, and read at the end."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rockqueue_torture.history import Event, History
from rockqueue_torture.workers.kinds import KINDS

ENDED_WITHIN_S = 10.0


@dataclass(slots=True)
class _Running:
    sdk: str
    name: str
    journal: Path
    process: asyncio.subprocess.Process


class Fleet:
    """One worker of each SDK named. Their journals and logs go to `home`."""

    def __init__(self, home: Path, address: str, sdks: Sequence[str], queues: Sequence[str]) -> None:
        self._home = home
        self._address = address
        self._sdks = list(sdks)
        self._queues = list(queues)
        self._workers: list[_Running] = []
        self._journals: list[tuple[str, Path]] = []
        self.ended: Counter[str] = Counter()
        """How many workers ended by themselves, by SDK: one that meets no server at its start may."""
        home.mkdir(parents=True, exist_ok=True)

    async def start(self) -> None:
        """Starts one worker of each SDK; they connect by themselves. Raises WorkerMissing."""
        for sdk in self._sdks:
            await self._start(sdk)

    async def replace(self, index: int) -> str:
        """Kills a worker that has begun to work, and starts another one in its place; its SDK, empty for none."""
        working = [worker for worker in self._workers if worker.journal.exists() and worker.journal.stat().st_size]
        if not working:
            return ""
        worker = working[index % len(working)]
        self._workers.remove(worker)
        await _kill(worker)
        await self._start(worker.sdk)
        return worker.sdk

    async def revive(self) -> None:
        """Starts a new worker for each one that ended by itself."""
        ended = [worker for worker in self._workers if worker.process.returncode is not None]
        for worker in ended:
            self._workers.remove(worker)
            self.ended[worker.sdk] += 1
            await self._start(worker.sdk)

    @property
    def size(self) -> int:
        """How many workers there are."""
        return len(self._workers)

    async def stop(self) -> None:
        """Kills all workers: the jobs that they hold come back when their leases end."""
        for worker in self._workers:
            await _kill(worker)
        self._workers = []

    def read(self, history: History) -> dict[str, int]:
        """Adds all that the workers noted to a history; handlers that began, by SDK."""
        begun = dict.fromkeys(self._sdks, 0)
        for sdk, path in self._journals:
            for event in read_journal(path):
                history.add(event)
                begun[sdk] += event.op == "grant"
        return begun

    async def _start(self, sdk: str) -> None:
        command = await asyncio.to_thread(KINDS[sdk])
        name = f"{sdk}-{len(self._journals)}"
        journal = self._home / f"{name}.jsonl"
        with (self._home / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(*command, f"rockqueue://{self._address}", name, str(journal), ",".join(self._queues)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._journals.append((sdk, journal))
        self._workers.append(_Running(sdk, name, journal, process))


def read_journal(path: Path) -> Iterator[Event]:
    """The events of a worker's journal. Only the ends of deliveries are known, and of settlements the beginnings."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        entry: list[Any] = json.loads(line)
        kind, time, job, attempt, tag, *rest = entry
        token = f"{path.stem}/{job}/{attempt}"
        if kind == "start":
            args = {"job": job, "tag": tag, "check": rest[0], "queue": rest[1], "attempt": attempt, "token": token}
            yield Event(path.stem, "grant", None, time, "ok", {**args, "place": 0, "lease_ns": 0, "how": "work"})
        else:
            args = {"job": job, "attempt": attempt, "token": token, "kind": rest[0], "body": rest[1]}
            yield Event(path.stem, "settle", time, None, "unknown", args)


async def _kill(worker: _Running) -> None:
    if worker.process.returncode is None:
        worker.process.kill()
    await asyncio.wait_for(worker.process.wait(), ENDED_WITHIN_S)
