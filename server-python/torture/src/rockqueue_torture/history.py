"""What clients saw: one event for each call, with the times between which it took effect, and its outcome.

All times are nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share. The outcome is `unknown` for
everything that is not a definite answer: time-outs, broken connections, a server that ended meanwhile.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

Outcome = Literal["ok", "fail", "unknown"]

Op = Literal[
    "push",  # a batch: request_id, durability, jobs [{tag, queue, priority, ...}], ids, existing
    "grant",  # one delivery: job, tag, queue, attempt, token, place, lease_ns, how (pull or work), check
    "settle",  # one settlement: job, attempt, token, kind, body
    "extend",  # one extension: job, attempt, token, lease_ns
    "cancel",  # one job
    "cancel_all",  # every job of a queue
    "started",  # the server took calls again
    "stopped",  # the server ended: how (kill, failpoint, stop)
    "power_cut",  # what was not synced is gone
    "healed",  # from here on nothing is broken, and healthy workers drain: within_ns
    "final",  # one job at the final read: job, tag, queue, state, attempt, ...
    "read",  # the final read is complete: drained
    "books",  # counters beside a scan: counters, scan, problems
]


def now_ns() -> int:
    """The clock of every history."""
    return time.monotonic_ns()


@dataclass(frozen=True, slots=True)
class Event:
    """One call of one client. `t_inv` is None where only the end is known, `t_ret` where no answer came."""

    client: str
    op: Op
    t_inv: int | None
    t_ret: int | None
    outcome: Outcome
    args: dict[str, Any] = field(default_factory=dict[str, Any])
    reason: str = ""

    def to_json(self) -> str:
        """The event as one line."""
        return json.dumps([self.client, self.op, self.t_inv, self.t_ret, self.outcome, self.args, self.reason])

    @classmethod
    def from_json(cls, line: str) -> Event:
        """The event of a line."""
        return cls(*json.loads(line))


class History:
    """Events in the order in which they were recorded; with a path they are also appended to that file."""

    def __init__(self, path: Path | None = None, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = list(events)
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")

    def record(
        self, client: str, op: Op, t_inv: int | None, outcome: Outcome = "ok", *, reason: str = "", **args: Any
    ) -> Event:
        """Notes a call that has just come to its end, one way or another."""
        t_ret = None if outcome == "unknown" else now_ns()
        return self.add(Event(client, op, t_inv, t_ret, outcome, args, reason))

    def add(self, event: Event) -> Event:
        """Notes an event."""
        self.events.append(event)
        if self._file is not None:
            self._file.write(event.to_json() + "\n")
        return event

    def mark(self, op: Op, **args: Any) -> Event:
        """Notes something that was done to the server, at this moment."""
        now = now_ns()
        return self.add(Event("harness", op, now, now, "ok", args))

    def of(self, op: Op) -> Iterator[Event]:
        """The events of one kind."""
        return (event for event in self.events if event.op == op)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    @classmethod
    def load(cls, path: Path) -> History:
        """The events of a file. A last line that was cut is left out: its writer was killed."""
        lines = path.read_text(encoding="utf-8").split("\n")
        return cls(events=[Event.from_json(line) for line in lines[:-1]])

    def __len__(self) -> int:
        return len(self.events)
