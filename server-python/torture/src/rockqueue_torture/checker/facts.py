"""A history by subject: which push made which job, who was granted it when, how it was settled, and how it ended.

A power cut may take back what was not synced, deliveries among it, so attempts are compared within an *era*: the time
between two cuts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rockqueue_torture.history import Event, History

FINISHED = {"COMPLETED", "DEAD", "CANCELLED"}


@dataclass(slots=True)
class Pushed:
    """One job of one push, with all tries of that push."""

    tag: str
    spec: dict[str, Any]
    request_id: str
    index: int
    tries: list[Event] = field(default_factory=list[Event])

    @property
    def first_inv(self) -> int:
        """From when on the job may exist."""
        return min(event.t_inv or 0 for event in self.tries)

    @property
    def durable(self) -> bool:
        """Whether the push asked for an fsync."""
        return self.tries[0].args["durability"] != "DURABILITY_WAL"


@dataclass(frozen=True, slots=True)
class Ack:
    """A job that the server said it made."""

    job: str
    pushed: Pushed
    event: Event

    @property
    def t_ret(self) -> int:
        """When the answer was there."""
        assert self.event.t_ret is not None
        return self.event.t_ret


@dataclass(slots=True)
class Life:
    """All that was seen of one job, each list in the order of its calls."""

    grants: list[Event] = field(default_factory=list[Event])
    settles: list[Event] = field(default_factory=list[Event])
    extends: list[Event] = field(default_factory=list[Event])
    cancels: list[Event] = field(default_factory=list[Event])
    final: Event | None = None


class Facts:
    """The index of a history."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.pushed: dict[str, Pushed] = {}
        """By tag."""
        self.batches: dict[str, list[Pushed]] = {}
        """By request id, in the order of the batch."""
        self.acks: list[Ack] = []
        """Jobs that an answer named as new; a repeated answer counts again."""
        self.lives: defaultdict[str, Life] = defaultdict(Life)
        self.cancelled_queues: defaultdict[str, list[Event]] = defaultdict(list)
        self.books: list[Event] = []
        self.healed: Event | None = None
        self.read: Event | None = None
        self._cuts: list[int] = []
        for event in sorted(history.events, key=_when):
            self._take(event)

    @cached_property
    def ack_of(self) -> dict[str, Ack]:
        """The first acknowledgement of each job."""
        found: dict[str, Ack] = {}
        for ack in self.acks:
            found.setdefault(ack.job, ack)
        return found

    @property
    def cut(self) -> bool:
        """Whether there was a power cut."""
        return bool(self._cuts)

    def era(self, t: int) -> int:
        """How many power cuts there were before `t`."""
        return bisect_right(self._cuts, t)

    def era_of(self, ack: Ack) -> int | None:
        """The era in which a push was answered; None when its call spans a cut: an answer may be read after it."""
        began = self.era(ack.event.t_inv or 0)
        return began if began == self.era(ack.t_ret) else None

    @property
    def last_era(self) -> int:
        """The era of the final read."""
        return len(self._cuts)

    def finals(self) -> list[Event]:
        """The jobs of the final read; none if it was not complete."""
        if self.read is None:
            return []
        return [life.final for life in self.lives.values() if life.final is not None]

    def about(self, job: str) -> list[Event]:
        """Everything that was seen of a job, in the order of time."""
        life = self.lives.get(job)
        events: list[Event] = []
        if life is not None:
            events = [*life.grants, *life.settles, *life.extends, *life.cancels]
            events += [life.final] if life.final is not None else []
        tags = {event.args["tag"] for event in events if "tag" in event.args}
        tags |= {ack.pushed.tag for ack in (self.ack_of.get(job),) if ack is not None}
        for tag in tags:
            events += self.pushed[tag].tries if tag in self.pushed else []
        return sorted(events, key=_when)

    def ms(self, t: int | None) -> str:
        """A time as milliseconds since the first event."""
        if t is None:
            return "?"
        return f"{(t - self._began) / 1e6:.1f} ms"

    @cached_property
    def _began(self) -> int:
        return min((_when(event) for event in self.history.events), default=0)

    def _take(self, event: Event) -> None:
        if event.op == "push":
            self._take_push(event)
        elif "job" in event.args:
            self._take_of_job(event, self.lives[event.args["job"]])
        elif event.op == "cancel_all":
            self.cancelled_queues[event.args["queue"]].append(event)
        elif event.op == "books":
            self.books.append(event)
        elif event.op == "power_cut":
            self._cuts.append(_when(event))
        elif event.op == "healed":
            self.healed = event
        elif event.op == "read":
            self.read = event

    def _take_of_job(self, event: Event, life: Life) -> None:
        if event.op == "grant":
            life.grants.append(event)
        elif event.op == "settle":
            life.settles.append(event)
        elif event.op == "extend":
            life.extends.append(event)
        elif event.op == "cancel":
            life.cancels.append(event)
        elif event.op == "final":
            life.final = event

    def _take_push(self, event: Event) -> None:
        args = event.args
        batch = self.batches.get(args["request_id"])
        if batch is None:
            batch = [Pushed(spec["tag"], spec, args["request_id"], index) for index, spec in enumerate(args["jobs"])]
            self.batches[args["request_id"]] = batch
            self.pushed.update((pushed.tag, pushed) for pushed in batch)
        for pushed in batch:
            pushed.tries.append(event)
        if event.outcome == "ok":
            for pushed, job, existing in zip(batch, args["ids"], args["existing"], strict=True):
                if not existing:
                    self.acks.append(Ack(job, pushed, event))


def _when(event: Event) -> int:
    """The order in which events are looked at: by the beginning of the call, or its end where only that is known."""
    return event.t_inv if event.t_inv is not None else event.t_ret or 0
