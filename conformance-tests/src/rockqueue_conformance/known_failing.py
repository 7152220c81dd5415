"""Known failures: patterns with a reason each. They still run, and one that passes is a failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rockqueue_conformance.runner.execute import Result
from rockqueue_conformance.runner.expand import fits


@dataclass(slots=True)
class KnownFailing:
    """The patterns of a file: `pattern  # reason`, one a line."""

    reasons: dict[str, str] = field(default_factory=dict[str, str])

    by_driver: dict[str, KnownFailing] = field(default_factory=dict[str, "KnownFailing"])
    """In SDK mode: what is known of each driver, besides."""

    def pattern_for(self, result: Result) -> str | None:
        """The first pattern that covers the variant."""
        return next(iter(self.found(result)), None)

    def reason_for(self, result: Result) -> str:
        """Why the variant is known to fail; empty when it is not."""
        return next(iter(self.found(result).values()), "")

    def found(self, result: Result) -> dict[str, str]:
        """The patterns that cover the variant, with their reasons."""
        names = (result.variant.id, result.variant.case.id)
        found = {p: why for p, why in self.reasons.items() if any(fits(name, p) for name in names)}
        for driver in result.variant.drivers:
            if driver in self.by_driver:
                found |= self.by_driver[driver].found(result)
        return found

    def judge(self, result: Result) -> Result:
        """A failure that is known becomes `known`; a known one that passed becomes `failed`."""
        pattern = self.pattern_for(result)
        if pattern is None or result.outcome == "skipped":
            return result
        if result.outcome == "failed":
            result.outcome = "known"
        else:
            result.outcome = "failed"
            result.problems = [f"it passed, but {pattern!r} is listed as known to fail: take it off the list"]
        return result


def load_known_failing(path: Path | None) -> KnownFailing:
    """Reads the file; ValueError for a line without a reason."""
    known = KnownFailing()
    if path is None:
        return known
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        pattern, mark, reason = line.partition("#")
        if not pattern.strip():
            continue
        if not mark or not reason.strip():
            raise ValueError(f"{path}:{number}: {pattern.strip()!r} has no reason; write `{pattern.strip()}  # why`")
        known.reasons[pattern.strip()] = reason.strip()
    return known
