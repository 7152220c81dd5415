"""Any flow with any ends of its jobs, against a model of a few lines, with the store closed and opened in between."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from flow_bench import CANCEL, CASCADE, IGNORE, Flow, edge, node, push_flow
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from queue_bench import QueueBench, bench

from rockqueue.v1 import flow_service_pb2 as pb
from rockqueue.v1 import job_service_pb2

POLICIES = (CASCADE, CANCEL, IGNORE)
ENDED = ("COMPLETED", "DEAD", "CANCELLED")
JOBS = 8


@dataclass
class Model:
    """What must be true. `parents[i]` are (number of a job, policy) of job i, all below i."""

    parents: list[list[tuple[int, int]]]
    states: list[str] = field(default_factory=list[str])
    waits_for: list[set[int]] = field(default_factory=list[set[int]])

    def __post_init__(self) -> None:
        self.waits_for = [{parent for parent, _ in edges} for edges in self.parents]
        self.states = ["BLOCKED" if waits else "WAITING" for waits in self.waits_for]

    def end(self, job: int, state: str) -> None:
        """A job ends, and what follows: first for its children, then for theirs."""
        self.states[job] = state
        ended = deque([job])
        while ended:
            job = ended.popleft()
            for child, edges in enumerate(self.parents):
                if self.states[child] != "BLOCKED" or job not in self.waits_for[child]:
                    continue
                policy = dict(edges)[job]
                if self.states[job] == "COMPLETED" or policy == IGNORE:
                    self.waits_for[child].discard(job)
                    if not self.waits_for[child]:
                        self.states[child] = "WAITING"
                else:
                    self.states[child] = "CANCELLED" if policy == CANCEL else "DEAD"
                    ended.append(child)

    def retry(self) -> None:
        """Everything that did not complete begins again."""
        again = [job for job, state in enumerate(self.states) if state in ("DEAD", "CANCELLED")]
        for job in again:
            self.states[job] = "WAITING"
        for job in again:
            self.waits_for[job] = {parent for parent, _ in self.parents[job] if self.states[parent] not in ENDED}
            if self.waits_for[job]:
                self.states[job] = "BLOCKED"
        for job, edges in enumerate(self.parents):
            if self.states[job] == "BLOCKED":
                self.waits_for[job] |= {parent for parent, _ in edges if parent in again}

    @property
    def state(self) -> str:
        """How the flow fares."""
        if any(state not in ENDED for state in self.states):
            return "RUNNING"
        return next((found for kind, found in (("DEAD", "FAILED"), ("CANCELLED", "CANCELLED")) if kind in self.states),
                    "COMPLETED")  # fmt: skip


def edges_of(job: int) -> st.SearchStrategy[dict[int, pb.ParentFailurePolicy]]:
    """What a job may wait for: jobs of lower numbers."""
    parents = st.integers(0, job - 1) if job else st.nothing()
    return st.dictionaries(parents, st.sampled_from(POLICIES), max_size=3 if job else 0)


graphs = st.integers(1, JOBS).flatmap(lambda count: st.tuples(*map(edges_of, range(count))))
actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("complete", "fail", "cancel")), st.integers(0, JOBS - 1)),
        st.tuples(st.sampled_from(("retry", "reopen")), st.just(0)),
    ),
    max_size=12,
)


@pytest.mark.timeout(300)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, actions, st.randoms(use_true_random=False))
@example(({}, {0: CASCADE}, {1: CANCEL, 0: CASCADE}), [("cancel", 0)], Random(0))
def test_any_flow_goes_as_its_model(
    graph: tuple[dict[int, pb.ParentFailurePolicy], ...], wanted: list[tuple[str, int]], chance: object
) -> None:
    # In memory where that can be: what an fsync is worth is proved elsewhere, and many wait for one here.
    fast = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=fast) as directory:
        asyncio.run(_play(Path(directory) / "jobs.db", [list(edges.items()) for edges in graph], wanted, chance))


async def _play(
    path: Path, parents: list[list[tuple[int, int]]], wanted: list[tuple[str, int]], chance: object
) -> None:
    model = Model(parents)
    order = list(range(len(parents)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    nodes = [node(f"n{job}", *(edge(f"n{parent}", policy) for parent, policy in parents[job])) for job in order]
    left = list(wanted)
    flow: Flow | None = None
    while left or flow is None:
        async with bench(path) as opened:
            if flow is None:
                flow = await push_flow(opened, *nodes)
            flow.bench = opened
            while left:
                action, job = left.pop(0)
                if action == "reopen":
                    break
                await _act(opened, flow, model, action, job)
                assert await flow.states() == {f"n{at}": state for at, state in enumerate(model.states)}
                assert await flow.state() == model.state
                for at, waits in enumerate(model.waits_for):
                    shown = (await opened.get(flow.jobs[f"n{at}"])).pending_parents
                    assert shown == (len(waits) if model.states[at] == "BLOCKED" else 0)


async def _act(opened: QueueBench, flow: Flow, model: Model, action: str, job: int) -> None:
    if action == "retry":
        model.retry()
        await flow.retry()
        return
    if job >= len(model.states):
        return
    if action == "cancel" and model.states[job] not in ENDED:
        ids = job_service_pb2.JobIds(ids=[flow.jobs[f"n{job}"]])
        answer = await opened.core.jobs.cancel_jobs(job_service_pb2.CancelJobsRequest(jobs=ids))
        assert answer.affected == 1
        model.end(job, "CANCELLED")
    elif action != "cancel" and model.states[job] == "WAITING":
        await flow.run(f"n{job}", fail=action == "fail")
        model.end(job, "COMPLETED" if action == "complete" else "DEAD")
