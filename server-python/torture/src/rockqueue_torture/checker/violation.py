"""A property that was broken, with a story that a person can follow."""

from __future__ import annotations

from dataclasses import dataclass

from rockqueue_torture.checker.facts import Facts
from rockqueue_torture.history import Event

_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Violation:
    """`job` is empty where the property is about more than one job."""

    property: str
    job: str
    story: str

    def __str__(self) -> str:
        return f"{self.property} {self.job}\n{self.story}"


def violation(facts: Facts, property_: str, job: str, what: str) -> Violation:
    """A violation whose story is what went wrong and all that was seen of the job."""
    lines = [what, *(_line(facts, event) for event in facts.about(job)[:_SHOWN])]
    return Violation(property_, job, "\n    ".join(lines))


def _line(facts: Facts, event: Event) -> str:
    args = event.args
    told = f"{event.client} {event.op}"
    if event.op == "settle":
        told += f" {args['kind']} {args['body']!r}"
    if event.op == "push":
        told += f" {args['request_id']} ({len(args['jobs'])} jobs, {args['durability'].removeprefix('DURABILITY_')})"
    if event.op == "final":
        told += f" {args['state']} {args['dead_reason']} result {args['result']!r}"
    if "attempt" in args:
        told += f", attempt {args['attempt']}"
    began, ended = facts.ms(event.t_inv), facts.ms(event.t_ret)
    return f"{began} .. {ended}  {told}: {event.outcome} {event.reason}".rstrip()
