"""`--embedded` says that the workers of the former run are gone: their jobs are ready at once."""

from __future__ import annotations

import signal
from pathlib import Path

import grpc
import pytest
from cli.test_min_free import LIMIT_S, serve

from rockqueue.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc, work_service_pb2, work_service_pb2_grpc


@pytest.mark.parametrize(
    ("options", "state", "crashes"),
    [((), job_pb2.JOB_STATE_ACTIVE, 0), (("--embedded",), job_pb2.JOB_STATE_WAITING, 1)],
)
def test_an_active_job_waits_for_its_worker_unless_that_is_known_to_be_gone(
    tmp_path: Path, options: tuple[str, ...], state: int, crashes: int
) -> None:
    process, address = serve(tmp_path / "jobs.db")
    with grpc.insecure_channel(address) as channel:
        push = job_service_pb2.PushJobsRequest(jobs=[job_pb2.JobSpec(queue="mail", name="send")])
        pushed = job_service_pb2_grpc.JobServiceStub(channel).PushJobs(push, timeout=LIMIT_S)
        pull = work_service_pb2.PullJobsRequest(queues=["mail"], worker="w", max_jobs=1)
        assert work_service_pb2_grpc.WorkServiceStub(channel).PullJobs(pull, timeout=LIMIT_S).deliveries
    process.kill()
    process.wait(LIMIT_S)
    (tmp_path / "jobs.ready").unlink()
    process, address = serve(tmp_path / "jobs.db", *options)
    try:
        with grpc.insecure_channel(address) as channel:
            wanted = job_service_pb2.GetJobRequest(job_id=pushed.jobs[0].job_id)
            job = job_service_pb2_grpc.JobServiceStub(channel).GetJob(wanted, timeout=LIMIT_S).job
            assert (job.state, job.crashes) == (state, crashes)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
