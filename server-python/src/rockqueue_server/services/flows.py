"""FlowService: jobs that wait for jobs. `rockqueue/v1/flow_service.proto` is the specification."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from rockqueue.v1 import flow_service_pb2, job_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.flow_request import FlowPlan, FlowReader, check_size
from rockqueue_server.contract.problems import Problems
from rockqueue_server.engine import dedup, upkeep
from rockqueue_server.engine.flows import reading, records
from rockqueue_server.engine.flows.push import store_flow
from rockqueue_server.engine.lookup import FINISHED, Found, find
from rockqueue_server.engine.push import check_room
from rockqueue_server.errors import flow_not_found, job_not_found
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text, parse_id
from rockqueue_server.services.bulk import guarded, one_at_a_time
from rockqueue_server.services.pages import Page

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake

_FSYNC, _WAL = job_pb2.DURABILITY_FSYNC, job_pb2.DURABILITY_WAL
_RETRYABLE = (job_pb2.JOB_STATE_DEAD, job_pb2.JOB_STATE_CANCELLED)
_STEP = 500
"""So many jobs, and edges to their parents, are changed in one commit."""
_READ_STEP = 250
"""So many nodes of a push are read in one turn of the loop."""
_ROWS = 100

Request = flow_service_pb2.CancelFlowRequest | flow_service_pb2.RetryFlowRequest
Answer = TypeVar("Answer", flow_service_pb2.CancelFlowResponse, flow_service_pb2.RetryFlowResponse)
Act = Callable[["Commit", Found], bool]


class FlowService:
    """The operations on flows."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake
        self._running: dict[str, asyncio.Future[None]] = {}

    async def push_flow(self, request: flow_service_pb2.PushFlowRequest) -> flow_service_pb2.PushFlowResponse:
        """Stores a flow, whole or not at all."""
        size = check_size(request)
        self._intake.admit(size)
        try:
            plan = await self._read(request)
            durable = request.durability != _WAL
            # A caller that goes away must not take back what is being written.
            pushing = self._engine.submit(lambda now_us: self._push(now_us, request, plan), durable=durable)
            return await asyncio.shield(pushing)
        finally:
            self._intake.release(size)

    async def _read(self, request: flow_service_pb2.PushFlowRequest) -> FlowPlan:
        """Checks a flow, in parts, so that a big one does not hold up the loop."""
        reader = FlowReader(request)
        now_us = self._engine.clock.now_us()
        count = len(request.nodes)
        for at in range(0, count, _READ_STEP):
            reader.admit(at, at + _READ_STEP, now_us)
            await self._breathe(at)
        for at in range(0, count, _READ_STEP):
            reader.read_edges(at, at + _READ_STEP)
            await self._breathe(at)
        return reader.plan()

    async def _breathe(self, at: int) -> None:
        """Lets others have their turn, unless this was the first part."""
        if at:
            await asyncio.sleep(0)

    def _push(
        self, now_us: int, request: flow_service_pb2.PushFlowRequest, plan: FlowPlan
    ) -> flow_service_pb2.PushFlowResponse:
        engine = self._engine
        first = dedup.first_answer(engine, "PushFlow", request.request_id, flow_service_pb2.PushFlowResponse)
        if first is not None:
            return first
        plan.admit_timed(now_us)
        commit = engine.commit(now_us)
        flow_id, ids = store_flow(engine, commit, plan)
        check_room(commit)
        answer = flow_service_pb2.PushFlowResponse(
            flow_id=id_text(flow_id),
            job_ids=[id_text(job_id) for job_id in ids],
            durability=_WAL if request.durability == _WAL else _FSYNC,
        )
        dedup.remember(commit, "PushFlow", request.request_id, answer)
        commit.write()
        engine.stats.flows_pushed += 1
        # Parents that did not complete long ago decide at once.
        engine.flows.step()
        return answer

    async def get_flow(self, request: flow_service_pb2.GetFlowRequest) -> flow_service_pb2.GetFlowResponse:
        """Returns a flow, and a page of its graph."""
        engine, problems = self._engine, Problems()
        flow_id = _flow_id(request.flow_id, problems)
        page = Page((b"flow", flow_id), request.page_size, request.page_token, problems)
        problems.check()
        answer = flow_service_pb2.GetFlowResponse(flow=self._expect(flow_id))
        lower, upper = records.node_range(flow_id)
        if page.position:
            lower = keys.after(records.node_key(flow_id, page.position))
        page_bytes = 0
        while len(answer.jobs) < page.size:
            rows = engine.columns.flows.scan(lower, upper, min(_ROWS, page.size - len(answer.jobs)))
            for key, value in rows:
                job = reading.show_node(engine, key, value)
                page_bytes += job.ByteSize()
                if answer.jobs and page_bytes > limits.PAGE_BYTES:
                    break
                answer.jobs.append(job)
                lower = keys.after(key)
            else:
                if rows:
                    continue
            break
        if engine.columns.flows.scan(lower, upper, 1):
            answer.next_page_token = page.token(lower[records.NODE_ID_AT : records.NODE_ID_AT + keys.ID_BYTES])
        await engine.settled()
        return answer

    async def list_flows(self, request: flow_service_pb2.ListFlowsRequest) -> flow_service_pb2.ListFlowsResponse:
        """Lists flows, newest first."""
        engine, problems = self._engine, Problems()
        problems.known_enum("state", request.state, flow_service_pb2.FlowState)
        if request.name:
            problems.text("name", request.name, limits.FLOW_NAME_CHARS)
        asked = (b"flows", str(request.state).encode(), request.name.encode())
        page = Page(asked, request.page_size, request.page_token, problems)
        problems.check()
        answer = flow_service_pb2.ListFlowsResponse()
        upper = records.FLOW + (page.position or keys.END)
        seen = 0
        while seen < limits.SCAN_ENTRIES and len(answer.flows) < page.size:
            rows = engine.columns.flows.scan(records.FLOW, upper, min(_ROWS, page.size), reverse=True)
            for key, value in rows:
                seen += 1
                upper = key
                counts = engine.flows.counts(key[1:])
                if counts is None or (request.state and counts.state != request.state):
                    continue
                flow = reading.show_flow(value, counts)
                if not request.name or flow.name == request.name:
                    answer.flows.append(flow)
                    if len(answer.flows) == page.size:
                        break
            if not rows:
                break
        if engine.columns.flows.scan(records.FLOW, upper, 1):
            answer.next_page_token = page.token(upper[1:])
        await engine.settled()
        return answer

    async def cancel_flow(self, request: flow_service_pb2.CancelFlowRequest) -> flow_service_pb2.CancelFlowResponse:
        """Cancels every job of a flow that is not finished. Children come first: nothing must follow from parents."""
        engine = self._engine

        def act(commit: Commit, found: Found) -> bool:
            if found.state == job_pb2.JOB_STATE_BLOCKED and "flow_cancel_ignores_blocked" in engine.defects:
                return False
            return found.state not in FINISHED and upkeep.cancel(engine, commit, found)

        return await self._change("CancelFlow", request, flow_service_pb2.CancelFlowResponse, act, children_first=True)

    async def retry_flow(self, request: flow_service_pb2.RetryFlowRequest) -> flow_service_pb2.RetryFlowResponse:
        """Puts back what did not complete. Parents come first: their children have to wait for them."""
        engine = self._engine
        self._intake.check_disk()

        def act(commit: Commit, found: Found) -> bool:
            if found.state not in _RETRYABLE:
                return False
            upkeep.retry(engine, commit, found, "")
            return True

        return await self._change("RetryFlow", request, flow_service_pb2.RetryFlowResponse, act, children_first=False)

    async def _change(
        self, method: str, request: Request, answer: type[Answer], act: Act, *, children_first: bool
    ) -> Answer:
        self._intake.check_open()
        problems = Problems()
        problems.request_id(request.request_id)
        flow_id = _flow_id(request.flow_id, problems)
        problems.check()
        await one_at_a_time(self._running, request.request_id)
        return await guarded(
            self._running,
            request.request_id,
            lambda: self._change_all(method, request.request_id, flow_id, answer, act, children_first=children_first),
        )

    async def _change_all(
        self, method: str, request_id: str, flow_id: bytes, answer: type[Answer], act: Act, *, children_first: bool
    ) -> Answer:
        engine = self._engine
        first = dedup.first_answer(engine, method, request_id, answer)
        if first is not None:
            return first
        self._expect(flow_id)
        nodes = await self._nodes(flow_id)
        nodes.sort(reverse=children_first)
        affected = at = 0
        while at < len(nodes):
            self._intake.check_open()
            end, weight = at, 0
            while end < len(nodes) and weight < _STEP:
                weight += 1 + (0 if children_first else nodes[end][2])
                end += 1
            step = [job_id for _, job_id, _ in nodes[at:end]]
            affected += await engine.submit(lambda now_us, step=step: self._step(now_us, step, act))
            at = end

        def finish(now_us: int) -> Answer:
            result = answer(flow=self._expect(flow_id), affected=affected)
            if request_id:
                commit = engine.commit(now_us)
                dedup.remember(commit, method, request_id, result)
                commit.write()
            return result

        return await engine.submit(finish)

    async def _nodes(self, flow_id: bytes) -> list[tuple[int, bytes, int]]:
        """Rank, job id and number of parents of all nodes."""
        nodes: list[tuple[int, bytes, int]] = []
        lower, upper = records.node_range(flow_id)
        while rows := self._engine.columns.flows.scan(lower, upper, _STEP):
            for key, value in rows:
                rank, parents = records.node_rank(value)
                nodes.append((rank, key[records.NODE_ID_AT :], parents))
            lower = keys.after(rows[-1][0])
            await asyncio.sleep(0)
        return nodes

    def _step(self, now_us: int, job_ids: list[bytes], act: Act) -> int:
        commit = self._engine.commit(now_us)
        affected = 0
        for job_id in job_ids:
            found = find(self._engine, job_id)
            if found is not None:
                affected += act(commit, found)
        if affected:
            commit.write()
        return affected

    async def list_parents(self, request: flow_service_pb2.ListParentsRequest) -> flow_service_pb2.ListParentsResponse:
        """Returns the parents of a job, with their results."""
        engine, problems = self._engine, Problems()
        job_id = parse_id(request.job_id)
        if job_id is None:
            problems.add("job_id", "must be a job id: a UUID as text")
        page = Page((b"parents", job_id or b""), request.page_size, request.page_token, problems)
        problems.check()
        if job_id is None or engine.columns.job.get(job_id) is None:
            raise job_not_found(request.job_id)
        answer = flow_service_pb2.ListParentsResponse()
        node = reading.node_of(engine, job_id)
        if node is not None:
            names = list(flow_service_pb2.FlowJob.FromString(node.shown).parents)
            start = at = int.from_bytes(page.position, "big")
            page_bytes = 0
            while at < len(names) and at - start < page.size:
                parent = reading.show_parent(engine, node, names, at)
                page_bytes += parent.ByteSize()
                if answer.parents and page_bytes > limits.PAGE_BYTES:
                    break
                answer.parents.append(parent)
                at += 1
            if at < len(names):
                answer.next_page_token = page.token(at.to_bytes(4, "big"))
        await engine.settled()
        return answer

    def _expect(self, flow_id: bytes) -> flow_service_pb2.Flow:
        flow = reading.read_flow(self._engine, flow_id)
        if flow is None:
            raise flow_not_found(id_text(flow_id))
        return flow


def _flow_id(text: str, problems: Problems) -> bytes:
    flow_id = parse_id(text)
    if flow_id is None:
        problems.add("flow_id", "must be a flow id: a UUID as text")
    return flow_id or b""
