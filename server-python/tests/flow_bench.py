"""Flows in few words, on a core of `queue_bench`."""

from __future__ import annotations

from typing import Any

from queue_bench import QueueBench, spec

from rockqueue.v1 import flow_service_pb2 as pb
from rockqueue.v1 import job_pb2, work_service_pb2

CASCADE, CANCEL, IGNORE = (
    pb.PARENT_FAILURE_POLICY_CASCADE,
    pb.PARENT_FAILURE_POLICY_CANCEL,
    pb.PARENT_FAILURE_POLICY_IGNORE,
)


def node(name: str, *parents: str | pb.FlowEdge, **fields: Any) -> pb.FlowNode:
    """A node; parents are names, or edges."""
    edges = [parent if isinstance(parent, pb.FlowEdge) else pb.FlowEdge(node=parent) for parent in parents]
    return pb.FlowNode(name=name, job=spec(name=name, **fields), parents=edges)


def edge(parent: str = "", on_failure: int = 0, *, job_id: str = "") -> pb.FlowEdge:
    """An edge with a policy, or to a job that exists."""
    if job_id:
        return pb.FlowEdge(job_id=job_id, on_failure=on_failure)  # type: ignore[arg-type]
    return pb.FlowEdge(node=parent, on_failure=on_failure)  # type: ignore[arg-type]


class Flow:
    """A flow that was pushed."""

    def __init__(self, queue_bench: QueueBench, pushed: pb.PushFlowResponse, names: list[str]) -> None:
        self.bench = queue_bench
        self.id = pushed.flow_id
        self.jobs = dict(zip(names, pushed.job_ids, strict=True))

    async def read(self) -> pb.Flow:
        """The flow as it is now."""
        return (await self.bench.core.flows.get_flow(pb.GetFlowRequest(flow_id=self.id))).flow

    async def state(self) -> str:
        """The name of its state."""
        return pb.FlowState.Name((await self.read()).state).removeprefix("FLOW_STATE_")

    async def states(self) -> dict[str, str]:
        """The states of its jobs, "" for those that are no longer kept."""
        page = await self.bench.core.flows.get_flow(pb.GetFlowRequest(flow_id=self.id, page_size=1000))
        return {
            job.node: job_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_") if job.state else ""
            for job in page.jobs
        }

    async def run(self, *names: str, fail: bool = False, result: bytes = b"") -> None:
        """Takes everything that waits, and completes or fails just the jobs of these names; releases the rest."""
        taken = {delivery.spec.origin.flow_node: delivery for delivery in await self.bench.pull()}
        for name in names:
            delivery = taken.pop(name)
            outcome = self.bench.fail(delivery, never=True) if fail else self.bench.complete(delivery, result)
            assert await outcome == ""
        for delivery in taken.values():
            release = work_service_pb2.Settlement(lease_token=delivery.lease_token, release=work_service_pb2.Release())
            assert await self.bench.settle(release) == [""]

    async def cancel(self, request_id: str = "") -> pb.CancelFlowResponse:
        """Cancels it."""
        return await self.bench.core.flows.cancel_flow(pb.CancelFlowRequest(flow_id=self.id, request_id=request_id))

    async def retry(self, request_id: str = "") -> pb.RetryFlowResponse:
        """Puts back what did not complete."""
        return await self.bench.core.flows.retry_flow(pb.RetryFlowRequest(flow_id=self.id, request_id=request_id))

    async def parents(self, name: str, **page: object) -> pb.ListParentsResponse:
        """The parents of one of its jobs."""
        request = pb.ListParentsRequest(job_id=self.jobs[name], **page)  # type: ignore[arg-type]
        return await self.bench.core.flows.list_parents(request)


async def push_flow(queue_bench: QueueBench, *nodes: pb.FlowNode, **fields: object) -> Flow:
    """Pushes a flow."""
    request = pb.PushFlowRequest(nodes=nodes, **fields)  # type: ignore[arg-type]
    pushed = await queue_bench.core.flows.push_flow(request)
    return Flow(queue_bench, pushed, [node.name for node in nodes])
