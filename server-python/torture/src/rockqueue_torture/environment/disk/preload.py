"""Which calls of a server fail, and how it is started so that they do."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rockqueue_torture import native

SOURCE = Path(__file__).with_name("failing_calls.c")


def compile_library(home: Path) -> Path:
    """The library that makes calls fail, compiled into `home`. Raises CompilerMissing."""
    return native.build(SOURCE, home)


@dataclass(frozen=True, slots=True)
class Fault:
    """Which calls fail: `call` on any file of the store, from the one numbered `at`, `times` of them (0: all)."""

    call: Literal["sync", "write"]
    at: int
    error: int
    times: int = 1

    def __str__(self) -> str:
        many = "for good" if not self.times else "once" if self.times == 1 else f"{self.times} times"
        return f"{errno.errorcode[self.error]} on {self.call} {self.at}, {many}"

    def environment(self, store: Path, diary: Path) -> dict[str, str]:
        """What a server needs in its environment. `diary` gets a `.` for each call, an `F` for each that failed."""
        return {
            "ROCKQUEUE_FAULT_BELOW": str(store.resolve()),
            "ROCKQUEUE_FAULT_CALL": self.call,
            "ROCKQUEUE_FAULT_AT": str(self.at),
            "ROCKQUEUE_FAULT_TIMES": str(self.times),
            "ROCKQUEUE_FAULT_ERRNO": str(self.error),
            "ROCKQUEUE_FAULT_DIARY": str(diary),
        }
