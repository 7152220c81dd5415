"""What a run says at its end: failures in detail, what no case proves, and the one line that counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rockqueue_conformance.known_failing import KnownFailing
from rockqueue_conformance.requirements import Requirement
from rockqueue_conformance.runner.execute import Result


def failure_text(result: Result, frames: int = 8) -> str:
    """One failure: where, what was expected, what came, the last messages, and the end of the server's log."""
    case = result.variant.case
    lines = [f"FAILED {result.variant.id}  ({', '.join(case.proves)})", f"  {case.doc}", f"  {result.step}"]
    lines += [f"    {problem}" for problem in result.problems]
    if result.frames:
        lines += ["  last messages:", *(f"    {frame}" for frame in result.frames[-frames:])]
    if result.log:
        lines += ["  server log:", *(f"    {line}" for line in result.log.splitlines())]
    return "\n".join(lines)


def counts(results: Sequence[Result]) -> Counter[str]:
    """How many variants had each outcome."""
    return Counter(result.outcome for result in results)


def closing_line(results: Sequence[Result]) -> str:
    """`N passed, N failed`, and how many were skipped, if any."""
    by = counts(results)
    line = f"{by['passed']} passed, {by['failed']} failed"
    return f"{line}, {by['skipped']} skipped" if by["skipped"] else line


def closing(
    results: Sequence[Result], lacking: Sequence[Requirement], known: KnownFailing, seconds: float, frames: int
) -> str:
    """The whole end of a run; its last line is the closing line."""
    parts = [failure_text(result, frames) for result in results if result.outcome == "failed"]
    parts += [
        f"known to fail: {result.variant.id}: {known.reason_for(result)}"
        for result in results
        if result.outcome == "known"
    ]
    skipped = Counter(result.problems[0] for result in results if result.outcome == "skipped")
    parts += [f"skipped {number}: {reason}" for reason, number in skipped.items()]
    if lacking:
        names = "\n".join(f"  {one.id}  {one.text}" for one in lacking)
        parts.append(f"{len(lacking)} requirements that no case proves:\n{names}")
    cases = len({result.variant.case.id for result in results})
    known_ones = counts(results)["known"]
    parts.append(
        f"{cases} cases in {len(results)} variants, {seconds:.0f} s"
        + (f", {known_ones} fail as known" * bool(known_ones))
    )
    parts.append(closing_line(results))
    return "\n\n".join(parts[:-1]) + "\n" + parts[-1]
