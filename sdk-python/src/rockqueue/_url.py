"""The URL that names a server, a socket or an embedded store; pure, and the same table of vectors in every SDK."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Literal

DEFAULT_PORT = 7655
LAST_PORT = 65535
DEFAULT_URL = f"rockqueue://localhost:{DEFAULT_PORT}"
FORMS = '"rockqueue://host:port", "unix:///path/to.sock" or "embedded:./jobs.db"'

_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?/?")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to find RockQueue: `address` is what gRPC dials for a server, and a directory for an embedded store."""

    kind: Literal["grpc", "embedded"]
    address: str


def resolve_url(url: str | None) -> str:
    """The URL to use: the argument, else `ROCKQUEUE_URL`, else a server on this machine."""
    return url or os.environ.get("ROCKQUEUE_URL") or DEFAULT_URL


def parse_url(url: str) -> Target:
    """Takes a URL apart. Raises ValueError, which names the forms allowed."""
    scheme, separator, rest = url.partition(":")
    if separator and scheme == "rockqueue" and rest.startswith("//"):
        return Target("grpc", _host_and_port(url, rest[2:]))
    if separator and scheme == "unix":
        path = rest.removeprefix("//")
        if path.startswith("/") and len(path) > 1:
            return Target("grpc", f"unix:{path}")
        raise ValueError(f"{url!r}: a Unix socket needs an absolute path, such as unix:///run/rockqueue.sock")
    if separator and scheme == "embedded":
        if rest.startswith("///"):
            rest = rest[2:]
        if rest in ("", ".", "/") or rest.startswith("//"):
            raise ValueError(f"{url!r}: an embedded store needs a directory, such as embedded:./jobs.db")
        return Target("embedded", rest)
    raise ValueError(f"{url!r} is not a RockQueue URL; write {FORMS}")


def _host_and_port(url: str, authority: str) -> str:
    match = _HOST_PORT.fullmatch(authority)
    if match is None:
        raise ValueError(f"{url!r}: expected a host and perhaps a port after rockqueue://, and nothing else")
    port = DEFAULT_PORT if match["port"] is None else int(match["port"])
    if not 1 <= port <= LAST_PORT:
        raise ValueError(f"{url!r}: the port must be 1 to {LAST_PORT}")
    return f"{match['host']}:{port}"
