"""Gets what the peers need and a package manager of a language has; names what the machine's own has to install."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from rockqueue_bench.peers.places import (
    BUILT,
    GO_LOAD,
    NATS_SERVER,
    NODE,
    NODE_LOADS,
    NODE_PACKAGES,
    PYTHON,
    PYTHON_LOADS,
    REPOSITORY,
    RUSTQUEUE,
    SOURCES,
    Missing,
    installed,
    postgres_folder,
)
from rockqueue_bench.peers.versions import said

RUSTQUEUE_VERSION = "0.3.0"
_STEP_WITHIN_S = 1500.0
Say = Callable[[str], None]


def install(say: Say) -> bool:
    """Makes what is missing or out of date, and tells of each step; whether all peers can be measured now."""
    (BUILT / "bin").mkdir(parents=True, exist_ok=True)
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("loads in Go, NATS server", _go),
        ("packages for Node.js", _node),
        ("packages for Python", _python),
        (f"RustQueue {RUSTQUEUE_VERSION}", _rustqueue),
    )
    whole = True
    for name, step in steps:
        try:
            step()
        except (OSError, subprocess.SubprocessError) as error:
            whole = False
            say(f"{name}: not installed: {_why(error)}")
        else:
            say(f"{name}: ready")
    packages = missing_packages()
    if packages:
        say(f"the machine lacks servers: apt-get install --no-install-recommends {' '.join(packages)}")
    return whole and not packages


def missing_packages() -> list[str]:
    """The packages of Debian that have to be installed for all peers."""
    wanted: tuple[tuple[str, Callable[[], Path]], ...] = (
        ("redis-server", lambda: installed("redis-server", "redis-server")),
        ("rabbitmq-server", lambda: installed("rabbitmq-server", "rabbitmq-server")),
        ("beanstalkd", lambda: installed("beanstalkd", "beanstalkd")),
        ("postgresql", postgres_folder),
    )
    return [package for package, find in wanted if _lacks(find)]


def _lacks(find: Callable[[], Path]) -> bool:
    try:
        find()
    except Missing:
        return True
    return False


def _go() -> None:
    folder = SOURCES / "go"
    with _Stamp(
        "go", [*sorted(folder.glob("*.go")), folder / "go.mod", folder / "go.sum"], GO_LOAD, NATS_SERVER
    ) as stale:
        if stale:
            environment = _with_tool("go")
            _run(("go", "build", "-o", GO_LOAD, "."), folder, environment)
            _run(("go", "build", "-o", NATS_SERVER, "github.com/nats-io/nats-server/v2"), folder, environment)


def _node() -> None:
    inputs = [NODE_LOADS / "package.json", NODE_LOADS / "package-lock.json"]
    with _Stamp("node", inputs, NODE_PACKAGES, NODE) as stale:
        if stale:
            environment = _with_tool("node")
            _run(("npm", "ci", "--prefer-offline"), NODE_LOADS, environment)
            found = shutil.which("node", path=environment["PATH"])
            if found is None:
                raise FileNotFoundError("no node beside npm")
            NODE.unlink(missing_ok=True)
            NODE.symlink_to(found)


def _python() -> None:
    pins = PYTHON_LOADS / "requirements.txt"
    with _Stamp("python", [pins], PYTHON) as stale:
        if stale:
            uv, base = REPOSITORY / ".ci" / "uv", REPOSITORY / ".build" / "uv" / "bin" / "python"
            _run((uv, "venv", "--quiet", "--clear", "--python", base, BUILT / "venv"), REPOSITORY)
            _run((uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", pins), REPOSITORY)


def _rustqueue() -> None:
    with _Stamp("rustqueue", [], RUSTQUEUE, salt=RUSTQUEUE_VERSION) as stale:
        # A build takes minutes: one that is there already, of this version, is kept.
        if stale and not (RUSTQUEUE.exists() and said((RUSTQUEUE, "--version")) == RUSTQUEUE_VERSION):
            wanted = ("rustqueue", "--version", RUSTQUEUE_VERSION, "--locked", "--force", "--root", BUILT)
            _run(("cargo", "install", "--quiet", *wanted), REPOSITORY)


class _Stamp:
    """A file that says what was made of which inputs; it is written when the block ends without an error."""

    def __init__(self, name: str, inputs: Sequence[Path], *outputs: Path, salt: str = "") -> None:
        self._file = BUILT / f"{name}.stamp"
        self._outputs = outputs
        found = hashlib.sha256(salt.encode())
        for path in inputs:
            found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        self._content = found.hexdigest()

    def __enter__(self) -> bool:
        made = self._file.read_text() if self._file.exists() else ""
        stale = made != self._content or not all(path.exists() for path in self._outputs)
        if stale:
            self._file.unlink(missing_ok=True)
        return stale

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._file.write_text(self._content)


def _with_tool(tool: str) -> dict[str, str]:
    """The environment in which the repository's own choice of a toolchain comes first."""
    told = subprocess.run(  # noqa: S603 - a script of this repository
        [str(REPOSITORY / ".ci" / "toolchain"), tool],
        capture_output=True,
        text=True,
        timeout=_STEP_WITHIN_S,
        check=True,
    )
    path = f"{told.stdout.strip()}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "GOFLAGS": "-buildvcs=false"}


def _run(command: Sequence[str | Path], folder: Path, environment: dict[str, str] | None = None) -> None:
    parts = [str(part) for part in command]
    where = (environment or os.environ).get("PATH")
    program = shutil.which(parts[0], path=where)
    if program is None:
        raise FileNotFoundError(f"{parts[0]} is not on the path")
    subprocess.run(  # noqa: S603 - the tools that are named above
        [program, *parts[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_STEP_WITHIN_S,
        check=True,
    )


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        said_last = str(error.stderr or error.stdout or "").strip().splitlines()[-6:]
        return " / ".join(said_last) or str(error)
    return str(error)
