"""A driver by hand: one command a line as JSON, answers and observations as they come."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rockqueue_conformance.sdk.drivers import DriverSpec
from rockqueue_conformance.sdk.process import DriverProcess, DriverTrouble
from rockqueue_conformance.wire.convert import BadMessage

Data = dict[str, Any]

ANSWER_S = 60.0


async def drive_by_hand(spec: DriverSpec) -> None:
    """Carries out `{"get_job": {...}}` and the like until the input ends."""
    await spec.prepare()
    with tempfile.TemporaryDirectory() as folder:
        driver = DriverProcess(spec, spec.name, Path(folder) / "log")
        driver.on_message = _show
        try:
            await driver.start()
            _show("hello", driver.hello)
            while line := await asyncio.to_thread(sys.stdin.readline):
                await _carry_out(driver, line)
            await driver.close()
        finally:
            await driver.kill()
            sys.stderr.write(driver.log_tail())


async def _carry_out(driver: DriverProcess, line: str) -> None:
    try:
        ((command, data),) = json.loads(line).items()
        _show("answer", await driver.call(command, data, ANSWER_S))
    except (ValueError, BadMessage, DriverTrouble) as trouble:
        _show("trouble", {"said": str(trouble)})


def _show(what: str, data: Data) -> None:
    sys.stdout.write(f"{what} {json.dumps(data, ensure_ascii=False)}\n")
    sys.stdout.flush()
