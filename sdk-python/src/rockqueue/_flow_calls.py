"""Flows at the server: `client.flows`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from rockqueue import _methods as methods
from rockqueue._durations import Seconds, seconds
from rockqueue._errors import DeadlineExceeded
from rockqueue._event_models import EventFilter
from rockqueue._events import EventReader, watch_request
from rockqueue._flow_models import FlowChange, FlowInfo, ParentJob, PushedFlow
from rockqueue._operations import DURABILITIES, Durability, Operations, new_request_id
from rockqueue._states import EventType, FlowState, flow_state, flow_state_number
from rockqueue._surface import AsyncPart, SyncPart
from rockqueue.flows import Flow
from rockqueue.v1 import flow_service_pb2 as pb

PAGE = 1000


# ---- on the I/O loop -------------------------------------------------------------------------------------------------


async def push_flow(
    operations: Operations, request: pb.PushFlowRequest, durability: Durability | None, timeout_s: float | None
) -> PushedFlow:
    """Stores a flow."""
    request.request_id = new_request_id()
    request.durability = DURABILITIES[durability or operations.settings.durability]
    response = await operations.call(methods.PUSH_FLOW, request, timeout_s=timeout_s)
    names = [node.name for node in request.nodes]
    return PushedFlow(response.flow_id, dict(zip(names, response.job_ids, strict=True)))


async def get_flow(operations: Operations, flow_id: str) -> FlowInfo:
    """A flow with all of its graph."""
    request = pb.GetFlowRequest(flow_id=flow_id, page_size=PAGE)
    jobs: list[pb.FlowJob] = []
    while True:
        response = await operations.call(methods.GET_FLOW, request)
        jobs.extend(response.jobs)
        if not response.next_page_token:
            return FlowInfo.of(response.flow, jobs)
        request.page_token = response.next_page_token


async def list_parents(operations: Operations, job_id: str) -> list[ParentJob]:
    """All parents of a job."""
    request = pb.ListParentsRequest(job_id=job_id, page_size=PAGE)
    parents: list[ParentJob] = []
    while True:
        response = await operations.call(methods.LIST_PARENTS, request)
        parents.extend(ParentJob.of(parent, operations.settings.codec) for parent in response.parents)
        if not response.next_page_token:
            return parents
        request.page_token = response.next_page_token


async def wait_flow(operations: Operations, flow_id: str, timeout_s: float | None) -> FlowInfo:
    """Waits for the event that ends a flow. It subscribes before it looks, so that the end cannot slip between."""
    wanted = EventFilter(flow_ids=[flow_id], types=[EventType.FLOW_FINISHED])
    reader = EventReader(operations, watch_request(wanted, None, beginning=False))
    state = FlowState.UNKNOWN
    try:
        async with asyncio.timeout(timeout_s):
            await reader.next_response()
            while True:
                brief = await operations.call(methods.GET_FLOW, pb.GetFlowRequest(flow_id=flow_id, page_size=1))
                state = flow_state(brief.flow.state)
                if state.finished:
                    return await get_flow(operations, flow_id)
                while not (await reader.next_response()).events:
                    pass
    except TimeoutError as cause:
        raise DeadlineExceeded(f"flow {flow_id} is not finished after {timeout_s:g} s (state {state})") from cause
    finally:
        await reader.close()


def _timeout(timeout: Seconds | None) -> float | None:
    return None if timeout is None else seconds(timeout, "timeout")


def _list_request(state: FlowState | str | None, name: str) -> pb.ListFlowsRequest:
    return pb.ListFlowsRequest(state=flow_state_number(state) if state else None, name=name)


# `list` is a method of the flows.
Parents = list[ParentJob]


class Flows(AsyncPart):
    """`client.flows` of the async client."""

    async def push(
        self, flow: Flow, *, durability: Durability | None = None, timeout: Seconds | None = None
    ) -> PushedFlow:
        """Stores a flow whole, or not at all, and returns when it is on disk. Its jobs pass through no push middleware.

        Raises FlowCycle, JobNotFound (a parent named by id), and what `Client.push` does.
        """
        operations = self._client.operations()
        request = flow.to_proto(self._client.codec)
        return await self._run(push_flow(operations, request, durability, _timeout(timeout)), operations)

    async def get(self, flow_id: str) -> FlowInfo:
        """One flow with its jobs. Raises FlowNotFound."""
        operations = self._client.operations()
        return await self._run(get_flow(operations, flow_id), operations)

    async def list(self, *, state: FlowState | str | None = None, name: str = "") -> AsyncIterator[FlowInfo]:
        """All flows in this state and of this name, newest first, without their jobs."""
        async for page in self._pages(methods.LIST_FLOWS, _list_request(state, name)):
            for flow in page.flows:
                yield FlowInfo.of(flow)

    async def cancel(self, flow_id: str) -> FlowChange:
        """Cancels every job of a flow that is not finished; ACTIVE ones are asked to stop. Raises FlowNotFound."""
        request = pb.CancelFlowRequest(request_id=new_request_id(), flow_id=flow_id)
        response = await self._call(methods.CANCEL_FLOW, request)
        return FlowChange(response.affected, FlowInfo.of(response.flow))

    async def retry(self, flow_id: str) -> FlowChange:
        """Puts every DEAD or CANCELLED job of a flow back; those that completed stay so. Raises FlowNotFound."""
        request = pb.RetryFlowRequest(request_id=new_request_id(), flow_id=flow_id)
        response = await self._call(methods.RETRY_FLOW, request)
        return FlowChange(response.affected, FlowInfo.of(response.flow))

    async def wait(self, flow_id: str, *, timeout: Seconds | None = None) -> FlowInfo:
        """Waits until a flow is finished, however. Default: for ever. Raises FlowNotFound, DeadlineExceeded."""
        operations = self._client.operations()
        return await self._run(wait_flow(operations, flow_id, _timeout(timeout)), operations)

    async def parents(self, job_id: str) -> Parents:
        """The parents of a job with their results, in the order in which it named them. Raises JobNotFound."""
        operations = self._client.operations()
        return await self._run(list_parents(operations, job_id), operations)


class SyncFlows(SyncPart):
    """`client.flows` of the sync client; see `Flows`."""

    def push(self, flow: Flow, *, durability: Durability | None = None, timeout: Seconds | None = None) -> PushedFlow:
        """Stores a flow whole, or not at all, and returns when it is on disk. Raises FlowCycle, JobNotFound."""
        operations = self._client.operations()
        request = flow.to_proto(self._client.codec)
        return self._run(push_flow(operations, request, durability, _timeout(timeout)), operations)

    def get(self, flow_id: str) -> FlowInfo:
        """One flow with its jobs. Raises FlowNotFound."""
        operations = self._client.operations()
        return self._run(get_flow(operations, flow_id), operations)

    def list(self, *, state: FlowState | str | None = None, name: str = "") -> Iterator[FlowInfo]:
        """All flows in this state and of this name, newest first, without their jobs."""
        for page in self._pages(methods.LIST_FLOWS, _list_request(state, name)):
            for flow in page.flows:
                yield FlowInfo.of(flow)

    def cancel(self, flow_id: str) -> FlowChange:
        """Cancels every job of a flow that is not finished; ACTIVE ones are asked to stop. Raises FlowNotFound."""
        request = pb.CancelFlowRequest(request_id=new_request_id(), flow_id=flow_id)
        response = self._call(methods.CANCEL_FLOW, request)
        return FlowChange(response.affected, FlowInfo.of(response.flow))

    def retry(self, flow_id: str) -> FlowChange:
        """Puts every DEAD or CANCELLED job of a flow back; those that completed stay so. Raises FlowNotFound."""
        request = pb.RetryFlowRequest(request_id=new_request_id(), flow_id=flow_id)
        response = self._call(methods.RETRY_FLOW, request)
        return FlowChange(response.affected, FlowInfo.of(response.flow))

    def wait(self, flow_id: str, *, timeout: Seconds | None = None) -> FlowInfo:
        """Waits until a flow is finished, however. Default: for ever. Raises FlowNotFound, DeadlineExceeded."""
        operations = self._client.operations()
        return self._run(wait_flow(operations, flow_id, _timeout(timeout)), operations)

    def parents(self, job_id: str) -> Parents:
        """The parents of a job with their results, in the order in which it named them. Raises JobNotFound."""
        operations = self._client.operations()
        return self._run(list_parents(operations, job_id), operations)
