"""What one commit does to flows: jobs that end, and what follows for those that wait for them.

Ends are noted while the commit is filled. When it is about to be written, they are followed: children are released or
given up, whose ends are followed in turn, up to a bound; the rest goes on in later commits. Records that are changed
more than once in a commit are kept here until then, since the store shows only what was written before.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, flow_service_pb2, job_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import FLOW
from rockqueue_server.engine.commit import TIMER_FLOW
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.flows.children import Child, children_of, give_up, place_again, release
from rockqueue_server.engine.flows.forgetting import forget_nodes
from rockqueue_server.engine.flows.records import OPEN, FlowCounts, Member, Work
from rockqueue_server.engine.lookup import FINISHED, Found, find
from rockqueue_server.feed.records import NO_JOB
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.engine.records import JobHead

STEP = 300
"""So many jobs are looked at in one commit, which takes some 30 ms, give or take a chunk of children."""
KEPT_US = 7 * limits.DAY_US
"""For so long a finished flow is remembered."""
_ROWS = 3
_GONE = -1
_COMPLETED, _DEAD, _CANCELLED = job_pb2.JOB_STATE_COMPLETED, job_pb2.JOB_STATE_DEAD, job_pb2.JOB_STATE_CANCELLED
_IGNORE = flow_service_pb2.PARENT_FAILURE_POLICY_IGNORE
_CANCEL = flow_service_pb2.PARENT_FAILURE_POLICY_CANCEL


class FlowChanges:
    """The changes of one commit."""

    def __init__(self, engine: Engine, commit: Commit) -> None:
        self._engine = engine
        self._commit = commit
        self._following: deque[tuple[bytes, Work]] = deque()
        self._work: dict[bytes, Work | None] = {}
        self._members: dict[bytes, Member] = {}
        self._counts: dict[bytes, tuple[FlowCounts, FlowCounts]] = {}
        """By flow: as they were, as they are."""
        self._pending: dict[bytes, tuple[int, int]] = {}
        """By blocked job: number of its queue, parents that have not ended; _GONE when it is not blocked any more."""
        self._put_back: list[tuple[Found, QueueState, job_pb2.Job]] = []
        self._reopened: set[bytes] = set()
        self._budget = STEP
        self._is_late = False

    def ended(self, job_id: bytes, head: JobHead, state: int, queue: int, purge_us: int) -> bool:
        """A job is finished in `state`, or was deleted: then `state` is CANCELLED.

        Returns whether it is kept until its flow is finished.
        """
        member = self._member(job_id) if head.flags & FLOW else None
        if member is not None and member.outcome == OPEN:
            self._account(job_id, member._replace(outcome=state, queue=queue, purge_us=purge_us))
        watched = self._engine.flows.watched
        if job_id in watched:
            self._commit.delete(records.OUTSIDE + job_id, self._engine.columns.flows_h)
            self._commit.after(lambda: watched.discard(job_id))
        elif member is None or not member.parent:
            return member is not None
        self.follow(job_id, Work(records.ENDED, state, b""))
        return member is not None

    def unblocked(self, job_id: bytes) -> None:
        """A blocked job was taken out: cancelled, deleted or expired."""
        self._pending[job_id] = (0, _GONE)

    def put_back(self, found: Found, queue: QueueState, record: job_pb2.Job) -> None:
        """A finished job of a flow begins again; where it waits shows when all of the commit is known."""
        member = self._member(found.job_id)
        if member is not None:
            self._account(found.job_id, member._replace(outcome=OPEN, queue=0, purge_us=0))
        self._put_back.append((found, queue, record))
        self.reopened(found.job_id)

    def reopened(self, job_id: bytes) -> None:
        """A finished job begins again: those that are still blocked wait for it once more."""
        self._reopened.add(job_id)
        columns = self._engine.columns
        if not columns.flows.scan(*records.edges_range(job_id), 1):
            return
        self.follow(job_id, Work(records.REOPENED, 0, b""))
        member = self._member(job_id)
        if member is None or not member.parent:
            self._commit.put(records.OUTSIDE + job_id, b"", columns.flows_h)
            self._commit.after(lambda: self._engine.flows.watched.add(job_id))

    def follow(self, key: bytes, work: Work) -> None:
        """Something has to follow from a job or a flow. What had to follow from it before does not matter any more."""
        self._following.append((key, work))

    def close(self) -> None:
        """Fills the commit with what follows, and with what has to be done later."""
        for found, queue, record in self._put_back:
            self._place(found, queue, record)
        if "flow_cascade_not_atomic" in self._engine.defects:
            self._put_off()
        self._follow_all()
        self._close_flows()
        self._follow_all()
        for key, work in self._following:
            self._work[key] = work
        commit, flows_h = self._commit, self._engine.columns.flows_h
        for job_id, member in self._members.items():
            commit.put(records.JOB + job_id, records.pack_member(member), flows_h)
        for job_id, (queue, pending) in self._pending.items():
            if pending != _GONE:
                key = records.blocked_key(queue, job_id)
                commit.put(key, records.pack_pending(pending), self._engine.columns.blocked_h)
        for key, work in self._work.items():
            self._write_work(key, work)

    def _put_off(self) -> None:
        """A seeded defect: what follows from the end of a job comes later, and is in memory only until then."""
        late = [(key, work) for key, work in self._following if work.kind == records.ENDED]
        if self._is_late or not late:
            return
        self._following = deque(entry for entry in self._following if entry not in late)
        engine, due_us = self._engine, self._commit.now_us + 1_000_000

        def follow() -> None:
            commit = engine.commit(engine.clock.now_us())
            changes = engine.flows.changes(commit)
            changes._is_late = True  # noqa: SLF001 - of the same class
            changes._following.extend(late)  # noqa: SLF001
            commit.write()

        self._commit.after(lambda: engine.alarms.set(due_us, follow))

    def _write_work(self, key: bytes, work: Work | None) -> None:
        book, flows_h = self._engine.flows, self._engine.columns.flows_h
        if work is None:
            if key not in book.pending:
                return
            self._commit.delete(records.WORK + key, flows_h)
        else:
            self._commit.put(records.WORK + key, records.pack_work(work), flows_h)
        self._commit.after(lambda: book.noted(key, work))

    def _close_flows(self) -> None:
        """Flows whose last job has ended are finished; those that have a job again are not."""
        commit, engine = self._commit, self._engine
        for flow_id, (before, after) in self._counts.items():
            counts = after
            if not counts.running and not before.finish_us:
                counts = counts._replace(finish_us=commit.now_us)
                event = event_service_pb2.Event(flow_id=id_text(flow_id), flow_state=counts.state)  # type: ignore[arg-type]
                type_ = event_service_pb2.EVENT_TYPE_FLOW_FINISHED
                commit.event(type_, 0, 0, 0, "", NO_JOB, event.SerializeToString())
                commit.timer(commit.now_us + KEPT_US, TIMER_FLOW, flow_id, b"")
                self.follow(flow_id, Work(records.ARM, 0, b""))
                state = counts.state
                commit.after(lambda state=state: engine.stats.flow_finished(state))
            elif counts.running:
                counts = counts._replace(finish_us=0)
            commit.put(records.COUNTS + flow_id, records.pack_counts(counts), engine.columns.flows_h)

    def _follow_all(self) -> None:
        while self._following and self._budget > 0:
            key, work = self._following.popleft()
            if work.kind in (records.ENDED, records.REOPENED):
                self._work[key] = self._follow_edges(key, work)
            elif work.kind == records.ARM:
                self._work[key] = self._arm(key, work)
            else:
                self._budget, self._work[key] = forget_nodes(self._engine, self._commit, key, work, self._budget)

    def _follow_edges(self, parent: bytes, work: Work) -> Work | None:
        """Goes through the children of a job; returns what is left."""
        lower, upper = records.edges_range(parent)
        if work.position:
            lower = keys.after(work.position)
        while self._budget > 0:
            rows = self._engine.columns.flows.scan(lower, upper, _ROWS)
            for key, value in rows:
                self._tell_children(work, value)
                lower = keys.after(key)
            if len(rows) < _ROWS:
                return None
            work = work._replace(position=rows[-1][0])
        return work

    def _tell_children(self, work: Work, value: bytes) -> None:
        edges = [edge for edge in records.unpack_children(value) if self._pending.get(edge[0], (0, 0))[1] != _GONE]
        for child, policy, index, stored in children_of(self._engine, edges):
            self._budget -= child.cost
            _, pending = self._pending.get(child.job_id, (0, stored))
            if pending is None:
                continue
            bit = 1 << index
            if work.kind == records.REOPENED:
                self._pending[child.job_id] = (child.queue.number, pending | bit)
            elif pending & bit:
                self._parent_ended(child, policy, work.outcome, pending & ~bit)

    def _parent_ended(self, child: Child, policy: int, outcome: int, pending: int) -> None:
        """One of the parents of a blocked job has ended; `pending` are those that have not."""
        engine, commit = self._engine, self._commit
        if outcome == _COMPLETED or policy == _IGNORE:
            if pending and "flow_child_released_early" not in engine.defects:
                self._pending[child.job_id] = (child.queue.number, pending)
                return
            self._pending[child.job_id] = (0, _GONE)
            release(engine, commit, child)
        else:
            self._pending[child.job_id] = (0, _GONE)
            give_up(engine, commit, child, _CANCELLED if policy == _CANCEL else _DEAD)

    def _place(self, found: Found, queue: QueueState, record: job_pb2.Job) -> None:
        """Puts a job back: among those that wait, or that are blocked while a parent has not ended."""
        pending = self._unfinished(found.job_id)
        if pending:
            self._pending[found.job_id] = (queue.number, pending)
        place_again(self._engine, self._commit, found, queue, record, blocked=pending > 0)

    def _unfinished(self, job_id: bytes) -> int:
        """The parents of a job that have not ended, as bits. One that ended holds up nobody, whatever its end was."""
        member = self._member(job_id)
        if member is None:
            return 0
        value = self._engine.columns.flows.get(records.node_key(member.flow_id, job_id))
        pending = 0
        for index, (parent, _) in enumerate(records.unpack_node(value).parents if value is not None else ()):
            if self._is_open(parent):
                pending |= 1 << index
        return pending

    def _is_open(self, job_id: bytes) -> bool:
        if job_id in self._reopened:
            return True
        member = self._member(job_id)
        if member is not None:
            return member.outcome == OPEN
        found = find(self._engine, job_id)
        return found is not None and found.state not in FINISHED

    def _arm(self, flow_id: bytes, work: Work) -> Work | None:
        """Jobs of a finished flow are forgotten as their retention says; returns what is left."""
        counts = self._counts_of(flow_id)
        lower, upper = records.node_range(flow_id)
        if work.position:
            lower = keys.after(work.position)
        while self._budget > 0 and counts is not None and not counts.running:
            rows = self._engine.columns.flows.scan(lower, upper, min(100, self._budget))
            self._budget -= len(rows)
            for key, _ in rows:
                job_id = key[records.NODE_ID_AT :]
                member = self._member(job_id)
                if member is not None and member.purge_us:
                    done_key = keys.done_key(member.queue, member.outcome, job_id)
                    self._commit.purge_at(max(member.purge_us, self._commit.now_us), [done_key])
            if not rows:
                return None
            lower = keys.after(rows[-1][0])
            work = work._replace(position=rows[-1][0])
        return work if counts is not None and not counts.running else None

    def _member(self, job_id: bytes) -> Member | None:
        """A job's place in its flow as this commit leaves it; None for one without, or whose flow is forgotten."""
        member = self._members.get(job_id)
        if member is None:
            value = self._engine.columns.flows.get(records.JOB + job_id)
            member = records.unpack_member(value) if value is not None else None
        return member if member is not None and self._counts_of(member.flow_id) is not None else None

    def _counts_of(self, flow_id: bytes) -> FlowCounts | None:
        known = self._counts.get(flow_id)
        return known[1] if known is not None else self._engine.flows.counts(flow_id)

    def _account(self, job_id: bytes, member: Member) -> None:
        """A job of a flow ends, or begins again."""
        before = self._member(job_id)
        counts = self._counts_of(member.flow_id)
        if before is None or counts is None or before.outcome == member.outcome:
            return
        first = self._counts.get(member.flow_id, (counts, counts))[0]
        self._members[job_id] = member
        self._counts[member.flow_id] = (first, _moved(_moved(counts, before.outcome, -1), member.outcome, 1))


def _moved(counts: FlowCounts, outcome: int, by: int) -> FlowCounts:
    if outcome == _COMPLETED:
        return counts._replace(completed=counts.completed + by)
    if outcome == _DEAD:
        return counts._replace(dead=counts.dead + by)
    return counts._replace(cancelled=counts.cancelled + by) if outcome == _CANCELLED else counts
