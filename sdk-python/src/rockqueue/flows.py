"""Building flows: graphs of jobs that wait for each other.

    from rockqueue.flows import Flow, group

    flow = Flow("report")
    fetched = flow.add(fetch.new(url="https://example.com"))
    pages = flow.add(group(render.new(page=n) for n in range(3)), after=fetched)
    flow.add(send.new(to="ada@example.com"), after=pages)
    pushed = await client.flows.push(flow)

`chain`, `group` and `join` put jobs together before they are added; they nest. A handler reads what its parents
returned by `await ctx.parents()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, overload

from rockqueue._models import Job, PushedJob
from rockqueue._options import NewJob, build_spec, choice
from rockqueue._payloads import PayloadCodec
from rockqueue.v1 import flow_service_pb2 as pb

__all__ = ["Chain", "Flow", "FlowNode", "OnFailure", "Parallel", "Parent", "Step", "chain", "group", "join"]

OnFailure = Literal["cascade", "cancel", "ignore"]
"""What becomes of a child whose parent does not complete: it is DEAD, it is CANCELLED, or it goes on all the same."""

_POLICIES: dict[str, pb.ParentFailurePolicy] = {
    "cascade": pb.PARENT_FAILURE_POLICY_CASCADE,
    "cancel": pb.PARENT_FAILURE_POLICY_CANCEL,
    "ignore": pb.PARENT_FAILURE_POLICY_IGNORE,
}


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps one after the other; made by `chain` and `join`."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """Steps side by side; made by `group`."""

    steps: tuple[Step, ...]


Step = NewJob | Chain | Parallel
"""What can be added to a flow."""


def chain(*steps: Step) -> Chain:
    """Steps one after the other: each waits for all that ends the one before."""
    return Chain(steps)


def group(*steps: Step | Iterable[Step]) -> Parallel:
    """Steps side by side: `group(a.new(), b.new())`, or `group(render.new(page=n) for n in pages)`."""
    found: list[Step] = []
    for step in steps:
        if isinstance(step, (NewJob, Chain, Parallel)):
            found.append(step)
        else:
            found.extend(step)
    return Parallel(tuple(found))


def join(parents: Iterable[Step], child: Step) -> Chain:
    """`parents` side by side, then `child`, which waits for all of them."""
    return Chain((group(parents), child))


class FlowNode:
    """One job of a flow, made by `Flow.add`. `name` is its local name in `flow`."""

    __slots__ = ("_edges", "flow", "job", "name")

    def __init__(self, flow: Flow, name: str, job: NewJob) -> None:
        self.flow = flow
        self._edges: list[pb.FlowEdge] = []
        self.name = name
        self.job = job

    def after(self, *parents: Parent | Iterable[Parent], on_failure: OnFailure | None = None) -> FlowNode:
        """Has the job wait for further parents; `on_failure` holds for these alone. Returns the node."""
        policy = choice(_POLICIES, on_failure, "on_failure") if on_failure is not None else None
        for parent in _flat(parents):
            if isinstance(parent, FlowNode):
                if parent.flow is not self.flow:
                    raise ValueError(f"node {parent.name!r} belongs to another flow")
                self._edges.append(pb.FlowEdge(node=parent.name, on_failure=policy))
            else:
                job_id = parent if isinstance(parent, str) else parent.id
                self._edges.append(pb.FlowEdge(job_id=job_id, on_failure=policy))
        return self

    def to_proto(self, codec: PayloadCodec) -> pb.FlowNode:
        """The node as the contract carries it. Raises PayloadError, TypeError, ValueError."""
        job = self.job
        spec = build_spec(job.queue, job.name, job.payload, job.options, codec)
        return pb.FlowNode(name=self.name, job=spec, parents=self._edges)

    def __repr__(self) -> str:
        return f"<flow node {self.name}>"


Parent = FlowNode | Job | PushedJob | str
"""What a job can wait for: a node of its flow, or a job that exists, which may be given by its id."""


class Flow:
    """A graph of jobs to push: `client.flows.push(flow)` stores it whole, or not at all.

    Args:
        name: What people call it. Default: none.
        on_parent_failure: What becomes of a job whose parent does not complete, where its edge says nothing else.
            "cascade" (default): it is DEAD, and so on downwards; "cancel": it is CANCELLED; "ignore": it goes on.
    """

    def __init__(self, name: str = "", *, on_parent_failure: OnFailure | None = None) -> None:
        self.name = name
        self._policy = None
        if on_parent_failure is not None:
            self._policy = choice(_POLICIES, on_parent_failure, "on_parent_failure")
        self._nodes: dict[str, FlowNode] = {}
        self._counts: dict[str, int] = {}

    @classmethod
    def of(cls, step: Step, name: str = "", *, on_parent_failure: OnFailure | None = None) -> Flow:
        """A flow of one step: `Flow.of(chain(fetch.new(), group(a.new(), b.new()), report.new()), "import")`."""
        flow = cls(name, on_parent_failure=on_parent_failure)
        flow.add(step)
        return flow

    @property
    def nodes(self) -> Sequence[FlowNode]:
        """The jobs so far, in the order in which they were added."""
        return tuple(self._nodes.values())

    @overload
    def add(
        self,
        step: NewJob,
        *,
        after: Parent | Iterable[Parent] = (),
        on_failure: OnFailure | None = None,
        name: str | None = None,
    ) -> FlowNode: ...
    @overload
    def add(
        self, step: Chain | Parallel, *, after: Parent | Iterable[Parent] = (), on_failure: OnFailure | None = None
    ) -> list[FlowNode]: ...
    def add(
        self,
        step: Step,
        *,
        after: Parent | Iterable[Parent] = (),
        on_failure: OnFailure | None = None,
        name: str | None = None,
    ) -> FlowNode | list[FlowNode]:
        """Adds a job, or several put together by `chain`, `group` or `join`.

        Args:
            step: What to add.
            after: What it waits for. Default: nothing.
            on_failure: What becomes of it when one of `after` does not complete. Default: the flow's policy.
            name: The local name of a job. Default: the kind of job, with a number from the second on.

        Returns the job's node, or the nodes that end the step: what comes after it waits for those. Raises ValueError
        for a name that is there already.
        """
        if isinstance(step, NewJob):
            return self._add_job(step, name).after(after, on_failure=on_failure)
        if name is not None:
            raise TypeError("only a single job can be given a name")
        return self._add_step(step, list(_flat([after])), on_failure)

    def _add_job(self, job: NewJob, name: str | None) -> FlowNode:
        chosen = self._free_name(job.name) if name is None else name
        if chosen in self._nodes:
            raise ValueError(f"the flow has a node {chosen!r} already")
        node = self._nodes[chosen] = FlowNode(self, chosen, job)
        return node

    def _free_name(self, kind: str) -> str:
        while True:
            count = self._counts[kind] = self._counts.get(kind, 0) + 1
            # A job's name may be longer than a node's.
            name = kind[:120] if count == 1 else f"{kind[:120]}-{count}"
            if name not in self._nodes:
                return name

    def _add_step(self, step: Step, after: Sequence[Parent], on_failure: OnFailure | None) -> list[FlowNode]:
        if isinstance(step, NewJob):
            return [self._add_job(step, None).after(after, on_failure=on_failure)]
        if isinstance(step, Parallel):
            return [node for one in step.steps for node in self._add_step(one, after, on_failure)]
        last: list[FlowNode] = []
        parents = after
        for one in step.steps:
            added = self._add_step(one, parents, on_failure)
            if added:
                # Between the links of a chain the flow's policy holds.
                parents, last, on_failure = added, added, None
        return last

    def to_proto(self, codec: PayloadCodec) -> pb.PushFlowRequest:
        """The flow as the contract carries it, without a request id. Raises PayloadError, TypeError, ValueError."""
        nodes = [node.to_proto(codec) for node in self._nodes.values()]
        return pb.PushFlowRequest(name=self.name, nodes=nodes, on_parent_failure=self._policy)

    def __repr__(self) -> str:
        return f"<flow {self.name or 'without a name'} of {len(self._nodes)} jobs>"


def _flat(parents: Iterable[Parent | Iterable[Parent]]) -> Iterable[Parent]:
    for parent in parents:
        if isinstance(parent, (FlowNode, Job, PushedJob, str)):
            yield parent
        else:
            yield from parent
