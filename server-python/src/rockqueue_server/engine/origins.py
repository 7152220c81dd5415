"""What pushed a job, on each of its events: those of jobs of flows and schedules say whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract.admission import ORIGIN
from rockqueue_server.engine.records import JobHead, unpack_job

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

_MOST = 10_000


class Origins:
    """The event fields of jobs with an origin, remembered for the next events of the same jobs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[bytes, bytes] = {}

    def told(self, head: JobHead, job_id: bytes, extra: bytes = b"") -> bytes:
        """The fields of an event that few events have, with the origin of its job, which is on disk."""
        if not head.flags & ORIGIN:
            return extra
        known = self._known.get(job_id)
        if known is None:
            value = self._engine.columns.job.get(job_id)
            if value is None:
                raise RuntimeError(f"job {job_id.hex()} has no record")
            known = self.learn(job_id, unpack_job(value)[1])
        # Serialised messages of one type, one after the other, are the message that has the fields of both.
        return extra + known

    def learn(self, job_id: bytes, spec: bytes) -> bytes:
        """The event fields that name the origin in a serialised spec."""
        if len(self._known) >= _MOST:
            self._known.clear()
        origin = job_pb2.JobSpec.FromString(spec).origin
        event = event_service_pb2.Event(flow_id=origin.flow_id, schedule=origin.schedule)
        known = self._known[job_id] = event.SerializeToString()
        return known
