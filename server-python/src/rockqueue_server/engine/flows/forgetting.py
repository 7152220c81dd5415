"""Removes all that is known of a flow that was finished long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import flow_service_pb2
from rockqueue_server.engine.flows import records
from rockqueue_server.engine.flows.records import Work
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import parse_id

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine

_ROWS = 100


def forget_nodes(engine: Engine, commit: Commit, flow_id: bytes, work: Work, budget: int) -> tuple[int, Work | None]:
    """Removes nodes of a flow, and with the first the flow; returns what is left of `budget` and of the work."""
    flows, flows_h = engine.columns.flows, engine.columns.flows_h
    commit.delete(records.FLOW + flow_id, flows_h)
    commit.delete(records.COUNTS + flow_id, flows_h)
    lower, upper = records.node_range(flow_id)
    if work.position:
        lower = keys.after(work.position)
    outside: set[bytes] = set()
    while budget > 0:
        rows = flows.scan(lower, upper, _ROWS)
        for key, value in rows:
            job_id = key[records.NODE_ID_AT :]
            commit.delete(key, flows_h)
            commit.delete(records.JOB + job_id, flows_h)
            shown = flow_service_pb2.FlowJob.FromString(records.unpack_node(value).shown)
            outside.update(parent for edge in shown.parents if (parent := parse_id(edge.job_id)) is not None)
            _drop_edges(engine, commit, job_id, flow_id)
            budget -= 1 + len(shown.parents) // 10
        if not rows:
            break
        lower = keys.after(rows[-1][0])
        work = work._replace(position=rows[-1][0])
    for parent in outside:
        _drop_edges(engine, commit, parent, flow_id)
    return budget, None if budget > 0 else work


def _drop_edges(engine: Engine, commit: Commit, parent: bytes, flow_id: bytes) -> None:
    lower = records.EDGES + parent + flow_id
    while rows := engine.columns.flows.scan(lower, records.EDGES + parent + flow_id + b"\xff" * 3, _ROWS):
        for key, _ in rows:
            commit.delete(key, engine.columns.flows_h)
        lower = keys.after(rows[-1][0])
