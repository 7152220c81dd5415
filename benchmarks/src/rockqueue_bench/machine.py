"""Facts about the machine and the versions: without them no figure can be compared."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rockqueue_bench.languages import LANGUAGES, ROOT, language_version

_PACKAGES = ("rockqueue-server", "rockqueue", "grpcio", "protobuf", "rocksdict", "uvloop")


def machine_facts(directory: Path) -> dict[str, str | int | float]:
    """Cores, memory, kernel, versions, the file system of `directory`, and how busy the machine was before."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000,
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": file_system_of(directory),
        "load_average_1m": round(os.getloadavg()[0], 2),
        **{language: language_version(language) for language in LANGUAGES},
        **{package: _version(package) for package in _PACKAGES},
        "commit": _commit(),
    }


def file_system_of(directory: Path) -> str:
    """The type of the file system that holds a directory, such as "ext4"; "unknown" where /proc does not say."""
    place, kind = "", "unknown"
    path = str(directory.resolve())
    try:
        mounts = Path("/proc/mounts").read_text()
    except OSError:
        return kind
    for line in mounts.splitlines():
        _, point, found, *_ = line.split()
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(place):
            place, kind = point, found
    return kind


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """What is checked out; with a plus sign when files were changed since."""
    command = ("git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=9")
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 - git
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return told.stdout.strip()
