"""Checks a flow that is to be pushed, and turns the names of its nodes into numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import grpc

from rockqueue.v1 import flow_service_pb2, job_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import EXPIRES, FLOW, ORIGIN, Admitted, admit_at
from rockqueue_server.contract.problems import Problems
from rockqueue_server.errors import ServiceError
from rockqueue_server.rules.graph import Cycle, ranks
from rockqueue_server.rules.ids import parse_id

_NODE = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_CASCADE = flow_service_pb2.PARENT_FAILURE_POLICY_CASCADE
_MOST_TOLD = 32


class Edge(NamedTuple):
    """What a node waits for: another node by number, or, if that is below 0, the job `job_id`."""

    node: int
    job_id: bytes
    policy: int


@dataclass(slots=True)
class FlowPlan:
    """A flow that may be stored. Lists have an entry for each node."""

    name: str
    names: list[str]
    jobs: list[Admitted]
    edges: list[list[Edge]]
    ranks: list[int]
    timed: list[tuple[int, job_pb2.JobSpec]]
    """Jobs whose times count from the push: they have to be admitted again when it is committed."""

    def admit_timed(self, now_us: int) -> None:
        """Turns spans into the moments that they mean if the flow is pushed now."""
        problems = Problems()
        for index, spec in self.timed:
            fresh = job_pb2.JobSpec()
            fresh.CopyFrom(spec)
            self.jobs[index] = admit_node(fresh, index, now_us, problems)
        problems.check()


def check_size(request: flow_service_pb2.PushFlowRequest) -> int:
    """Checks all but the nodes, and counts those; returns the bytes of the flow."""
    problems = Problems()
    problems.request_id(request.request_id)
    problems.known_enum("durability", request.durability, job_pb2.Durability)
    problems.known_enum("on_parent_failure", request.on_parent_failure, flow_service_pb2.ParentFailurePolicy)
    if request.name:
        problems.text("name", request.name, limits.FLOW_NAME_CHARS)
    count = len(request.nodes)
    if count == 0:
        problems.add("nodes", "must hold at least one node")
    if count > limits.FLOW_JOBS:
        problems.over("nodes", limits.FLOW_JOBS, count, "nodes")
    problems.check()
    size = request.ByteSize()
    if size > limits.BATCH_BYTES:
        nodes = sum(node.ByteSize() for node in request.nodes)
        if nodes > limits.BATCH_BYTES:
            problems.over("nodes", limits.BATCH_BYTES, nodes, "bytes")
    edges = 0
    for index, node in enumerate(request.nodes):
        parents = len(node.parents)
        edges += parents
        if parents > limits.FLOW_PARENTS:
            problems.over(f"nodes[{index}].parents", limits.FLOW_PARENTS, parents, "parents")
            break
    if edges > limits.FLOW_EDGES:
        problems.over("nodes", limits.FLOW_EDGES, edges, "edges")
    problems.check()
    return size


def admit_node(spec: job_pb2.JobSpec, index: int, now_us: int, problems: Problems) -> Admitted:
    """Checks the job of a node, as `admit_at` does."""
    path = f"nodes[{index}].job"
    if spec.HasField("unique"):
        problems.add(f"{path}.unique", "must not be set in a flow")
    if spec.HasField("origin"):
        problems.add(f"{path}.origin", "is set by the server")
    job = admit_at(spec, path, now_us, problems)
    return job._replace(flags=job.flags | ORIGIN | FLOW)


class FlowReader:
    """Reads the nodes of a request, a part at a time. `plan` checks what concerns all of them together."""

    def __init__(self, request: flow_service_pb2.PushFlowRequest) -> None:
        self._request = request
        self._default = request.on_parent_failure or _CASCADE
        self._problems = Problems()
        self._numbers: dict[str, int] = {}
        self._plan = FlowPlan(request.name, [], [], [], [], [])

    def admit(self, start: int, end: int, now_us: int) -> None:
        """Checks the names and jobs of nodes `start` to `end`."""
        plan, problems = self._plan, self._problems
        for index in range(start, min(end, len(self._request.nodes))):
            node = self._request.nodes[index]
            if not _NODE.match(node.name):
                problems.add(f"nodes[{index}].name", "must be 1 to 128 characters of A-Z a-z 0-9 . _ -")
            elif self._numbers.setdefault(node.name, index) != index:
                problems.add(f"nodes[{index}].name", f"is the name of nodes[{self._numbers[node.name]}] too")
            if not node.HasField("job"):
                problems.add(f"nodes[{index}].job", "must be set")
            spec = job_pb2.JobSpec()
            spec.CopyFrom(node.job)
            job = admit_node(spec, index, now_us, problems)
            if job.run_us or job.flags & EXPIRES:
                plan.timed.append((index, node.job))
            plan.names.append(node.name)
            plan.jobs.append(job)
            if problems.full:
                break
        if problems.full:
            problems.check()

    def read_edges(self, start: int, end: int) -> None:
        """Reads what nodes `start` to `end` wait for. All nodes were admitted before."""
        for index in range(start, min(end, len(self._request.nodes))):
            parents = self._request.nodes[index].parents
            edges = [self._edge(edge, f"nodes[{index}].parents[{at}]") for at, edge in enumerate(parents)]
            named = [edge.node if edge.node >= 0 else edge.job_id for edge in edges]
            if len(set(named)) != len(named):
                self._problems.add(f"nodes[{index}].parents", "must name each parent once")
            self._plan.edges.append(edges)
            if self._problems.full:
                break

    def _edge(self, edge: flow_service_pb2.FlowEdge, path: str) -> Edge:
        problems = self._problems
        if edge.on_failure:
            problems.known_enum(f"{path}.on_failure", edge.on_failure, flow_service_pb2.ParentFailurePolicy)
        policy = edge.on_failure or self._default
        which = edge.WhichOneof("parent")
        if which == "node":
            number = self._numbers.get(edge.node, -1)
            if number < 0:
                problems.add(f"{path}.node", f"no node of this flow is called {edge.node[:_MOST_TOLD]!r}")
            return Edge(number, edge.node.encode(), policy)
        job_id = parse_id(edge.job_id) if which == "job_id" else None
        if which is None:
            problems.add(path, "must name a node or a job")
        elif job_id is None:
            problems.add(f"{path}.job_id", "must be a job id: a UUID as text")
        return Edge(-1, job_id or path.encode(), policy)

    def plan(self) -> FlowPlan:
        """The whole flow. Raises INVALID_FIELD, LIMIT_EXCEEDED or FLOW_CYCLE."""
        self._problems.check()
        plan = self._plan
        try:
            plan.ranks = ranks([[edge.node for edge in edges if edge.node >= 0] for edges in plan.edges])
        except Cycle as cycle:
            raise flow_cycle([plan.names[node] for node in cycle.nodes]) from None
        return plan


def flow_cycle(names: list[str]) -> ServiceError:
    """FLOW_CYCLE: these nodes wait for each other in a circle, each for the one before it."""
    told = [*names, names[0]] if len(names) < _MOST_TOLD else [*names[: _MOST_TOLD - 1], "...", names[0]]
    circle = " -> ".join(told)
    return ServiceError(
        grpc.StatusCode.INVALID_ARGUMENT,
        "FLOW_CYCLE",
        f"the jobs of the flow wait for each other in a circle: {circle}",
        {"cycle": circle},
    )
