"""P1, P12, P13: what was acknowledged is there, batches are whole, and what survives a cut is a prefix."""

from __future__ import annotations

from collections.abc import Iterator

from rockqueue_torture.checker.facts import Ack, Facts
from rockqueue_torture.checker.violation import Violation, violation


def acknowledged_is_kept(facts: Facts) -> Iterator[Violation]:
    """P1: a push or a settlement that was acknowledged, and that the final read does not show."""
    if facts.read is None:
        return
    for job, ack in facts.ack_of.items():
        if _must_be_kept(facts, ack) and facts.lives[job].final is None:
            yield violation(facts, "P1", job, f"the push of {ack.pushed.tag} was acknowledged, and the job is gone")
    for job, life in list(facts.lives.items()):
        for event in life.settles:
            if event.outcome != "ok" or life.final is None:
                continue
            state = life.final.args["state"]
            if event.args["kind"] == "complete" and state != "COMPLETED":
                yield violation(facts, "P1", job, f"a completion was acknowledged, and the job is {state}")
            if event.args["kind"] == "never" and state not in {"DEAD", "CANCELLED"}:
                yield violation(facts, "P1", job, f"failing for good was acknowledged, and the job is {state}")


def batches_are_whole(facts: Facts) -> Iterator[Violation]:
    """P12: of one push some jobs are there at the final read, and some are not."""
    if facts.read is None:
        return
    there = {event.args["tag"] for event in facts.finals()}
    for request_id, batch in facts.batches.items():
        plain = [pushed for pushed in batch if not pushed.spec["unique"]]
        missing = [pushed.tag for pushed in plain if pushed.tag not in there]
        if missing and len(missing) < len(plain):
            what = f"of the {len(plain)} jobs of push {request_id} {len(missing)} are missing: {missing[:5]}"
            kept = next(pushed.tag for pushed in plain if pushed.tag in there)
            job = next(event.args["job"] for event in facts.finals() if event.args["tag"] == kept)
            yield violation(facts, "P12", job, what)


def no_hole(facts: Facts) -> Iterator[Violation]:
    """P13: a push that began after another was acknowledged has survived, and the other one has not."""
    if facts.read is None:
        return
    first_lost: dict[int, Ack] = {}
    for ack in facts.ack_of.values():
        era = facts.era_of(ack)
        if era is None or facts.lives[ack.job].final is not None or ack.pushed.durable:
            continue
        if era not in first_lost or ack.t_ret < first_lost[era].t_ret:
            first_lost[era] = ack
    for ack in facts.ack_of.values():
        era = facts.era_of(ack)
        lost = first_lost.get(era) if era is not None else None
        if lost is None or facts.lives[ack.job].final is None:
            continue
        if ack.pushed.first_inv > lost.t_ret:
            what = f"{ack.pushed.tag} survived, and {lost.pushed.tag}, in the log before it was pushed, did not"
            yield violation(facts, "P13", lost.job, what)


def _must_be_kept(facts: Facts, ack: Ack) -> bool:
    """What was only in the log may be lost by a later power cut, and by nothing else."""
    return ack.pushed.durable or facts.era_of(ack) == facts.last_era
