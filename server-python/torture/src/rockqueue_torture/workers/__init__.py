"""Workers of the three SDKs as processes of their own, which note in a journal what their handlers see and do."""

from rockqueue_torture.workers.fleet import Fleet
from rockqueue_torture.workers.kinds import KINDS, WorkerMissing

__all__ = ["KINDS", "Fleet", "WorkerMissing"]
