"""The matrix requirement x target, as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence

from rockqueue_conformance.requirements import Requirement
from rockqueue_conformance.runner.execute import Result


def verdict(number: str, results: Sequence[Result]) -> str:
    """One cell: how the variants that prove the requirement fared."""
    mine = [result for result in results if number in result.variant.case.proves]
    if not mine:
        return "not covered"
    failed = sum(result.outcome in ("failed", "known") for result in mine)
    passed = sum(result.outcome == "passed" for result in mine)
    if failed:
        return f"FAILED ({failed} of {failed + passed})"
    return f"proved ({passed})" if passed else "skipped"


def matrix(requirements: Sequence[Requirement], results: Sequence[Result], target: str) -> str:
    """A table with a row for each requirement and a column for the target."""
    lines = [f"| requirement | {target} | text |", "|---|---|---|"]
    lines += [f"| {one.id} | {verdict(one.id, results)} | {one.text} |" for one in requirements]
    return "\n".join(lines)
