"""Closes the books: every picture is there in its size, and every job was done once, or is marked as repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rockqueue import DeadReason, Job, JobState

from .backups import Restored
from .history import History
from .pictures import BadPicture, measure
from .push import SOURCE_SIZE, Resize


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the books."""

    what: str
    count: int
    note: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known when all is over."""

    wanted: Mapping[str, Resize]
    """The jobs that were pushed and can be done, by their id."""
    broken: str
    """The job that cannot be done."""
    history: History
    jobs: Mapping[str, Job]
    """The jobs as the server knows them."""
    viewer_saw_all: bool
    """Whether the live view ended by itself: it saw every job finish."""
    restored: Restored
    """What is in the copy that was made of the server's backup."""


def close_books(counted: Counted) -> list[Row]:
    """Returns the rows of the closing table."""
    wanted, history, jobs = counted.wanted, counted.history, counted.jobs
    wrong_pictures = [problem for job in wanted.values() if (problem := problem_of(job))]
    undone = [job for job in wanted if jobs[job].state != JobState.COMPLETED]
    done_twice = [job for job in wanted if len(history.completions[job]) != 1]
    unmarked = [job for job in history.repeated() if jobs[job].crashes == 0]
    in_hands = history.lost_by("node")
    taken_over = [job for job in in_hands if history.completions[job] == ["go"]]
    by = history.completed_by()
    broken = jobs[counted.broken]
    copy = counted.restored
    kept = broken.state == JobState.DEAD and broken.dead_reason == DeadReason.NON_RETRYABLE
    return [
        Row("pictures asked for by Python", len(wanted), "jobs that were acknowledged", bool(wanted)),
        Row("jobs not done", len(undone), " ".join(undone), not undone),
        Row("pictures missing or of wrong size", len(wrong_pictures), "; ".join(wrong_pictures), not wrong_pictures),
        Row("jobs not completed exactly once", len(done_twice), " ".join(done_twice), not done_twice),
        Row("repeated, but not marked so", len(unmarked), f"{len(history.repeated())} were repeated", not unmarked),
        Row("done by Node", by["node"], "before it was killed", by["node"] > 0),
        Row("done by Go", by["go"], "before and after", by["go"] > 0),
        Row(
            "taken over by Go",
            len(taken_over),
            f"of {len(in_hands)} that Node had in its hands when it was killed",
            0 < len(taken_over) == len(in_hands),
        ),
        Row("kept in the dead letters", int(kept), "the file that is no picture: tried once", kept),
        Row("live view", int(counted.viewer_saw_all), "it saw every job finish", counted.viewer_saw_all),
        Row(
            "jobs in the restored backup",
            copy.jobs,
            "; ".join(copy.problems) or f"the copy was checked; the server has {len(jobs)}",
            copy.jobs == len(jobs) and not copy.problems,
        ),
    ]


def problem_of(job: Resize) -> str:
    """What is wrong with the picture that a job should have made; nothing when it is as wanted."""
    width, height = SOURCE_SIZE
    expected = (job.width, job.width * height // width)
    try:
        found = measure(Path(job.target))
    except BadPicture as bad:
        return str(bad)
    return "" if found == expected else f"{Path(job.target).name} is {found}, not {expected}"
