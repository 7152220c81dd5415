"""The books of the demo: they must see what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from photos.backups import Restored
from photos.history import History
from photos.pictures import draw
from photos.push import Resize
from photos.verdict import Counted, close_books

from rockqueue import DeadReason, EventType, JobState


def event(kind: EventType, job: str, worker: str = "") -> Any:
    return SimpleNamespace(type=kind, job_id=job, worker=worker)


def job(state: JobState, crashes: int = 0, dead_reason: DeadReason | None = None) -> Any:
    return SimpleNamespace(state=state, crashes=crashes, dead_reason=dead_reason)


@dataclass
class Run:
    """A run in which everything is as it should be: Node did `a`, Go did `b`, and `c` went from Node to Go."""

    folder: Path

    def counted(self) -> Counted:
        history = History()
        for kind, job_id, worker in (
            (EventType.JOB_STARTED, "a", "node"),
            (EventType.JOB_STARTED, "b", "go"),
            (EventType.JOB_COMPLETED, "a", ""),
            (EventType.JOB_STARTED, "c", "node"),
            (EventType.JOB_COMPLETED, "b", ""),
            (EventType.JOB_STARTED, "c", "go"),
            (EventType.JOB_COMPLETED, "c", ""),
            (EventType.JOB_STARTED, "broken", "go"),
            (EventType.JOB_DEAD, "broken", ""),
        ):
            history.take(event(kind, job_id, worker))
        wanted = {name: Resize("", str(self.folder / f"{name}.png"), 96) for name in "abc"}
        for resize in wanted.values():
            Path(resize.target).write_bytes(draw(1, 96, 72))
        jobs = {name: job(JobState.COMPLETED, crashes=int(name == "c")) for name in "abc"}
        jobs["broken"] = job(JobState.DEAD, dead_reason=DeadReason.NON_RETRYABLE)
        return Counted(wanted, "broken", history, jobs, viewer_saw_all=True, restored=Restored(4, ()))


def wrong(counted: Counted) -> list[str]:
    return [row.what for row in close_books(counted) if not row.holds]


@pytest.fixture
def good(tmp_path: Path) -> Counted:
    return Run(tmp_path).counted()


def test_a_run_in_which_all_went_well_holds(good: Counted) -> None:
    assert wrong(good) == []
    assert good.history.finished == 4
    assert good.history.completed_by() == {"node": 1, "go": 2}


def test_a_missing_picture_and_one_of_wrong_size_are_seen(good: Counted) -> None:
    Path(good.wanted["a"].target).unlink()
    Path(good.wanted["b"].target).write_bytes(draw(1, 90, 72))
    (row,) = [row for row in close_books(good) if not row.holds]
    assert (row.what, row.count) == ("pictures missing or of wrong size", 2)


CHANGES: dict[str, Callable[[Counted], Counted]] = {
    "jobs not done": lambda good: replace(good, jobs={**good.jobs, "a": job(JobState.WAITING)}),
    "repeated, but not marked so": lambda good: replace(good, jobs={**good.jobs, "c": job(JobState.COMPLETED)}),
    "kept in the dead letters": lambda good: replace(good, jobs={**good.jobs, "broken": job(JobState.WAITING)}),
    "live view": lambda good: replace(good, viewer_saw_all=False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_thing_that_can_be_wrong_is_seen(good: Counted, what: str) -> None:
    assert wrong(CHANGES[what](good)) == [what]


@pytest.mark.parametrize("restored", [Restored(3, ()), Restored(5, ()), Restored(4, ("a counter is off",))])
def test_a_copy_with_other_jobs_or_with_problems_is_seen(good: Counted, restored: Restored) -> None:
    assert wrong(replace(good, restored=restored)) == ["jobs in the restored backup"]


def test_a_job_completed_twice_is_seen(good: Counted) -> None:
    good.history.take(event(EventType.JOB_COMPLETED, "a"))
    assert wrong(good) == ["jobs not completed exactly once"]


def test_without_a_job_that_went_from_node_to_go_nothing_was_shown(good: Counted) -> None:
    good.history.starts["c"] = ["go"]
    assert wrong(good) == ["taken over by Go"]
