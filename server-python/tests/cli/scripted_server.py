"""`rockqueue` with a scripted core in place of the real one, for what a real one does not do when asked.

The environment variable SCRIPT chooses: `plain`, `long_drain` (drains until it is killed), `broken_drain` (raises),
`disk_fails` (a moment after the start), `close_fails`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Self

os.environ["GRPC_VERBOSITY"] = "NONE"  # as the command does itself before it imports gRPC

from api.scripted import ScriptedCore

SCRIPT = os.environ.get("SCRIPT", "plain")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass
class CoreOptions:
    testing: bool
    embedded: bool
    defects: frozenset[str]
    accept_data_loss: bool
    min_free_bytes: int
    backup_dir: Path | None
    webhook_allow: tuple[object, ...]


class Core(ScriptedCore):
    def __init__(self, options: CoreOptions) -> None:
        super().__init__(testing=options.testing)
        self.failed = asyncio.Event()
        self.failed_by_disk = True

    @classmethod
    async def open(cls, _: str, options: CoreOptions) -> Self:
        core = cls(options)
        if SCRIPT == "disk_fails":
            asyncio.get_running_loop().call_later(0.3, core.failed.set)
        return core

    async def drain(self, grace_s: float) -> None:
        say(f"drain {grace_s}")
        if SCRIPT == "long_drain":
            await asyncio.sleep(600)
        if SCRIPT == "broken_drain":
            raise RuntimeError("drain broke")

    async def close(self) -> None:
        say("closed")
        if SCRIPT == "close_fails":
            raise OSError(5, "hunter2")


def main() -> None:
    module = types.ModuleType("rockqueue_server.core")
    module.__dict__.update(Core=Core, CoreOptions=CoreOptions, DEFECTS=())
    sys.modules["rockqueue_server.core"] = module
    from rockqueue_server import cli

    cli.main()


if __name__ == "__main__":
    main()
