"""What the server knows of flows, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rockqueue._durations import moment
from rockqueue._payloads import PayloadCodec, decoded
from rockqueue._states import DeadReason, FlowState, JobState, dead_reason, flow_state, job_state
from rockqueue.v1 import flow_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class PushedFlow:
    """A flow that was stored: its id, and the ids of its jobs by the names of their nodes."""

    id: str
    job_ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FlowParent:
    """What a job of a flow waits for: a `node` of it, or the job `job_id`; and what becomes of it `on_failure`."""

    node: str | None
    job_id: str | None
    on_failure: str | None


@dataclass(frozen=True, slots=True)
class FlowJob:
    """One job of a flow. `state` is None when the job is no longer kept."""

    node: str
    job_id: str
    state: JobState | None
    dead_reason: DeadReason | None
    parents: tuple[FlowParent, ...]

    @classmethod
    def of(cls, job: pb.FlowJob) -> FlowJob:
        """The message as a value."""
        return cls(
            node=job.node,
            job_id=job.job_id,
            state=job_state(job.state) if job.state else None,
            dead_reason=dead_reason(job.dead_reason),
            parents=tuple(
                FlowParent(edge.node or None, edge.job_id or None, _POLICIES.get(edge.on_failure))
                for edge in job.parents
            ),
        )


_POLICIES: dict[int, str] = {
    pb.PARENT_FAILURE_POLICY_CASCADE: "cascade",
    pb.PARENT_FAILURE_POLICY_CANCEL: "cancel",
    pb.PARENT_FAILURE_POLICY_IGNORE: "ignore",
}


@dataclass(frozen=True, slots=True)
class FlowInfo:
    """A flow as the server knows it.

    Attributes:
        size: How many jobs it has; `completed`, `dead` and `cancelled` of them are finished so.
        jobs: Its graph, in the order in which it was pushed; None where it was not asked for.
    """

    id: str
    name: str
    state: FlowState
    size: int
    completed: int
    dead: int
    cancelled: int
    create_time: datetime | None
    finish_time: datetime | None
    jobs: tuple[FlowJob, ...] | None = None

    @classmethod
    def of(cls, flow: pb.Flow, jobs: Sequence[pb.FlowJob] | None = None) -> FlowInfo:
        """The message as a value."""
        return cls(
            id=flow.id,
            name=flow.name,
            state=flow_state(flow.state),
            size=flow.jobs,
            completed=flow.completed,
            dead=flow.dead,
            cancelled=flow.cancelled,
            create_time=moment(flow, "create_time"),
            finish_time=moment(flow, "finish_time"),
            jobs=None if jobs is None else tuple(FlowJob.of(job) for job in jobs),
        )


@dataclass(frozen=True, slots=True)
class FlowChange:
    """What became of a cancel or a retry: how many jobs it changed, and the flow after it."""

    affected: int
    flow: FlowInfo


@dataclass(frozen=True, slots=True)
class ParentJob:
    """A parent of a job. `node` is None when it is not of the same flow, `state` when it is no longer kept."""

    node: str | None
    job_id: str
    state: JobState | None
    proto: pb.ParentJob = field(repr=False, compare=False)
    codec: PayloadCodec = field(repr=False, compare=False)

    @property
    def result(self) -> Any:
        """What its handler returned, decoded; None without a result. Raises PayloadError."""
        return decoded(self.codec, self.proto.result, self.proto.result_content_type)

    @classmethod
    def of(cls, parent: pb.ParentJob, codec: PayloadCodec) -> ParentJob:
        """The message as a value."""
        state = job_state(parent.state) if parent.state else None
        return cls(parent.node or None, parent.job_id, state, parent, codec)
