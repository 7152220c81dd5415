"""What both acts stand on: a folder, the processes in it, and the visitors with the promises they were given."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from email_app.demo.books import survival_checks
from email_app.demo.plan import Plan
from email_app.demo.processes import DemoProcess, Processes, python_module
from email_app.demo.remains import examine
from email_app.demo.screen import Check, Screen
from email_app.demo.traffic import Promises, Visitors
from email_app.settings import MAIL_SERVER_VARIABLE

LEASE_S = 2.0
"""How long the server waits for the killed worker before its mails go to the new one. Short, for a demo."""

SINK_READY = r"listening on (\S+)"
APP_READY = r"Uvicorn running on (http://\S+)"
WORKER_READY = r"sending the mails of queue \S+ at (\S+)"
SERVER_READY = r'"listen": ?"([^"]+)"'


class Stage:
    """One act's folder, processes and visitors."""

    def __init__(self, plan: Plan, screen: Screen, folder: Path, processes: Processes) -> None:
        self.plan = plan
        self.screen = screen
        self.store = folder / "jobs.db"
        self.mails = folder / "mails.jsonl"
        self.promises = Promises()
        self.visitors = Visitors(self.promises)
        self._processes = processes
        self._mail_server = ""

    async def start_mail_server(self) -> None:
        """Starts the mail server that the later processes send to."""
        options = ["--seed", str(self.plan.seed), "--pause", str(self.plan.smtp_pause_s)]
        command = python_module("email_app.smtp_sink", str(self.mails), *options)
        sink = await self._processes.start("mail server", command, SINK_READY)
        self._mail_server = sink.address

    async def start_app(self, server: str | None = None) -> DemoProcess:
        """Starts the web app on its own files, or on the queue server at `server`. Its address is a base URL."""
        queue = ["--server", server] if server else ["--data", str(self.store)]
        return await self._start("app", python_module("email_app", *queue, "--port", "0"), APP_READY)

    async def start_worker(self, server: str) -> DemoProcess:
        """Starts a worker on the queue server at `server`."""
        options = ["--server", server, "--lease", str(LEASE_S)]
        return await self._start("worker", python_module("email_app.worker", *options), WORKER_READY)

    async def start_queue_server(self, listen: str = "127.0.0.1:0") -> DemoProcess:
        """Starts `rockqueue serve` on the files of this act. Port 0: the system chooses one."""
        options = ["serve", str(self.store), "--listen", listen, "--metrics", "off", "--drain-grace", "2s"]
        return await self._start("queue server", python_module("rockqueue_server", *options), SERVER_READY)

    async def examine_remains(self) -> list[Check]:
        """Looks at the files while every process that used them is dead, and compares them with the promises."""
        remains = await examine(self.store)
        self.screen.say(f"left on disk: {remains}")
        return survival_checks(remains, len(self.promises.acknowledged), self.promises.unanswered)

    async def _start(self, name: str, command: list[str], ready: str) -> DemoProcess:
        return await self._processes.start(name, command, ready, {MAIL_SERVER_VARIABLE: self._mail_server})


@asynccontextmanager
async def open_stage(plan: Plan, screen: Screen, name: str) -> AsyncGenerator[Stage]:
    """A stage in a folder of its own, with a mail server. All its processes have ended when the block has."""
    folder = plan.folder / name
    folder.mkdir()
    async with Processes(folder) as processes:
        stage = Stage(plan, screen, folder, processes)
        await stage.start_mail_server()
        yield stage
