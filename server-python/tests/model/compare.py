"""Says where the server and the model differ, in words that help to find out why."""

from __future__ import annotations

from typing import cast

from model.model import Model
from model.terms import Event
from model.wire import Shown, show_job, show_queue


def jobs_of(model: Model) -> dict[str, Shown]:
    """All jobs of the model as the server would show them."""
    return {id_: show_job(job) for id_, job in model.jobs.items()}


def queues_of(model: Model) -> list[Shown]:
    """All queues of the model as the server would show them."""
    return [show_queue(model, name) for name in sorted(model.queues)]


def in_order(events: list[Event]) -> list[Event]:
    """Events of different jobs at one moment in an order of our own; steps of a purge as one."""

    def place(event: Event) -> tuple[int, str]:
        return event.time_us, event.job or (f"queue {event.queue}" if event.queue else f"worker {event.detail}")

    merged: list[Event] = []
    for event in sorted(events, key=place):
        last = merged[-1] if merged else None
        if last and last.type == event.type == "QUEUE_PURGED" and place(last) == place(event):
            merged[-1] = last._replace(detail=cast("int", last.detail) + cast("int", event.detail))
        else:
            merged.append(event)
    return merged


def same(got: object, expected: object, what: str) -> None:
    """Raises AssertionError with the difference."""
    if got == expected:
        return
    lines = [f"{what}: the server and the model differ"]
    if isinstance(got, dict) and isinstance(expected, dict):
        one, other = cast("dict[str, object]", got), cast("dict[str, object]", expected)
        differing = [key for key in {**one, **other} if one.get(key) != other.get(key)]
        lines += [line for key in differing for line in (f"  {key}:", *_differing(one.get(key), other.get(key)))]
    else:
        lines += [f"  server: {got}", f"  model:  {expected}"]
    raise AssertionError("\n".join(lines))


def _differing(got: object, expected: object) -> list[str]:
    if isinstance(got, dict) and isinstance(expected, dict):
        one, other = cast("Shown", got), cast("Shown", expected)
        return [f"    {name}: server {one[name]!r}, model {other[name]!r}" for name in one if one[name] != other[name]]
    return [f"    server: {got}", f"    model:  {expected}"]
