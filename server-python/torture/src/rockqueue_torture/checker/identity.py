"""P2, P11, P16: what is there was asked for, once, and not refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from rockqueue_torture.checker.facts import Facts, Life
from rockqueue_torture.checker.violation import Violation, violation
from rockqueue_torture.history import Event


def nothing_is_invented(facts: Facts) -> Iterator[Violation]:
    """P2: a job that nobody pushed, a changed payload, an end that nobody brought about."""
    for job, life in list(facts.lives.items()):
        seen = [*life.grants, *([life.final] if life.final is not None else [])]
        for event in seen:
            what = _foreign(facts, event)
            if what:
                yield violation(facts, "P2", job, what)
                break
        what = _uncaused_end(facts, life)
        if what:
            yield violation(facts, "P2", job, what)


def one_push_one_job(facts: Facts) -> Iterator[Violation]:
    """P11: one push, repeated with its request id, has made two jobs; or two waiting jobs hold one unique key."""
    eras: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for ack in facts.acks:
        if ack.pushed.durable:
            eras[ack.pushed.tag][ack.job].update(range(facts.era(ack.t_ret), facts.last_era + 1))
        elif (era := facts.era_of(ack)) is not None:
            eras[ack.pushed.tag][ack.job].add(era)
    for job, life in list(facts.lives.items()):
        for event in life.grants:
            eras[event.args["tag"]][job].add(facts.era(event.t_ret or 0))
        if life.final is not None:
            eras[life.final.args["tag"]][job].add(facts.last_era)
    for tag, jobs in eras.items():
        if tag in facts.pushed and len(jobs) > 1:
            both = _together(jobs)
            if both is not None:
                yield violation(facts, "P11", both[0], f"one push made {tag} twice: {both[0]} and {both[1]}")
    yield from _one_holder(facts)


def failed_means_not_done(facts: Facts) -> Iterator[Violation]:
    """P16: a call that was refused for certain, and that took effect all the same."""
    for job, life in list(facts.lives.items()):
        seen = [*life.grants, *([life.final] if life.final is not None else [])]
        pushed = next((facts.pushed[event.args["tag"]] for event in seen if event.args["tag"] in facts.pushed), None)
        if pushed is not None and all(event.outcome == "fail" for event in pushed.tries):
            yield violation(facts, "P16", job, f"the push of {pushed.tag} was refused, and the job is there")
        if life.final is None or life.final.args["state"] != "COMPLETED":
            continue
        final = life.final.args
        same = [
            event
            for event in life.settles
            if event.args["kind"] == "complete"
            and event.args["attempt"] == final["attempt"]
            and event.args["body"] == final["result"]
        ]
        if same and all(event.outcome == "fail" for event in same):
            yield violation(facts, "P16", job, "a completion was refused, and the job has its result")


def _foreign(facts: Facts, event: Event) -> str:
    args = event.args
    pushed = facts.pushed.get(args["tag"])
    if pushed is None:
        return f"nobody pushed {args['tag']!r}"
    if event.t_ret is not None and pushed.first_inv > event.t_ret:
        return f"{args['tag']} was there before it was pushed"
    if args["check"] != pushed.spec["check"]:
        return f"the payload of {args['tag']} is not what was pushed"
    if args["queue"] != pushed.spec["queue"]:
        return f"{args['tag']} was pushed to {pushed.spec['queue']}, and is in {args['queue']}"
    return ""


def _uncaused_end(facts: Facts, life: Life) -> str:
    """What is wrong with the way in which a job is said to have ended."""
    if life.final is None or facts.read is None:
        return ""
    final = life.final.args
    kinds = {event.args["kind"] for event in life.settles}
    if final["state"] == "COMPLETED":
        results = {event.args["body"] for event in life.settles if event.args["kind"] == "complete"}
        if final["result"] not in results:
            return f"completed with {final['result']!r}, which no worker said"
    if final["state"] == "CANCELLED" and not life.cancels and not facts.cancelled_queues[final["queue"]]:
        return "cancelled, and nobody asked for it"
    if final["state"] == "DEAD" and final["dead_reason"] == "NON_RETRYABLE" and "never" not in kinds:
        return "dead for good, and no worker said so"
    if final["state"] == "DEAD" and final["dead_reason"] == "EXPIRED":
        return "expired, and it had no time to live"
    return ""


def _together(jobs: dict[str, set[int]]) -> tuple[str, str] | None:
    """Two jobs that existed in one era."""
    owner: dict[int, str] = {}
    for job, eras in jobs.items():
        for era in eras:
            if era in owner:
                return owner[era], job
            owner[era] = job
    return None


def _one_holder(facts: Facts) -> Iterator[Violation]:
    """Two jobs were made with one unique key while the first was waiting for its first delivery all the time."""
    by_key: defaultdict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    for job, ack in facts.ack_of.items():
        spec = ack.pushed.spec
        if not spec["unique"] or len(ack.pushed.tries) > 1:
            continue
        life = facts.lives[job]
        first = life.grants[0] if life.grants else None
        until = 0
        if first is not None and first.args["attempt"] == 1 and first.t_inv is not None and not life.cancels:
            same_era = facts.era(first.t_inv) == facts.era(ack.t_ret)
            until = first.t_inv if same_era and not facts.cancelled_queues[spec["queue"]] else 0
        by_key[spec["queue"], spec["unique"]].append((ack.t_ret, until, job))
    for (_, key), held in by_key.items():
        held.sort()
        latest, holder = 0, ""
        for t_ret, until, job in held:
            ack = facts.ack_of[job]
            if holder and ack.pushed.first_inv > facts.ack_of[holder].t_ret and t_ret < latest:
                yield violation(facts, "P11", job, f"made with the unique key {key!r} while {holder} held it")
            if until > latest:
                latest, holder = until, job
