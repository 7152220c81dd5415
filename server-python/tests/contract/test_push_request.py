"""What is read from bytes is what a message would say, and what is not surely so is left to the message."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.contract.admission import RETRY, TIMEOUT, admit
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.push_request import PushRequest, learn

NOW_US = 1_700_000_000_000_000


def spec(payload: bytes = b"{}", **fields: object) -> job_pb2.JobSpec:
    return job_pb2.JobSpec(**({"queue": "q", "name": "n", "payload": payload} | fields))  # type: ignore[arg-type]


def known(*specs: job_pb2.JobSpec) -> None:
    for one in specs:
        problems = Problems()
        job = admit(one, "jobs", 0, NOW_US, problems)
        problems.check()
        learn(job)


def request(*specs: job_pb2.JobSpec, **fields: object) -> bytes:
    return job_service_pb2.PushJobsRequest(jobs=specs, **fields).SerializeToString()  # type: ignore[arg-type]


def test_jobs_that_were_pushed_before_are_read_without_a_message() -> None:
    known(spec())
    read = PushRequest.parse(request(spec(b"one"), spec(b"two"), request_id="r1", durability=job_pb2.DURABILITY_WAL))
    assert [(run.queue, run.name, run.priority, run.flags, len(run.specs)) for run in read.runs] == [
        ("q", "n", 0, 0, 2)
    ]
    assert (read.request_id, read.durability, read.count) == ("r1", job_pb2.DURABILITY_WAL, 2)


def test_jobs_of_other_kinds_are_runs_of_their_own_in_the_order_of_the_request() -> None:
    policy = job_pb2.RetryPolicy(max_attempts=3)
    known(spec(), spec(queue="other", priority=7), spec(retry=policy, timeout=Duration(seconds=1)))
    read = PushRequest.parse(
        request(spec(b"1"), spec(b"2", queue="other", priority=7), spec(b"3", queue="other", priority=7),
                spec(b"4", retry=policy, timeout=Duration(seconds=1)), spec(b"5"))
    )  # fmt: skip
    assert [(run.queue, run.priority, run.flags, len(run.specs)) for run in read.runs] == [
        ("q", 0, 0, 1), ("other", 7, 0, 2), ("q", 0, RETRY | TIMEOUT, 1), ("q", 0, 0, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 129, 130, 16_383, 16_384, 16_385, 16_387, 1 << 20])
def test_payloads_of_every_length_are_read(size: int) -> None:
    known(spec())
    read = PushRequest.parse(request(spec(), spec(b"x" * size)))
    assert [job_pb2.JobSpec.FromString(one).payload for run in read.runs for one in run.specs] == [b"{}", b"x" * size]


def test_a_payload_over_the_limit_is_left_to_the_message() -> None:
    known(spec())
    assert not PushRequest.parse(request(spec(b"x" * ((1 << 20) + 1)))).runs


@pytest.mark.parametrize(
    "unknown",
    [
        spec(queue="never pushed"),
        spec(name="never-pushed"),
        spec(content_type="text/never"),
        spec(priority=424242),
        spec(delay=Duration(seconds=1)),
        spec(unique=job_pb2.UniqueKey(key="k")),
        spec(ttl=Duration(seconds=1)),
        job_pb2.JobSpec(),
    ],
)
def test_a_job_that_is_not_known_is_left_to_the_message(unknown: job_pb2.JobSpec) -> None:
    known(spec())
    read = PushRequest.parse(request(spec(), unknown))
    assert not read.runs
    assert read.message.jobs[1] == unknown


@pytest.mark.parametrize(
    "rare", [spec(delay=Duration(seconds=1)), spec(ttl=Duration(seconds=1)), spec(unique=job_pb2.UniqueKey(key="k"))]
)
def test_what_depends_on_time_or_other_jobs_is_never_learned(rare: job_pb2.JobSpec) -> None:
    copy = job_pb2.JobSpec.FromString(rare.SerializeToString())
    known(rare)
    assert not PushRequest.parse(request(copy)).runs
    assert not PushRequest.parse(request(rare)).runs


def test_a_request_that_is_no_message_is_refused() -> None:
    with pytest.raises(DecodeError):
        PushRequest.parse(b"\x0a\xff")
    assert not PushRequest.parse(b"").runs


@given(st.data())
def test_whatever_the_bytes_of_a_job_nothing_is_read_that_its_message_does_not_say(data: st.DataObject) -> None:
    """Bytes of a known job are cut, changed and doubled: what is taken from bytes must say the same as a message."""
    known(spec(), spec(content_type="application/json"))
    whole = bytearray(spec(data.draw(st.binary(max_size=200)), content_type="application/json").SerializeToString())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(whole)))
        whole[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    raw = job_service_pb2.PushJobsRequest(jobs=[spec()]).SerializeToString()
    length = len(whole)
    header = bytes((0x12, length)) if length < 128 else bytes((0x12, length & 0x7F | 0x80, length >> 7))
    try:
        read = PushRequest.parse(raw + header + bytes(whole))
    except DecodeError:
        return
    if read.runs:
        said = [
            (run.queue, run.name, run.priority, job_pb2.JobSpec.FromString(one))
            for run in read.runs
            for one in run.specs
        ]
        assert said == [(one.queue, one.name, one.priority, one) for one in read.message.jobs]
