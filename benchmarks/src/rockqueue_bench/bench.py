"""What a row measures with: servers and loads that end with their block, under one temporary directory."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rockqueue_bench.client import LoadProcess, usage_in
from rockqueue_bench.languages import load_command
from rockqueue_bench.scale import Scale
from rockqueue_bench.server import ServerProcess
from rockqueue_bench.usage import Usage


class Bench:
    """Makes the processes of a run. `root` is an empty directory; whoever made it removes it."""

    def __init__(self, root: Path, scale: Scale) -> None:
        self.scale = scale
        self._root = root
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def directory(self) -> AsyncGenerator[Path]:
        """An empty directory that is removed with the block."""
        path = self._root / str(next(self._numbers))
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    @asynccontextmanager
    async def server(self) -> AsyncGenerator[ServerProcess]:
        """A server on an empty store; it is killed and its files are removed with the block."""
        async with self.directory() as home:
            server = ServerProcess(home)
            try:
                await server.start()
                yield server
            finally:
                await server.kill()

    @asynccontextmanager
    async def load(self, name: str, *, language: str = "python", **params: Any) -> AsyncGenerator[LoadProcess]:
        """A load that was started and is killed with the block. It is not ready yet. Raises NotHere."""
        command = load_command(language, name)
        number = next(self._numbers)
        load = LoadProcess(name, command, params, self._root / f"{name}-{number}.log")
        try:
            await load.start()
            yield load
        finally:
            await load.kill()

    async def once(self, name: str, within_s: float, **params: Any) -> dict[str, Any]:
        """Runs a load from start to end, for what is not measured itself, such as filling a store."""
        async with self.load(name, **params) as load:
            await load.ready()
            load.go()
            return await load.result(within_s)

    async def measured(self, server: ServerProcess, load: LoadProcess) -> tuple[dict[str, Any], Usage, Usage]:
        """Lets one load go when it is warm; returns its result and what the server and the load used meanwhile."""
        await load.ready()
        before = await server.usage()
        load.go()
        result = await load.result(self.limit_s)
        return result, (await server.usage()).since(before), usage_in(result)

    @property
    def limit_s(self) -> float:
        """A measured part that takes longer than this has failed."""
        return self.scale.seconds * 4 + 60
