"""The matrix requirement x target, as a Markdown table: the server, or each SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def matrix(requirements: Sequence[Requirement], results: Mapping[str, Sequence[Result]]) -> str:
    """A table with a row for each requirement and a column for each target."""
    targets = list(results)
    lines = [f"| requirement | {' | '.join(targets)} | text |", "|---" * (len(targets) + 2) + "|"]
    for one in requirements:
        cells = " | ".join(verdict(one.id, results[target]) for target in targets)
        lines.append(f"| {one.id} | {cells} | {one.text} |")
    return "\n".join(lines)
