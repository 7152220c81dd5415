"""What `rockqueue serve` can be told: listen addresses, durations, and the settings made of them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from rockqueue_server.webhooks.addresses import Network

DEFAULT_LISTEN = "127.0.0.1:7655"
DEFAULT_METRICS = "127.0.0.1:7656"
DEFAULT_MIN_FREE_MIB = 128
LOG_LEVELS = ("debug", "info", "warning", "error")

MAX_PORT = 65535

# The longest path that fits into a socket address, the closing zero byte not counted.
MAX_SOCKET_PATH_BYTES = 107

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """Host (a name, or an address without brackets) and port; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def is_loopback(self) -> bool:
        """True when only programs on this machine can connect. A name other than localhost counts as open."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"

    def is_loopback(self) -> bool:
        """Always True."""
        return True


Address = TcpAddress | UnixAddress


def parse_address(text: str) -> Address:
    """Reads `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`. Raises ValueError with a message for people."""
    if text.startswith("unix:"):
        return _unix_address(text.removeprefix("unix:"))
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:\[\]/]+)):(\d{1,5})", text)
    if match is None:
        raise ValueError(f"{text!r} is no address: write HOST:PORT, [IPV6]:PORT or unix:PATH")
    host, port = match[1] or match[2], int(match[3])
    if port > MAX_PORT:
        raise ValueError(f"{text!r} has no valid port: 0 to {MAX_PORT}, where 0 lets the system choose")
    return TcpAddress(host, port)


def _unix_address(path: str) -> UnixAddress:
    if not path or "\0" in path:
        raise ValueError("unix: needs the path of a socket, such as unix:/run/rockqueue.sock")
    if len(str(Path(path).absolute()).encode()) > MAX_SOCKET_PATH_BYTES:
        raise ValueError(
            f"{path!r} is too long for a socket: at most {MAX_SOCKET_PATH_BYTES} bytes as an absolute path"
        )
    return UnixAddress(str(Path(path).absolute()))


def parse_duration(text: str) -> float:
    """Reads `30s`, `500ms`, `2m`, `1h` or plain seconds; gives seconds. Raises ValueError with a message for people."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no duration: write 30s, 500ms, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2] or "s"]


def version() -> str:
    """The version of this server."""
    from importlib.metadata import version as installed_version  # only a start and `rockqueue version` need it

    return installed_version("rockqueue-server")


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Everything that `rockqueue serve` was told."""

    directory: Path
    listen: Address
    metrics: TcpAddress | None
    ready_file: Path | None = None
    testing: bool = False
    reflection: bool = False
    drain_grace_s: float = 30.0
    embedded: bool = False
    accept_data_loss: bool = False
    backup_dir: Path | None = None
    min_free_bytes: int = DEFAULT_MIN_FREE_MIB << 20
    log_level: str = "info"
    webhook_allow: tuple[Network, ...] = ()
    write_timeout_s: float | None = None
    defects: frozenset[str] = frozenset()
