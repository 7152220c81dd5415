import time

from rockqueue.v1 import job_service_pb2
from rockqueue_bench.peers.loads.rockqueue import Pushes, made_at_ns


def test_a_push_carries_payloads_of_the_size_that_was_asked_for_and_the_moment_it_was_made() -> None:
    before = time.monotonic_ns()
    request = job_service_pb2.PushJobsRequest.FromString(Pushes("orders", 3, 100).new())
    payloads = {bytes(job.payload) for job in request.jobs}
    assert len(request.jobs) == 3
    assert {len(payload) for payload in payloads} == {100}
    assert all(before <= made_at_ns(payload) <= time.monotonic_ns() for payload in payloads)
    assert {job.queue for job in request.jobs} == {"orders"}


def test_each_push_has_a_request_id_of_its_own() -> None:
    pushes = Pushes("orders", 1, 100)
    ids = {job_service_pb2.PushJobsRequest.FromString(pushes.new()).request_id for _ in range(10)}
    assert len(ids) == 10
