"""What a running SDK case knows: besides the server, its drivers, what they observed, and the proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from rockqueue_conformance.language.match import fits
from rockqueue_conformance.language.model import Step, Variant
from rockqueue_conformance.sdk.process import DriverProcess, DriverTrouble
from rockqueue_conformance.sdk.proxy.server import Proxy
from rockqueue_conformance.sdk.slot import SdkSlot
from rockqueue_conformance.sdk.values import content, from_protocol
from rockqueue_conformance.steps.context import CaseContext, StepFailed

Data = dict[str, Any]

DEFAULT_CLIENT = "c"
FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.1


class SdkContext(CaseContext):
    """One run of one variant of an SDK case."""

    def __init__(self, slot: SdkSlot, variant: Variant, unique: str, drivers: dict[str, DriverProcess]) -> None:
        super().__init__(slot, variant, unique)
        self.sdk_slot = slot
        self.drivers = drivers
        """By the part that each plays."""
        self.clients: set[tuple[str, str]] = set()
        self.answers: dict[str, asyncio.Future[Data]] = {}
        self.memory: dict[str, float] = {}
        self._used: dict[str, set[int]] = {driver.name: set() for driver in drivers.values()}
        self.scope["url"] = slot.proxy.url

    @property
    def proxy(self) -> Proxy:
        return self.sdk_slot.proxy

    def role(self, step: Step) -> str:
        """Which part the step speaks of: `by`, else the first."""
        role = step.options.get("by", next(iter(self.drivers)))
        if role not in self.drivers:
            raise StepFailed(f"nobody plays {role!r}; there are {', '.join(self.drivers)}")
        return role

    def driver(self, step: Step) -> DriverProcess:
        return self.drivers[self.role(step)]

    async def command(self, step: Step, name: str, data: Data, timeout_s: float) -> Data:
        """Carries out a command; its answer as data."""
        return await self._answered(self.begin(step, name, data), name, timeout_s)

    def begin(self, step: Step, name: str, data: Data) -> asyncio.Future[Data]:
        """Sends a command; the future is its answer."""
        self.note("->", {name: data})
        try:
            return self.driver(step).begin(name, data)
        except DriverTrouble as trouble:
            raise StepFailed(str(trouble)) from None

    async def _answered(self, answer: asyncio.Future[Data], name: str, timeout_s: float) -> Data:
        try:
            data = await asyncio.wait_for(asyncio.shield(answer), timeout_s)
        except TimeoutError:
            raise StepFailed(f"{name} was not answered within {timeout_s:g} s") from None
        except DriverTrouble as trouble:
            raise StepFailed(str(trouble)) from None
        self.note("<-", data)
        return data

    async def finish(self, name: str, timeout_s: float) -> Data:
        """The answer to a command that was begun under this name."""
        answer = self.answers.pop(name, None)
        if answer is None:
            raise StepFailed(f"no command {name!r} goes on")
        return await self._answered(answer, name, timeout_s)

    async def client(self, step: Step, timeout_s: float) -> str:
        """The client that the step speaks of, opened with the SDK's defaults when it is first named."""
        name = step.options.get("client", DEFAULT_CLIENT)
        if (self.driver(step).name, name) not in self.clients:
            await self.open_client(step, name, {}, timeout_s)
        return name

    async def open_client(self, step: Step, name: str, options: Data, timeout_s: float) -> None:
        """Opens a client of the proxy, or of the URL that the options name."""
        self.clients.add((self.driver(step).name, name))
        wanted = {"client": name, "url": self.proxy.url, **options}
        answer = await self.command(step, "open_client", wanted, timeout_s)
        if "done" not in answer:
            raise StepFailed(f"the client was not made: {content(answer)}")

    async def looks(self, timeout_s: float) -> AsyncIterator[None]:
        """Time to look, again and again until the time is over, ever more seldom; at least twice."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        pause = FIRST_PAUSE_S
        yield
        while loop.time() < deadline:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
            yield

    # ---- observations ---------------------------------------------------------------------------------------------

    def observations(self, role: str) -> list[Data]:
        """Everything that the driver observed since the case began."""
        return [from_protocol(one) for one in self.drivers[role].observations]

    def take(self, role: str, matchers: list[Any], *, in_order: bool) -> list[Data] | None:
        """The first observations that fit, none taken twice; None while one is missing."""
        everything, used = self.observations(role), self._used[self.drivers[role].name]
        found: list[int] = []
        after = -1
        for matcher in matchers:
            index = next(
                (
                    index
                    for index, one in enumerate(everything)
                    if index not in used and index not in found and index > after and fits(matcher, one)
                ),
                None,
            )
            if index is None:
                return None
            found.append(index)
            after = index if in_order else -1
        used.update(found)
        return [everything[index] for index in found]

    def flaws(self) -> list[str]:
        """What broke a rule that always holds."""
        found = list(self.proxy.judge.flaws)
        runs: set[tuple[str, int]] = set()
        for role, driver in self.drivers.items():
            found += [f"{driver.name}: {flaw}" for flaw in driver.flaws]
            for one in self.observations(role):
                if (began := one.get("began")) is not None:
                    run = (began["job_id"], int(began["attempt"]))
                    if run in runs:
                        found.append(f"attempt {run[1]} of job {run[0]} was begun twice")
                    runs.add(run)
        return found

    def check_flaws(self) -> None:
        """StepFailed when something broke a rule that always holds."""
        if found := self.flaws():
            raise StepFailed(found)
