"""`--min-free-mib` keeps room on the disk: beyond it pushes are refused with a reason, and the server goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest

from rockqueue.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc

LIMIT_S = 30


def serve(directory: Path, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """A server, and where it listens."""
    ready = directory.with_suffix(".ready")
    command = [sys.executable, "-m", "rockqueue_server", "serve", str(directory), "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--metrics", "off", "--ready-file", str(ready), *options], stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + LIMIT_S
    while not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    return process, json.loads(ready.read_text())["listen"]


def test_a_disk_with_too_little_room_refuses_pushes_only(tmp_path: Path) -> None:
    process, address = serve(tmp_path / "jobs.db", "--min-free-mib", str(1 << 40))
    try:
        with grpc.insecure_channel(address) as channel:
            jobs = job_service_pb2_grpc.JobServiceStub(channel)
            spec = job_pb2.JobSpec(queue="mail", name="send")
            with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
                jobs.PushJobs(job_service_pb2.PushJobsRequest(jobs=[spec]), timeout=LIMIT_S)
            assert not jobs.ListJobs(job_service_pb2.ListJobsRequest(), timeout=LIMIT_S).jobs
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
