"""What happened to each job, as the event stream told it: who began it, and how it ended. No I/O here."""

from __future__ import annotations

from collections import Counter, defaultdict

from rockqueue import Event, EventType


class History:
    """Takes in events and counts."""

    def __init__(self) -> None:
        self.starts: defaultdict[str, list[str]] = defaultdict(list)
        """The workers that began each job, in order."""
        self.completions: defaultdict[str, list[str]] = defaultdict(list)
        """The workers that completed each job: whoever had begun it last, as a completion does not name its worker."""
        self.dead: set[str] = set()

    def take(self, event: Event) -> None:
        """Takes in one event of a job."""
        if event.type == EventType.JOB_STARTED:
            self.starts[event.job_id].append(event.worker)
        elif event.type == EventType.JOB_COMPLETED:
            self.completions[event.job_id].append(self.starts[event.job_id][-1])
        elif event.type == EventType.JOB_DEAD:
            self.dead.add(event.job_id)

    @property
    def finished(self) -> int:
        """How many jobs need nothing more."""
        return len(self.completions) + len(self.dead)

    def completed_by(self) -> Counter[str]:
        """How many jobs each worker has completed."""
        return Counter(worker for workers in self.completions.values() for worker in workers)

    def repeated(self) -> set[str]:
        """The jobs that were begun more than once."""
        return {job for job, workers in self.starts.items() if len(workers) > 1}

    def lost_by(self, worker: str) -> set[str]:
        """The jobs that this worker had begun, and that had to be begun again."""
        return {job for job in self.repeated() if worker in self.starts[job][:-1]}
