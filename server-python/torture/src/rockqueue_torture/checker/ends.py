"""P3, P4, P7: every job comes to one end, and stays there."""

from __future__ import annotations

from collections.abc import Iterator

from rockqueue_torture.checker.facts import FINISHED, Facts, Life
from rockqueue_torture.checker.violation import Violation, violation

_ENDS = {"complete", "never", "cancelled"}


def finished_stays_finished(facts: Facts) -> Iterator[Violation]:
    """P3: a delivery that was asked for after the job was finished, or its cancellation recorded."""
    for job, life in list(facts.lives.items()):
        ended = _ended_at(facts, job, life)
        if ended is None:
            continue
        for grant in life.grants:
            if grant.t_inv is not None and grant.t_inv > ended:
                yield violation(facts, "P3", job, f"delivered after it had ended at {facts.ms(ended)}")
                break


def completed_once(facts: Facts) -> Iterator[Violation]:
    """P4: two different completions were acknowledged, or one was and the job shows another."""
    for job, life in list(facts.lives.items()):
        done = {
            (event.args["attempt"], event.args["token"], event.args["body"])
            for event in life.settles
            if event.outcome == "ok" and event.args["kind"] == "complete"
        }
        if len(done) > 1:
            results = sorted(body for _, _, body in done)
            yield violation(facts, "P4", job, f"completed more than once: {results}")
        elif done and life.final is not None and life.final.args["state"] == "COMPLETED":
            attempt, _, body = done.pop()
            final = life.final.args
            if (final["attempt"], final["result"]) != (attempt, body):
                what = f"completed by attempt {attempt} with {body!r}, and shows attempt {final['attempt']}"
                yield violation(facts, "P4", job, f"{what} with {final['result']!r}")


def everything_is_worked_on(facts: Facts) -> Iterator[Violation]:
    """P7: healthy workers had all the time that was promised, and a job is still not finished."""
    if facts.healed is None or facts.read is None:
        return
    within_s = facts.healed.args["within_ns"] / 1e9
    for event in facts.finals():
        if event.args["state"] not in FINISHED:
            what = f"still {event.args['state']} after {within_s:.0f} s of healthy workers"
            yield violation(facts, "P7", event.args["job"], what)


def _ended_at(facts: Facts, job: str, life: Life) -> int | None:
    """The earliest moment from which on the job cannot be delivered any more."""
    ends = [
        event.t_ret
        for event in life.settles
        if event.outcome == "ok" and event.args["kind"] in _ENDS and event.t_ret is not None
    ]
    ends += [event.t_ret for event in life.cancels if event.outcome == "ok" and event.t_ret is not None]
    ack = facts.ack_of.get(job)
    if ack is not None and ack.pushed.spec["queue"] in facts.cancelled_queues:
        ends += [
            event.t_ret
            for event in facts.cancelled_queues[ack.pushed.spec["queue"]]
            if event.outcome == "ok"
            and event.t_ret is not None
            and not event.args["more"]
            and (event.t_inv or 0) > ack.t_ret
        ]
    return min(ends, default=None)
