"""Time that jumps and processes that stand still cost no lease that was kept, no job, and no worker."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.engine import clock as engine_clock
from rockqueue_server.engine import engine as engine_module
from rockqueue_torture.environment.clocks.pauses import pause, server_stands_still
from rockqueue_torture.environment.clocks.wall_clock import restart_behind, step_wall_clock
from rockqueue_torture.native import CompilerMissing

# Processes are started here, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(240)

LOOKS = 40
LOOK_EVERY_S = 0.05


async def test_a_server_that_stands_still_for_two_leases_loses_nothing_and_its_worker_works_on(tmp_path: Path) -> None:
    found = await pause(tmp_path, 1, server_stands_still)
    assert found.jobs
    assert found.wrong == []


async def test_a_wall_clock_that_lies_behind_the_records_takes_no_time_back(tmp_path: Path) -> None:
    try:
        found = await step_wall_clock(tmp_path, 2, restart_behind)
    except CompilerMissing as error:
        pytest.skip(str(error))
    assert found.wrong == []
    assert found.late == []


class Jump:
    """A wall clock that can be set ahead, before the one of this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead_ns = 0
        seen = SimpleNamespace(time_ns=lambda: time.time_ns() + self.ahead_ns, monotonic_ns=time.monotonic_ns)
        monkeypatch.setattr(engine_clock, "time", seen)
        monkeypatch.setattr(engine_module, "_LOOK_AT_WALL_US", 100_000)


async def state_after(core: Core, job_id: str) -> int:
    """The state of a job once it is not DELAYED any more, or after 2 s. A look is no operation of the engine."""
    request = job_service_pb2.GetJobRequest(job_id=job_id)
    for _ in range(LOOKS):
        state = (await core.jobs.get_job(request)).job.state
        if state != job_pb2.JOB_STATE_DELAYED:
            return state
        await asyncio.sleep(LOOK_EVERY_S)
    return job_pb2.JOB_STATE_DELAYED


async def test_an_idle_server_does_what_a_jump_of_the_wall_clock_made_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jump = Jump(monkeypatch)
    core = await Core.open(tmp_path / "store", CoreOptions(min_free_bytes=0))
    try:
        spec = job_pb2.JobSpec(queue="mail", name="send", delay=Duration(seconds=3600))
        (pushed,) = (await core.jobs.push_jobs(job_service_pb2.PushJobsRequest(jobs=[spec]))).jobs
        jump.ahead_ns = 7200 * 10**9
        assert await state_after(core, pushed.job_id) == job_pb2.JOB_STATE_WAITING
    finally:
        await core.close()
