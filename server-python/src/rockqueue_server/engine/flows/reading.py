"""Shows flows, their jobs, and the parents of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import flow_service_pb2
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.flows.records import FlowCounts, Node
from rockqueue_server.engine.lookup import Found, find
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine


def read_flow(engine: Engine, flow_id: bytes) -> flow_service_pb2.Flow | None:
    """The flow as callers see it."""
    value = engine.columns.flows.get(records.FLOW + flow_id)
    counts = engine.flows.counts(flow_id)
    return None if value is None or counts is None else show_flow(value, counts)


def show_flow(value: bytes, counts: FlowCounts) -> flow_service_pb2.Flow:
    """The flow as callers see it, of its two records."""
    flow = flow_service_pb2.Flow.FromString(value)
    flow.state = counts.state  # type: ignore[assignment]
    flow.completed, flow.dead, flow.cancelled = counts.completed, counts.dead, counts.cancelled
    if counts.finish_us:
        flow.finish_time.CopyFrom(timestamp(counts.finish_us))
    return flow


def show_node(engine: Engine, key: bytes, value: bytes) -> flow_service_pb2.FlowJob:
    """A job of a flow as callers see it, of its node."""
    shown = flow_service_pb2.FlowJob.FromString(records.unpack_node(value).shown)
    found = find(engine, key[records.NODE_ID_AT :])
    if found is not None:
        shown.state = found.state  # type: ignore[assignment]
        if found.done is not None:
            shown.dead_reason = found.done.dead_reason  # type: ignore[assignment]
    return shown


def node_of(engine: Engine, job_id: bytes) -> Node | None:
    """A job's place in the graph of its flow; None for one that is in none."""
    flows = engine.columns.flows
    value = flows.get(records.JOB + job_id)
    if value is None:
        return None
    value = flows.get(records.node_key(records.unpack_member(value).flow_id, job_id))
    return None if value is None else records.unpack_node(value)


def show_parent(
    engine: Engine, node: Node, names: list[flow_service_pb2.FlowEdge], index: int
) -> flow_service_pb2.ParentJob:
    """A parent of a job, with its result."""
    job_id = node.parents[index][0]
    parent = flow_service_pb2.ParentJob(node=names[index].node, job_id=id_text(job_id))
    found = find(engine, job_id)
    if found is not None:
        parent.state = found.state  # type: ignore[assignment]
        if found.done is not None and "flow_parent_result_lost" not in engine.defects:
            parent.result = found.done.result
            parent.result_content_type = found.done.content_type
    return parent


def unfinished_parents(engine: Engine, found: Found, most: int) -> list[bytes]:
    """The first `most` parents that a BLOCKED job still waits for, in the order in which it named them."""
    node = node_of(engine, found.job_id)
    if node is None:
        return []
    value = engine.columns.blocked.get(records.blocked_key(found.queue.number, found.job_id))
    pending = records.unpack_pending(value or b"")
    parents = [parent for index, (parent, _) in enumerate(node.parents) if pending >> index & 1]
    return parents[:most]
