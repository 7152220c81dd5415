"""A place where cases run one after another: one server at a time, its connection, and what it can do."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from rockqueue_conformance.language.model import Case
from rockqueue_conformance.target.process import ServerProcess, ServerTrouble
from rockqueue_conformance.wire.connection import CallFailed, Connection
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.methods import METHODS
from rockqueue_conformance.wire.mutation import Mutation, Recorder

JOBS_PER_STORE = 4_000
"""A store with more jobs than this is left behind for a new one, so that looking through it stays quick."""


class Slot:
    """Runs cases against a command (`command` set) or against a server that someone else runs (`address` set)."""

    def __init__(
        self, command: str | None, address: str | None, args: tuple[str, ...] = (), *, reference: bool = False
    ) -> None:
        self._command = command
        self._address = address
        self._args = args
        self._reference = reference
        self._root = Path(tempfile.mkdtemp(prefix="rockqueue-conformance-"))
        self._homes = 0
        self._case_args: tuple[str, ...] = ()
        self._used_up = False
        self.process: ServerProcess | None = None
        self.connection: Connection | None = None
        self.capabilities: dict[str, Any] = {}
        self.now = ""
        self._on_the_way: Mutation | Recorder | None = None
        self.patience_s = 10.0
        """How long a call, or anything a step waits for, may take unless the step says `within`."""

    @property
    def can_crash(self) -> bool:
        return self._command is not None

    @property
    def has_clock(self) -> bool:
        return bool(self.capabilities.get("testing"))

    async def prepare(self, case: Case) -> None:
        """Makes sure that a server runs that suits the case."""
        args = case.server_args
        stale = self.process is not None and (self.process.altered or not self.process.running)
        if self.connection is None or stale or case.fresh or self._used_up or args != self._case_args:
            await self.renew(args)

    async def renew(self, args: tuple[str, ...] = ()) -> None:
        """A new server on new files; at an address, a new connection."""
        await self.drop_server()
        self._used_up, self._case_args = False, args
        if self._command is not None:
            self._homes += 1
            home = self._root / str(self._homes)
            self.process = ServerProcess(self._command, home, self._args + args)
            await self.process.start()
        await self.connect()

    async def connect(self) -> None:
        """Connects to where the server listens now and asks what it can do."""
        if self.connection is not None:
            await self.connection.close()
        address = self.process.address if self.process is not None else self._address
        assert address
        self.connection = Connection(address)
        info = await self._info(self.connection)
        self.capabilities = {**info["capabilities"], "reference_server": self._reference}
        self.now = info["server_time"]
        self.connection.on_the_way = self._on_the_way

    async def _info(self, connection: Connection) -> dict[str, Any]:
        method = METHODS["ServerService.GetServerInfo"]
        try:
            await connection.ready(20.0)
            return await connection.call(method, from_data(method.request, {}), 10.0)
        except (TimeoutError, CallFailed) as error:
            raise ServerTrouble(f"no answer from {connection.address}: {error!r}") from None

    def count_jobs(self, jobs: int) -> None:
        """Notes how many jobs the store holds."""
        self._used_up = self._used_up or jobs > JOBS_PER_STORE

    def watch_fields(self, on_the_way: Mutation | Recorder) -> None:
        """Notes or changes the fields of all messages of the cases from now on."""
        self._on_the_way = on_the_way
        if self.connection is not None:
            self.connection.on_the_way = on_the_way

    def spoil(self) -> None:
        """The server must not be used for another case, unless it is known that the fault is not its own."""
        self._used_up = self._used_up or not isinstance(self._on_the_way, Mutation)

    def log_tail(self) -> str:
        return self.process.log_tail() if self.process is not None else ""

    async def drop_server(self) -> None:
        """Ends the connection and the server, and removes its files."""
        if self.connection is not None:
            await self.connection.close()
            self.connection = None
        if self.process is not None:
            await self.process.kill()
            shutil.rmtree(self._root / str(self._homes), ignore_errors=True)
            self.process = None

    async def close(self) -> None:
        await self.drop_server()
        shutil.rmtree(self._root, ignore_errors=True)
