"""P8: attempts are numbered upwards, and the counters that end a job add up."""

from __future__ import annotations

from collections.abc import Iterator

from rockqueue_torture.checker.facts import Facts, Life
from rockqueue_torture.checker.violation import Violation, violation


def attempts_add_up(facts: Facts) -> Iterator[Violation]:
    """P8: a number used twice or out of order, more attempts than allowed, a dead letter before its time."""
    for job, life in list(facts.lives.items()):
        for what in (_misnumbered(facts, life), _too_many(facts, job, life), _too_early(facts, job, life)):
            if what:
                yield violation(facts, "P8", job, what)


def _misnumbered(facts: Facts, life: Life) -> str:
    seen: set[tuple[int, int]] = set()
    done: list[tuple[int, int, int]] = []
    for grant in life.grants:
        era, attempt = facts.era(grant.t_ret or 0), grant.args["attempt"]
        if (era, attempt) in seen:
            return f"attempt {attempt} was delivered twice"
        seen.add((era, attempt))
        if grant.t_inv is not None:
            higher = [
                before for ended, era_, before in done if era_ == era and ended < grant.t_inv and before > attempt
            ]
            if higher:
                return f"attempt {attempt} was delivered after attempt {max(higher)}"
        if grant.t_ret is not None:
            done.append((grant.t_ret, era, attempt))
    if life.final is not None:
        last = max((attempt for era, attempt in seen if era == facts.last_era), default=0)
        if life.final.args["attempt"] < last:
            return f"attempt {last} was delivered, and the job remembers {life.final.args['attempt']}"
    return ""


def _too_many(facts: Facts, job: str, life: Life) -> str:
    ack = facts.ack_of.get(job)
    most: int | None = ack.pushed.spec["max_attempts"] if ack is not None else None
    failed: dict[str, int] = {}
    for event in life.settles:
        if event.outcome == "ok" and event.args["kind"] == "fail" and event.t_ret is not None:
            failed[event.args["token"]] = min(event.t_ret, failed.get(event.args["token"], event.t_ret))
    if life.final is not None and life.final.args["failures"] < len(failed):
        return f"{len(failed)} failures were acknowledged, and the job counts {life.final.args['failures']}"
    if most is None or len(failed) < most:
        return ""
    spent = sorted(failed.values())[most - 1]
    for grant in life.grants:
        if grant.t_inv is not None and grant.t_inv > spent:
            return f"delivered again after {most} failed attempts of {most}"
    return ""


def _too_early(facts: Facts, job: str, life: Life) -> str:
    ack = facts.ack_of.get(job)
    if ack is None or life.final is None or life.final.args["state"] != "DEAD":
        return ""
    final, spec = life.final.args, ack.pushed.spec
    if final["dead_reason"] == "ATTEMPTS_EXHAUSTED":
        failed = {event.args["token"] for event in life.settles if event.args["kind"] in {"fail", "never"}}
        if len(failed) < spec["max_attempts"]:
            return f"dead after {len(failed)} failed attempts of {spec['max_attempts']}"
    if final["dead_reason"] == "POISONED":
        settled = {event.args["token"] for event in life.settles if event.outcome == "ok"}
        if final["crashes"] < spec["max_crashes"]:
            return f"poisoned after {final['crashes']} crashes of {spec['max_crashes']}"
        if not facts.cut and final["attempt"] - len(settled) < spec["max_crashes"]:
            return f"poisoned, although {len(settled)} of {final['attempt']} deliveries were settled"
    return ""
