"""A place where SDK cases run one after another: a real server, the proxy before it, and the drivers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from rockqueue_conformance.language.model import Case
from rockqueue_conformance.sdk.distort import Distortion
from rockqueue_conformance.sdk.drivers import DriverSpec
from rockqueue_conformance.sdk.process import DriverProcess
from rockqueue_conformance.sdk.proxy.server import Proxy
from rockqueue_conformance.target.slot import Slot


class SdkSlot(Slot):
    """A server slot whose server is reached through the proxy, by drivers that serve many cases each."""

    def __init__(
        self, command: str, specs: dict[str, DriverSpec], *, distortion: str = "", driver_args: tuple[str, ...] = ()
    ) -> None:
        super().__init__(command, None, reference=True)
        self.proxy = Proxy(Distortion(distortion))
        self.drivers: dict[str, DriverProcess] = {}
        self._specs = specs
        self._driver_args = driver_args
        self._logs = Path(tempfile.mkdtemp(prefix="rockqueue-drivers-"))
        self._begun = False

    async def prepare(self, case: Case) -> None:
        if not self._begun:
            await self.proxy.start()
            self._begun = True
        await super().prepare(case)
        self.proxy.begin_case()

    async def connect(self) -> None:
        await super().connect()
        assert self.process is not None
        await self.proxy.connect(self.process.address)

    async def cast(self, names: tuple[str, ...]) -> list[DriverProcess]:
        """A driver for each part, started if it does not run; two parts of the same name are two programs."""
        found: list[DriverProcess] = []
        for number, name in enumerate(names):
            played = names[:number].count(name)
            found.append(await self._driver(name, name if not played else f"{name}.{played + 1}"))
        return found

    async def _driver(self, spec: str, key: str) -> DriverProcess:
        driver = self.drivers.get(key)
        if driver is None or not driver.running:
            driver = DriverProcess(self._specs[spec], key, self._logs / f"{key}.log", self._driver_args)
            await driver.start()
            self.drivers[key] = driver
        return driver

    async def end_case(self, drivers: Iterable[DriverProcess], *, spoiled: bool) -> None:
        """Has the drivers begin anew; those that do not, or that were in a case that failed, are replaced."""
        self.proxy.relay.flow()
        for driver in drivers:
            if spoiled or not await driver.reset():
                self.drivers.pop(driver.name, None)
                await driver.kill()
        await self.proxy.settle()

    async def close(self) -> None:
        for driver in self.drivers.values():
            await driver.close()
        await self.proxy.close()
        await super().close()
        for log in self._logs.iterdir():
            log.unlink()
        self._logs.rmdir()
