"""A small disk of one's own: a tmpfs in a mount namespace that ends with its keeper, so that no mount is left over."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

MOUNTED_WITHIN_S = 10.0
_TOOLS = ("unshare", "nsenter", "mount", "sh")
# Reads until its input is closed, which the end of this process does as well as `close`.
_KEEPER = 'mount -t tmpfs -o "size=$1" none "$2" && echo mounted && exec cat'


class NoPrivateDisk(Exception):
    """This machine does not let the user have a mount namespace. The message says what is missing."""


class PrivateDisk:
    """A tmpfs that only processes started with `command` see, at `path`."""

    def __init__(self, keeper: subprocess.Popen[str], path: Path) -> None:
        self._keeper = keeper
        self.path = path

    @property
    def from_outside(self) -> Path:
        """The same place, for processes that are not on this disk."""
        return Path(f"/proc/{self._keeper.pid}/root{self.path}")

    def command(self, command: Sequence[str]) -> list[str]:
        """`command`, run where this disk is mounted; its process id is that of the command."""
        return ["nsenter", "--target", str(self._keeper.pid), "--user", "--mount", "--preserve-credentials", *command]

    def remount(self, *, read_only: bool) -> None:
        """Makes it read-only, or writable again. Only while no file on it is open for writing."""
        option = "remount,ro" if read_only else "remount,rw"
        command = self.command(["mount", "-o", option, str(self.path)])
        done = subprocess.run(command, capture_output=True, text=True, timeout=MOUNTED_WITHIN_S, check=False)  # noqa: S603 - own
        if done.returncode:
            raise OSError(f"{option} failed: {done.stderr.strip()}")

    def close(self) -> None:
        """Ends the keeper. The mount goes with the last process that is on the disk."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        try:
            self._keeper.wait(MOUNTED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()


def missing_for_private_disk() -> str:
    """Why there can be no private disk here; empty when there can."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not found: install util-linux and mount"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "true"],  # noqa: S607 - found on the path just now
        capture_output=True,
        text=True,
        timeout=MOUNTED_WITHIN_S,
        check=False,
    )
    return f"no mount namespace for this user ({done.stderr.strip()}): allow user namespaces" if done.returncode else ""


@contextmanager
def private_disk(path: Path, size_mib: int) -> Generator[PrivateDisk]:
    """Mounts a tmpfs of `size_mib` at the directory `path`, for the block. Raises NoPrivateDisk."""
    if missing := missing_for_private_disk():
        raise NoPrivateDisk(missing)
    path.mkdir(parents=True, exist_ok=True)
    keep = ["sh", "-c", _KEEPER, "keeper", f"{size_mib}m", str(path.resolve())]
    keeper = subprocess.Popen(  # noqa: S603 - own command
        ["unshare", "--user", "--map-root-user", "--mount", *keep],  # noqa: S607 - found on the path just now
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    disk = PrivateDisk(keeper, path.resolve())
    try:
        assert keeper.stdout is not None
        said = keeper.stdout.readline().strip()
        if said != "mounted":
            raise NoPrivateDisk(f"a tmpfs cannot be mounted here: {said}")
        yield disk
    finally:
        disk.close()
        assert keeper.stdout is not None
        keeper.stdout.close()
