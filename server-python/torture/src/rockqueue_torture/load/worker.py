"""A raw worker that pulls, and does what workers do: it completes, fails, snoozes, extends, hangs, is late, dies."""

from __future__ import annotations

import asyncio
from random import Random

from rockqueue_torture.client import RawClient
from rockqueue_torture.history import History
from rockqueue_torture.load.calls import Held, Verdict, completion, extend, pull, settle

LEASE_MS = 1000
_MOST_LATE = 40
_PAUSE_S = 0.05
_SLOW_ATTEMPTS = 2
_ONCE = {"fail_once": "fail", "snooze_once": "snooze", "release_once": "release"}


class RawWorker:
    """Pulls from `queues` until it is cancelled. `settled` counts deliveries that it settled in time."""

    def __init__(
        self, name: str, history: History, address: str, random: Random, queues: tuple[str, ...], *, pause_s: float
    ) -> None:
        self.name = name
        self.settled = 0
        self._history = history
        self._address = address
        self._random = random
        self._queues = queues
        self._pause_s = pause_s
        self._late: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        async with RawClient(self._address) as client:
            try:
                while True:
                    await self._turn(client)
            finally:
                for task in self._late:
                    task.cancel()
                await asyncio.gather(*self._late, return_exceptions=True)

    async def _turn(self, client: RawClient) -> None:
        random = self._random
        taken = await pull(
            client,
            self._history,
            self.name,
            [random.choice(self._queues)] if random.randrange(4) else list(self._queues),
            most=random.choice((1, 2, 5, 16)),
            lease_ms=LEASE_MS,
            wait_ms=random.choice((0, 100, 300)),
        )
        if not taken:
            await asyncio.sleep(_PAUSE_S)
            return
        if random.randrange(60) == 0:
            return  # it dies with all that it holds
        at_once: list[Verdict] = []
        later: list[Held] = []
        for held in taken:
            verdict = self._verdict(held)
            if verdict is None or len(self._late) >= _MOST_LATE:
                later.append(held)
            else:
                at_once.append(verdict)
        if later and len(self._late) < _MOST_LATE:
            task = asyncio.create_task(self._handle_late(client, later))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        await asyncio.sleep(self._pause_s * random.random())
        if at_once:
            await settle(client, self._history, self.name, at_once)
            self.settled += len(at_once)
            if random.randrange(20) == 0:
                await settle(client, self._history, self.name, at_once)  # sent twice

    def _verdict(self, held: Held) -> Verdict | None:
        """What becomes of a delivery at once; None for those that take their time."""
        first = held.attempt == 1
        if (held.fate == "hang_once" and first) or (held.fate == "slow" and held.attempt <= _SLOW_ATTEMPTS):
            return None
        if held.fate in {"fail", "never"}:
            return Verdict(held, held.fate, "as it was told")
        if first and held.fate in _ONCE:
            return Verdict(held, _ONCE[held.fate], pause_ms=80)
        return completion(held, self.name)

    async def _handle_late(self, client: RawClient, held: list[Held]) -> None:
        """Some are slow and extend their lease; some say nothing until it is too late, and settle then."""
        slow = [one for one in held if one.fate != "hang_once"]
        hanging = [one for one in held if one.fate == "hang_once"]
        asked: set[bytes] = set()
        for _ in range(self._random.choice((1, 2, 3))):
            await asyncio.sleep(LEASE_MS / 1000 * 0.5)
            if slow:
                asked |= await extend(client, self._history, self.name, slow, LEASE_MS)
        if slow:
            verdicts = [Verdict(one, "cancelled") if one.token in asked else completion(one, self.name) for one in slow]
            await settle(client, self._history, self.name, verdicts)
        if hanging:
            await asyncio.sleep(LEASE_MS / 1000 * (0.6 + self._random.random()))
            await settle(client, self._history, self.name, [completion(one, self.name) for one in hanging])
