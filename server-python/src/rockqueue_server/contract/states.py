"""Names of job states, as they are shown."""

from __future__ import annotations

from rockqueue.v1 import job_pb2


def state_name(state: int) -> str:
    """A state without its prefix."""
    return job_pb2.JobState.Name(state).removeprefix("JOB_STATE_")  # type: ignore[arg-type]
