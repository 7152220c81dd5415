"""The values that the model speaks of: what is asked for, where a job is, what is refused. Times in microseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

MILLISECOND = 1000
SECOND = 1_000_000
DAY = 86_400 * SECOND
MEMORY = 600 * SECOND
"""For how long a request id and a settlement are remembered."""

WAITING, DELAYED, ACTIVE = "WAITING", "DELAYED", "ACTIVE"
COMPLETED, DEAD, CANCELLED = "COMPLETED", "DEAD", "CANCELLED"
STATES = (WAITING, DELAYED, ACTIVE, COMPLETED, DEAD, CANCELLED)
FINISHED = (COMPLETED, DEAD, CANCELLED)


class Refused(Exception):
    """The call, or the entry of a batch, is refused for a reason of the contract, and has changed nothing."""

    @property
    def reason(self) -> str:
        """As the contract spells it."""
        return str(self.args[0])


def _short(name: str, fields: dict[str, object], defaults: dict[str, object]) -> str:
    """What differs from the defaults: stories are read by people."""
    told = [f"{field}={v!r}" for field, v in fields.items() if field not in defaults or v != defaults[field]]
    return f"{name}({', '.join(told)})"


class Retry(NamedTuple):
    """A retry policy without jitter."""

    kind: str = "EXPONENTIAL"
    base_us: int = SECOND
    max_delay_us: int = 3600 * SECOND
    max_attempts: int = 3

    def pause_us(self, failures: int) -> int:
        """The pause after so many failures."""
        factor = {"FIXED": 1, "LINEAR": failures, "EXPONENTIAL": 2 ** (failures - 1)}[self.kind]
        return min(self.base_us * factor, self.max_delay_us)


class Unique(NamedTuple):
    """`until` is STARTED, FINISHED or WINDOW."""

    key: str
    by_name: bool = False
    until: str = "FINISHED"
    window_us: int = 0
    on_conflict: str = "RETURN_EXISTING"

    def __repr__(self) -> str:
        return _short("Unique", self._asdict(), self._field_defaults)


class Spec(NamedTuple):
    """What a producer asks for. 0 and None: not set."""

    queue: str
    name: str = "x"
    payload: bytes = b""
    priority: int = 0
    delay_us: int = 0
    ttl_us: int = 0
    timeout_us: int = 0
    retry: Retry | None = None
    max_crashes: int = 3
    unique: Unique | None = None
    cancel_grace_us: int = 10 * SECOND
    retention_us: int | None = None

    def __repr__(self) -> str:
        return _short("Spec", self._asdict(), self._field_defaults)


class Outcome(NamedTuple):
    """How a worker settles: complete, fail, snooze, release or cancelled."""

    kind: str
    result: bytes = b""
    delay_us: int | None = None
    never: bool = False
    follow_ups: tuple[Spec, ...] = ()

    def __repr__(self) -> str:
        return _short("Outcome", self._asdict(), self._field_defaults)


class Event(NamedTuple):
    """What happened. `detail` is what its type brings: a reason, a time, a worker, a number."""

    time_us: int
    type: str
    queue: str
    job: str = ""
    state: str = ""
    attempt: int = 0
    detail: object = ""


class Delivery(NamedTuple):
    """What a worker is given."""

    job: str
    token: bytes
    attempt: int
    lease_us: int
    failures: int
    crashes: int
    payload: bytes


@dataclass
class Lease:
    """`granted_us` is the duration at delivery, `lease_us` the one that holds now."""

    token: bytes
    granted_us: int
    lease_us: int
    deadline_us: int
    session: str


@dataclass
class Job:
    """A job; `ready_us` is its place in the order, also while it is with a worker."""

    id: str
    spec: Spec
    create_us: int
    run_us: int
    expire_us: int
    state: str = WAITING
    ready_us: int = 0
    start_us: int = 0
    finish_us: int = 0
    purge_us: int = 0
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    releases: int = 0
    snoozes: int = 0
    dead_reason: str = ""
    errors: list[tuple[int, int, str, str]] = field(default_factory=list[tuple[int, int, str, str]])
    result: bytes = b""
    worker: str = ""
    cancel_by_us: int = 0
    lease: Lease | None = None


@dataclass
class Queue:
    """A queue and its settings."""

    name: str
    create_us: int
    paused: bool = False
    settings: dict[str, int] = field(default_factory=dict[str, int])

    def setting(self, name: str) -> int:
        """A setting, or its default; 0 is no limit."""
        return self.settings.get(name, _DEFAULTS[name])


_DEFAULTS = {
    "default_lease": 30 * SECOND,
    "completed_retention": 7 * DAY,
    "dead_retention": 90 * DAY,
    "cancelled_retention": 7 * DAY,
    "max_active": 0,
    "max_backlog_jobs": 0,
}
SETTINGS = tuple(_DEFAULTS)


@dataclass
class Session:
    """A worker session. `uncharged` while nobody has resumed it since a restart."""

    id: str
    worker: str
    queues: tuple[str, ...]
    lease_us: int
    grace_us: int
    heartbeat_us: int = 0
    credits: int = 0
    attached: bool = True
    draining: bool = False
    uncharged: bool = False
    beat_us: int = 0
    word_us: int = 0
    lost_us: int = 0
