"""Callers that wait for a job to finish."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

MOST = 100_000


class JobWaiters:
    """Futures by job id. Each gets the job as it finished, or None when it is to be read from the store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_job: dict[bytes, list[asyncio.Future[job_pb2.Job | None]]] = {}
        self.count = 0

    def __contains__(self, job_id: bytes) -> bool:
        return job_id in self._by_job

    def add(self, job_id: bytes) -> asyncio.Future[job_pb2.Job | None]:
        """Waits for a job."""
        future: asyncio.Future[job_pb2.Job | None] = asyncio.get_running_loop().create_future()
        self._by_job.setdefault(job_id, []).append(future)
        self.count += 1
        return future

    def remove(self, job_id: bytes, future: asyncio.Future[job_pb2.Job | None]) -> None:
        """The caller has gone, or has its answer."""
        futures = self._by_job.get(job_id)
        if futures is not None and future in futures:
            futures.remove(future)
            self.count -= 1
            if not futures:
                del self._by_job[job_id]

    def finished(self, job_id: bytes, job: job_pb2.Job | None) -> None:
        """The job has finished or is gone. `job` is given when nothing of it is kept."""
        for future in self._by_job.get(job_id, ()):
            if not future.done():
                future.set_result(job)
