"""A case as the runner holds it: what it proves, what it needs, and its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

DELIVERIES = ("stream", "pull")
"""How a variant of a case takes and settles jobs: by `Work`, or by `PullJobs` and `SettleJobs`."""

PUSHES = ("call", "push_stream")
"""How a variant of a case makes its PushJobs: by the call, or by `StreamPushes`."""

_NEEDS_CLOCK = frozenset({"advance", "run_clock", "freeze_clock", "work"})
_NEEDS_PROCESS = frozenset({"kill_server", "signal_server", "wait_exit", "start_server", "restart_server"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its kind, the value of its kind key, and the keys beside it."""

    kind: str
    value: Any
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        note = self.options.get("note")
        shown = self.value if isinstance(self.value, str | int | float) else ""
        return f"{self.kind} {shown}".strip() + (f" ({note})" if note else "")


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the suite."""

    area: str
    name: str
    doc: str
    proves: tuple[str, ...]
    steps: tuple[Step, ...]
    deliveries: tuple[str, ...] = ()
    pushes: tuple[str, ...] = ()
    crashable: bool = False
    needs: frozenset[str] = frozenset()
    fresh: bool = False
    server_args: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """SDK mode: the parts that different drivers play; none for a case with one driver."""

    @property
    def id(self) -> str:
        return f"{self.area}/{self.name}"


@dataclass(frozen=True, slots=True)
class Variant:
    """A case under one choice of the axes.

    `crash_after` is the number of steps before the server is killed; `drivers` are those that play, in SDK mode.
    """

    case: Case
    delivery: str | None = None
    push: str | None = None
    crash_after: int | None = None
    drivers: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        axes: list[str] = [] if self.delivery is None else [self.delivery]
        if self.push is not None:
            axes.append(self.push)
        if self.drivers:
            axes.append(">".join(self.drivers))
        if self.crash_after is not None:
            axes.append(f"crash@{self.crash_after}")
        return self.case.id + (f"[{','.join(axes)}]" if axes else "")


def step_from_data(data: dict[str, Any], kinds: frozenset[str]) -> Step:
    """The step that a mapping describes; ValueError unless exactly one of its keys is a step kind."""
    found = [key for key in data if key in kinds]
    if len(found) != 1:
        raise ValueError(f"a step has one kind; this one has {found or 'none'}: {data}")
    kind = found[0]
    return Step(kind, data[kind], {key: value for key, value in data.items() if key != kind})


def derived_needs(steps: tuple[Step, ...]) -> frozenset[str]:
    """`clock` and `process`, when a step cannot do without."""
    kinds = {step.kind for step in flat(steps)}
    needs: set[str] = set()
    if kinds & _NEEDS_CLOCK:
        needs.add("clock")
    if kinds & _NEEDS_PROCESS:
        needs.add("process")
    return frozenset(needs)


def flat(steps: tuple[Step, ...]) -> list[Step]:
    """The steps with those inside `repeat` and `eventually`."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        inside: Any = {"repeat": step.value, "eventually": [step.value]}.get(step.kind, [])
        found += flat(tuple(_inner(one) for one in cast(list[dict[str, Any]], inside)))
    return found


def _inner(data: dict[str, Any]) -> Step:
    """A step inside another: the first key that is no common option is its kind, as the schema has made sure."""
    kind = next(key for key in data if key not in ("note", "within"))
    return Step(kind, data[kind], {key: value for key, value in data.items() if key != kind})
