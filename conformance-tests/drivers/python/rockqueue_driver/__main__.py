"""Starts the driver: `python -m rockqueue_driver --mode async`."""

from __future__ import annotations

import argparse
import asyncio

from .commands import Driver
from .defects import DEFECTS, plant
from .frames import Frames


async def main() -> None:
    """Reads commands and begins each, until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["async", "sync"], default="async")
    parser.add_argument("--defect", choices=sorted(DEFECTS))
    options = parser.parse_args()
    driver = Driver(Frames(), sync=options.mode == "sync")
    if options.defect:
        plant(driver, options.defect)
    driver.hello()
    running: set[asyncio.Task[None]] = set()
    async for command in driver.frames.commands():
        task = asyncio.ensure_future(driver.carry_out(command))
        running.add(task)
        task.add_done_callback(running.discard)
    await driver.reset()


asyncio.run(main())
