"""Stores a flow, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, flow_service_pb2, job_pb2
from rockqueue_server.contract.admission import EXPIRES, GROUP, TAGS, Admitted
from rockqueue_server.contract.flow_request import FlowPlan
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine import tags
from rockqueue_server.engine.commit import TIMER_EXPIRE, Commit
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.flows.records import OPEN, FlowCounts, Member, Node, Work
from rockqueue_server.engine.lookup import FINISHED, find
from rockqueue_server.engine.push import place
from rockqueue_server.engine.records import pack_job
from rockqueue_server.errors import job_not_found, overloaded
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

MOST_WATCHED = 500_000
"""So many jobs that flows wait for from outside are kept in memory."""
_BLOCKED = job_pb2.JOB_STATE_BLOCKED
_IGNORE = flow_service_pb2.PARENT_FAILURE_POLICY_IGNORE
_PUSHED = event_service_pb2.EVENT_TYPE_JOB_PUSHED


def store_flow(engine: Engine, commit: Commit, plan: FlowPlan) -> tuple[bytes, list[bytes]]:
    """Fills a commit with a flow; returns its id, and those of its jobs. Raises JOB_NOT_FOUND."""
    return _Storing(engine, commit, plan).run()


class _Storing:
    """One flow on its way into a commit."""

    def __init__(self, engine: Engine, commit: Commit, plan: FlowPlan) -> None:
        self._engine = engine
        self._commit = commit
        self._plan = plan
        self._states = self._outside()
        self._flow_id, *self._ids = engine.ids.take(commit.now_us, len(plan.jobs) + 1)
        self._children: dict[bytes, list[tuple[bytes, int, int]]] = {}

    def run(self) -> tuple[bytes, list[bytes]]:
        plan, commit, flows_h = self._plan, self._commit, self._engine.columns.flows_h
        flow_id, flow_text = self._flow_id, id_text(self._flow_id)
        origin = event_service_pb2.Event(flow_id=flow_text).SerializeToString()
        parents = {edge.node for edges in plan.edges for edge in edges if edge.node >= 0}
        blocked: list[tuple[int, str, bytes]] = []
        for index, (bare, job_id, name) in enumerate(zip(plan.jobs, self._ids, plan.names, strict=True)):
            # Serialised messages one after the other are merged, and this field is the last of a spec.
            whole = job_pb2.JobSpec(origin=job_pb2.JobOrigin(flow_id=flow_text, flow_node=name))
            job = bare._replace(spec=bare.spec + whole.SerializeToString())
            queue = self._engine.queues.ensure(commit, job.queue)
            pending = self._node(index, job_id, name)
            if pending:
                self._place_blocked(job, job_id, pending, origin)
                blocked.append((queue.number, job.name, job_id))
            else:
                place(self._engine, commit, queue, job, job_id, origin)
            member = Member(flow_id, index in parents, OPEN, 0, 0)
            commit.put(records.JOB + job_id, records.pack_member(member), flows_h)
        for number, name, job_id in blocked:
            commit.event(event_service_pb2.EVENT_TYPE_JOB_BLOCKED, _BLOCKED, number, 0, name, job_id, origin)
        flow = flow_service_pb2.Flow(
            id=flow_text, name=plan.name, jobs=len(plan.jobs), create_time=timestamp(commit.now_us)
        )
        commit.put(records.FLOW + flow_id, flow.SerializeToString(), flows_h)
        counts = FlowCounts(len(plan.jobs), 0, 0, 0, 0)
        commit.put(records.COUNTS + flow_id, records.pack_counts(counts), flows_h)
        self._write_edges()
        return flow_id, self._ids

    def _outside(self) -> dict[bytes, int]:
        """The states of parents that are named by id. Raises JOB_NOT_FOUND."""
        named = dict.fromkeys(edge.job_id for edges in self._plan.edges for edge in edges if edge.node < 0)
        states: dict[bytes, int] = {}
        for job_id in named:
            found = find(self._engine, job_id)
            if found is None:
                raise job_not_found(id_text(job_id))
            states[job_id] = found.state
        if len(self._engine.flows.watched) + len(states) > MOST_WATCHED:
            raise overloaded("flows wait for too many jobs that are not theirs: let some finish")
        return states

    def _node(self, index: int, job_id: bytes, name: str) -> int:
        """Stores what a node waits for; returns which of its parents have yet to let it go, as bits."""
        pending = 0
        parents: list[tuple[bytes, int]] = []
        shown = flow_service_pb2.FlowJob(node=name, job_id=id_text(job_id))
        for at, edge in enumerate(self._plan.edges[index]):
            parent = self._ids[edge.node] if edge.node >= 0 else edge.job_id
            policy = edge.policy
            parents.append((parent, policy))
            self._children.setdefault(parent, []).append((job_id, policy, at))
            if edge.node >= 0:
                shown.parents.add(node=self._plan.names[edge.node], on_failure=policy)  # type: ignore[arg-type]
            else:
                shown.parents.add(job_id=id_text(parent), on_failure=policy)  # type: ignore[arg-type]
                state = self._states[parent]
                if state == job_pb2.JOB_STATE_COMPLETED or (state in FINISHED and policy == _IGNORE):
                    continue
            pending |= 1 << at
        node = Node(self._plan.ranks[index], parents, shown.SerializeToString())
        key = records.node_key(self._flow_id, job_id)
        self._commit.put(key, records.pack_node(node), self._engine.columns.flows_h)
        return pending

    def _place_blocked(self, job: Admitted, job_id: bytes, pending: int, origin: bytes) -> None:
        engine, commit = self._engine, self._commit
        queue = engine.queues.expect(job.queue)
        number, now_us = queue.number, commit.now_us
        _, name, priority, flags, run_us, expire_us, spec, group = job
        value = pack_job(flags, number, priority, now_us, run_us, expire_us, name, spec)
        commit.put(job_id, value, engine.columns.job_h)
        commit.put(records.blocked_key(number, job_id), records.pack_pending(pending), engine.columns.blocked_h)
        commit.deltas(queue)[_BLOCKED] += 1
        if flags & GROUP:
            commit.groups.join(queue, job_id, group)
        if flags & TAGS:
            tags.index(engine, commit, spec, [job_id])
        commit.event(_PUSHED, _BLOCKED, number, 0, name, job_id, origin)
        if flags & EXPIRES:
            commit.timer(max(expire_us, now_us), TIMER_EXPIRE, job_id, b"")
        commit.stores(queue, 1, len(spec))

    def _write_edges(self) -> None:
        """Stores the children of each parent, and sees to it that the end of every parent is noticed."""
        commit, flows_h, book = self._commit, self._engine.columns.flows_h, self._engine.flows
        for parent, children in self._children.items():
            for at in range(0, len(children), records.CHUNK):
                key = records.edges_key(parent, self._flow_id, at // records.CHUNK)
                commit.put(key, records.pack_children(children[at : at + records.CHUNK]), flows_h)
        for parent, state in self._states.items():
            if state not in FINISHED:
                commit.put(records.OUTSIDE + parent, b"", flows_h)
                commit.after(lambda parent=parent: book.watched.add(parent))
            elif state != job_pb2.JOB_STATE_COMPLETED:
                # What follows from its end is read from disk, where this commit is not yet.
                work = Work(records.ENDED, state, b"")
                commit.put(records.WORK + parent, records.pack_work(work), flows_h)
                commit.after(lambda parent=parent, work=work: book.noted(parent, work))
