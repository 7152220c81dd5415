"""The load as a whole: producers, raw workers and cancellers, each with a connection and a random source of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from rockqueue_torture.history import History
from rockqueue_torture.load.canceller import Canceller
from rockqueue_torture.load.producer import Producer
from rockqueue_torture.load.worker import RawWorker


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How much of what. The load ends by itself once every producer has tried `most_jobs_each`."""

    producers: int = 3
    workers: int = 3
    cancellers: int = 1
    queues: tuple[str, ...] = ("plain", "other")
    """What producers push to and raw workers pull from."""
    shared_queues: tuple[str, ...] = ()
    """What producers push to and others work on too: workers of the SDKs."""
    most_jobs_each: int = 2000
    pause_s: float = 0.02
    """How long a client rests between two calls, on average."""
    wal_share: float = 0.2
    """The share of pushes that ask for DURABILITY_WAL."""
    cancel_pause_s: float = 0.3


class Load:
    """Runs until it is stopped. Every client goes on through a restart of the server."""

    def __init__(self, history: History, address: str, seed: int, plan: LoadPlan | None = None) -> None:
        plan = plan or LoadPlan()
        self._plan = plan
        self._tasks: list[asyncio.Task[None]] = []
        known: list[str] = []
        everywhere = (*plan.queues, *plan.shared_queues)
        self._producers = [
            Producer(
                f"p{index}-{seed}",
                history,
                address,
                Random(f"{seed}-p{index}"),  # noqa: S311 - the load has to be repeatable
                everywhere,
                known,
                pause_s=plan.pause_s,
                wal_share=plan.wal_share,
            )
            for index in range(plan.producers)
        ]
        self._workers = [
            RawWorker(
                f"w{index}-{seed}",
                history,
                address,
                Random(f"{seed}-w{index}"),  # noqa: S311
                everywhere if index == 0 else plan.queues,
                pause_s=plan.pause_s,
            )
            for index in range(plan.workers)
        ]
        self._cancellers = [
            Canceller(
                f"c{index}-{seed}",
                history,
                address,
                Random(f"{seed}-c{index}"),  # noqa: S311
                known,
                pause_s=plan.cancel_pause_s,
            )
            for index in range(plan.cancellers)
        ]

    @property
    def pushed(self) -> int:
        """Jobs that were acknowledged so far."""
        return sum(producer.pushed for producer in self._producers)

    @property
    def settled(self) -> int:
        """Deliveries that raw workers settled so far."""
        return sum(worker.settled for worker in self._workers)

    def start(self) -> None:
        """Lets every client begin."""
        runs = [producer.run(self._plan.most_jobs_each) for producer in self._producers]
        runs += [worker.run() for worker in self._workers]
        runs += [canceller.run() for canceller in self._cancellers]
        self._tasks = [asyncio.create_task(run) for run in runs]

    def check(self) -> None:
        """Raises what ended a client by itself: a mistake of the load, not of the server."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def stop(self) -> None:
        """Stops every client; calls under way have an unknown outcome. Raises what ended a client by itself."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.check()
