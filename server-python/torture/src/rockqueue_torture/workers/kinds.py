"""The three kinds of worker, and how each is built and started."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

BUILT_WITHIN_S = 300.0


class WorkerMissing(Exception):
    """A worker cannot be built here; the message says what is missing."""


def _root() -> Path:
    """The checkout: the workers for Node.js and Go are built from the sources beside this one."""
    for folder in Path(__file__).resolve().parents:
        if (folder / ".ci" / "toolchain").exists():
            return folder
    raise WorkerMissing("the workers of other languages are built in a checkout of the repository only")


@cache
def _toolchain(name: str) -> str:
    """The folder of `go` or `node`. Raises WorkerMissing."""
    found = _run([str(_root() / ".ci" / "toolchain"), name], _root())
    return found.strip()


@cache
def _python() -> tuple[str, ...]:
    return (sys.executable, "-m", "rockqueue_torture.workers.python_worker")


@cache
def _node() -> tuple[str, ...]:
    root = _root()
    if not (root / "sdk-node" / "dist" / "esm" / "index.js").exists():
        _run(["make", "-s", "-C", str(root / "sdk-node"), "build"], root)
    worker = root / "server-python" / "torture" / "workers" / "node" / "worker.mjs"
    return (f"{_toolchain('node')}/node", str(worker))


@cache
def _go() -> tuple[str, ...]:
    root = _root()
    built = root / ".build" / "torture" / "worker-go"
    built.parent.mkdir(parents=True, exist_ok=True)
    folder = root / "server-python" / "torture" / "workers" / "go"
    _run([f"{_toolchain('go')}/go", "build", "-o", str(built), "."], folder)
    return (str(built),)


KINDS: dict[str, Callable[[], tuple[str, ...]]] = {"python": _python, "node": _node, "go": _go}
"""The command of each SDK's worker, which is built where that is needed. Raises WorkerMissing."""


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the tools of this repository
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=BUILT_WITHIN_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", "") or str(error)
        raise WorkerMissing(f"{' '.join(command[:3])} failed: {str(told)[-400:]}. Run `make setup`") from error
    return done.stdout
