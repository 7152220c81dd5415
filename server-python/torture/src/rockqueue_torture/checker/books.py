"""P14: the counters are what a scan counts, and `rockqueue check` finds nothing."""

from __future__ import annotations

from collections.abc import Iterator

from rockqueue_torture.checker.facts import Facts
from rockqueue_torture.checker.violation import Violation, violation


def books_balance(facts: Facts) -> Iterator[Violation]:
    """P14."""
    for event in facts.books:
        counters, scan = event.args["counters"], event.args["scan"]
        for queue in sorted({*counters, *scan}):
            if counters.get(queue) != scan.get(queue):
                what = f"queue {queue}: the counters say {counters.get(queue)}, a scan says {scan.get(queue)}"
                yield violation(facts, "P14", "", what)
        if event.args["problems"]:
            problems = "\n    ".join(event.args["problems"][:10])
            yield violation(facts, "P14", "", f"rockqueue check found\n    {problems}")
