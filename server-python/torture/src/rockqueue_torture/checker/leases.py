"""P5, P6: one worker at a time, and only the last one counts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from rockqueue_torture.checker.facts import Facts, Life
from rockqueue_torture.checker.violation import Violation, violation
from rockqueue_torture.history import Event


def old_attempts_are_fenced(facts: Facts) -> Iterator[Violation]:
    """P5: a settlement or extension of an attempt was carried out although a later one had been delivered."""
    for job, life in list(facts.lives.items()):
        fence = {grant.args["token"]: _fence(facts, grant) for grant in life.grants}
        if not fence:
            continue
        for event in [*life.settles, *life.extends]:
            if event.outcome != "ok" or event.args["token"] not in fence or event.t_inv is None:
                continue
            mine = fence[event.args["token"]]
            later = any(
                _fence(facts, grant) > mine and grant.t_ret is not None and grant.t_ret < event.t_inv
                for grant in life.grants
            )
            if later and not _repeats(life, event):
                what = f"{event.client} was allowed to {event.op} attempt {mine[1]} after a later one had begun"
                yield violation(facts, "P5", job, what)


def leases_are_exclusive(facts: Facts) -> Iterator[Violation]:
    """P6: a later attempt was delivered while the lease of an earlier one held and nobody had given it back."""
    for job, life in list(facts.lives.items()):
        for earlier, later in _neighbours(facts, life.grants):
            held_until = _held_until(life, earlier)
            if held_until is None or later.t_ret is None or later.t_ret >= held_until:
                continue
            token = earlier.args["token"]
            given_back = any(
                event.args["token"] == token and (event.t_inv is None or event.t_inv < later.t_ret)
                for event in life.settles
            )
            if not given_back:
                what = (
                    f"attempt {later.args['attempt']} was delivered while the lease of attempt "
                    f"{earlier.args['attempt']} held until {facts.ms(held_until)} or longer"
                )
                yield violation(facts, "P6", job, what)


def _fence(facts: Facts, grant: Event) -> tuple[int, int]:
    return facts.era(grant.t_ret or 0), grant.args["attempt"]


def _repeats(life: Life, event: Event) -> bool:
    """The same settlement sent again is OK again."""
    if event.op != "settle":
        return False
    return any(
        before is not event
        and before.outcome != "fail"
        and all(before.args[key] == event.args[key] for key in ("token", "kind", "body"))
        and (before.t_inv or 0) <= (event.t_inv or 0)
        for before in life.settles
    )


def _neighbours(facts: Facts, grants: list[Event]) -> Iterator[tuple[Event, Event]]:
    """Each attempt with the next one that was seen, within an era."""
    ordered = sorted(grants, key=lambda grant: _fence(facts, grant))
    for earlier, later in pairwise(ordered):
        same_era = _fence(facts, earlier)[0] == _fence(facts, later)[0]
        upwards = earlier.args["attempt"] < later.args["attempt"] and (later.t_ret or 0) > (earlier.t_inv or 0)
        if same_era and upwards:
            yield earlier, later


def _held_until(life: Life, grant: Event) -> int | None:
    """The least that the lease of a pulled job lasts; None where nothing is promised."""
    if grant.args["how"] != "pull" or grant.t_inv is None:
        return None
    lease = grant.args["lease_ns"]
    until = grant.t_inv + lease
    for event in life.extends:
        if event.args["token"] != grant.args["token"] or event.t_inv is None:
            continue
        if event.args["lease_ns"] < lease:
            return None  # an extension may also shorten
        if event.outcome == "ok":
            until = max(until, event.t_inv + event.args["lease_ns"])
    return until
