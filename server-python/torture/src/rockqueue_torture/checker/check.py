"""All checks in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rockqueue_torture.checker import attempts, books, ends, identity, leases, loss, order
from rockqueue_torture.checker.facts import Facts
from rockqueue_torture.checker.violation import Violation
from rockqueue_torture.history import History

CHECKS: dict[str, Callable[[Facts], Iterator[Violation]]] = {
    "P1": loss.acknowledged_is_kept,
    "P2": identity.nothing_is_invented,
    "P3": ends.finished_stays_finished,
    "P4": ends.completed_once,
    "P5": leases.old_attempts_are_fenced,
    "P6": leases.leases_are_exclusive,
    "P7": ends.everything_is_worked_on,
    "P8": attempts.attempts_add_up,
    "P9": order.priority_comes_first,
    "P10": order.first_come_first_served,
    "P11": identity.one_push_one_job,
    "P12": loss.batches_are_whole,
    "P13": loss.no_hole,
    "P14": books.books_balance,
    "P16": identity.failed_means_not_done,
}


def check(history: History) -> list[Violation]:
    """Every violation in a history, property by property."""
    facts = Facts(history)
    return [violation for judge in CHECKS.values() for violation in judge(facts)]
