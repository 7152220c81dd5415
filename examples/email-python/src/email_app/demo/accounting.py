"""Compares the mails that were promised with the mails that arrived: the verdict of the demo.

The left side is what the web app acknowledged with HTTP 202, seen by the caller. The right side is the mail server's
own file, and the dead-letter list. Nothing in between is trusted. No I/O here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the acknowledged mails; every field is a tuple of job ids in sorted order."""

    acknowledged: tuple[str, ...]
    """Answered with 202."""
    arrived: tuple[str, ...]
    """Acknowledged, and accepted by the mail server at least once."""
    twice: tuple[str, ...]
    """Acknowledged, and accepted more than once."""
    dead: tuple[str, ...]
    """Acknowledged, never accepted, and in the dead-letter list."""
    missing: tuple[str, ...]
    """Acknowledged, never accepted, and not in the dead-letter list: lost."""
    unannounced: tuple[str, ...]
    """Accepted by the mail server, though no 202 was seen. Only a request whose answer never came explains that."""
    unanswered: int
    """Requests whose answer never came: they may or may not have been stored."""

    @property
    def holds(self) -> bool:
        """Whether the promise was kept: nothing acknowledged is lost, and nothing arrived that no one asked for."""
        return bool(self.acknowledged) and not self.missing and len(self.unannounced) <= self.unanswered


def settle_accounts(
    acknowledged: Collection[str], arrivals: Iterable[str], dead_letters: Collection[str], *, unanswered: int = 0
) -> Verdict:
    """Returns the verdict.

    `acknowledged` and `dead_letters` hold job ids; `arrivals` holds one job id for each accepted mail, so a mail that
    arrived twice is in it twice. `unanswered` counts requests whose answer never came. Raises ValueError when an id was
    acknowledged twice: two requests cannot have made the same job.
    """
    if len(set(acknowledged)) != len(acknowledged):
        raise ValueError("a job id was acknowledged twice; the requests were not counted one by one")
    promised, dead, accepted = set(acknowledged), set(dead_letters), Counter(arrivals)
    return Verdict(
        acknowledged=tuple(sorted(promised)),
        arrived=tuple(sorted(promised & accepted.keys())),
        twice=tuple(sorted(job_id for job_id in promised if accepted[job_id] > 1)),
        dead=tuple(sorted((promised & dead) - accepted.keys())),
        missing=tuple(sorted(promised - accepted.keys() - dead)),
        unannounced=tuple(sorted(accepted.keys() - promised)),
        unanswered=unanswered,
    )
