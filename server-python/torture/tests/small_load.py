"""A load that leaves time for the rest of the suite."""

from __future__ import annotations

from rockqueue_torture.load import LoadPlan

SMALL_LOAD = LoadPlan(producers=2, workers=2, shared_queues=("shared",), most_jobs_each=100_000, cancel_pause_s=0.2)
