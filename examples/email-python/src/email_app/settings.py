"""Where the app finds its queue and its mail server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MAIL_SERVER_VARIABLE = "MAIL_SERVER"
DEFAULT_MAIL_SERVER = "127.0.0.1:2525"


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Where the jobs are: in files of this process, or on a server."""

    url: str = "embedded:./jobs.db"
    lease_s: float = 30.0
    """How long a worker may be silent before its mails go to another one, in seconds: 1 or more. A worker that is alive
    is never silent for that long: the client sends heartbeats by itself."""

    @property
    def embedded(self) -> bool:
        """Whether the queue runs in this process, and so the worker does too."""
        return self.url.startswith("embedded:")

    @classmethod
    def choose(cls, server: str | None, data: Path) -> QueueSettings:
        """The queue at `server` when there is one, otherwise the files in `data`."""
        return cls(server or f"embedded:{data}")


def mail_server() -> tuple[str, int]:
    """Host and port of the mail server, from the environment variable MAIL_SERVER (default: 127.0.0.1:2525).

    Raises ValueError when it is not of the form `host:port`.
    """
    address = os.environ.get(MAIL_SERVER_VARIABLE, DEFAULT_MAIL_SERVER)
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{MAIL_SERVER_VARIABLE} must be host:port, such as {DEFAULT_MAIL_SERVER}, not {address!r}")
    return host, int(port)
