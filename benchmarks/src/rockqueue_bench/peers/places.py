"""Where the peers' programs and loads are."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
SOURCES = REPOSITORY / "benchmarks" / "peers"
"""The loads in Go, Node.js and Python, with their pins."""
BUILT = REPOSITORY / ".build" / "peers"
"""What `rockqueue_bench.peers --setup` makes."""

GO_LOAD = BUILT / "bin" / "peers-load"
NATS_SERVER = BUILT / "bin" / "nats-server"
RUSTQUEUE = BUILT / "bin" / "rustqueue"
NODE = BUILT / "bin" / "node"
NODE_LOADS = SOURCES / "node"
NODE_PACKAGES = NODE_LOADS / "node_modules"
PYTHON_LOADS = SOURCES / "python"
PYTHON = BUILT / "venv" / "bin" / "python"

# Debian puts these where the path of a user does not look.
_SYSTEM_FOLDERS = ("/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/local/sbin")


class Missing(Exception):
    """A program that a peer needs is not there; the message says how to get it."""


def built(program: Path) -> Path:
    """A program that the setup makes. Raises Missing."""
    if not program.exists():
        raise Missing(f"{program.name} is not built: run `make -C benchmarks/peers setup`")
    return program


def installed(program: str, package: str) -> Path:
    """A program of this machine. Raises Missing with the Debian package that has it."""
    for folder in (*_SYSTEM_FOLDERS, None):
        found = shutil.which(program, path=folder)
        if found is not None:
            return Path(found)
    raise Missing(f"{program} is not installed: apt-get install {package}")


def node() -> Path:
    """Node.js, when the packages of the loads are there. Raises Missing."""
    if not NODE_PACKAGES.exists():
        raise Missing("the packages for Node.js are not installed: run `make -C benchmarks/peers setup`")
    return built(NODE)


def postgres_folder() -> Path:
    """The folder of PostgreSQL's programs, of the newest version that is installed. Raises Missing."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0)
    return installed("initdb", "postgresql").parent
