"""What is read from a worker's bytes is what the message would say."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from rockqueue.v1 import job_pb2, work_service_pb2
from rockqueue.v1.work_service_pb2 import Complete, Settlement
from rockqueue_server.contract.work_request import Completion, Settlements, WorkMessage, read_entry

TOKEN = bytes(range(24))


def completed(**fields: object) -> Settlement:
    return Settlement(lease_token=TOKEN, complete=Complete(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 1, 95, 96, 97, 98, 99, 100, 101, 126, 127, 128, 129, 200, 16_000])
@pytest.mark.parametrize("content_type", ["", "application/json"])
def test_completions_are_read_without_a_message(size: int, content_type: str) -> None:
    settlement = completed(result=b"r" * size, result_content_type=content_type)
    entry = read_entry(settlement.SerializeToString())
    assert entry == Completion(TOKEN, b"r" * size, content_type)
    assert isinstance(entry, Completion)
    assert entry.message == settlement


@pytest.mark.parametrize(
    "settlement",
    [
        Settlement(lease_token=TOKEN),
        Settlement(lease_token=b"short", complete=Complete()),
        Settlement(lease_token=TOKEN, release=work_service_pb2.Release()),
        Settlement(lease_token=TOKEN, fail=work_service_pb2.Fail(never=True)),
        completed(follow_ups=[job_pb2.JobSpec(queue="q", name="n")]),
        completed(result_content_type="é"),
        completed(result_content_type="x" * 129),
        completed(result=b"x" * 20_000),
    ],
)
def test_every_other_settlement_is_a_message(settlement: Settlement) -> None:
    assert read_entry(settlement.SerializeToString()) == settlement


@given(st.binary(max_size=200), st.sampled_from(["", "application/json"]), st.data())
def test_whatever_the_bytes_nothing_is_read_that_the_message_does_not_say(
    result: bytes, content_type: str, data: st.DataObject
) -> None:
    raw = bytearray(completed(result=result, result_content_type=content_type).SerializeToString())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        entry = read_entry(bytes(raw))
    except DecodeError:
        return
    if isinstance(entry, Completion):
        assert entry.message == Settlement.FromString(bytes(raw))


def test_a_batch_is_read_with_its_sequence_and_credits() -> None:
    fail = Settlement(lease_token=TOKEN, fail=work_service_pb2.Fail())
    batch = work_service_pb2.Settlements(sequence=7, settlements=[completed(), fail], credits=3)
    message = WorkMessage.of(work_service_pb2.WorkRequest(settlements=batch))
    assert message == WorkMessage("settlements", Settlements(7, [Completion(TOKEN, b"", ""), fail], 3))


@pytest.mark.parametrize(
    "request_",
    [
        work_service_pb2.WorkRequest(open=work_service_pb2.OpenSession(queues=["q"])),
        work_service_pb2.WorkRequest(credits=work_service_pb2.AddCredits(credits=2)),
        work_service_pb2.WorkRequest(heartbeat=work_service_pb2.Heartbeat(sequence=1)),
        work_service_pb2.WorkRequest(reports=work_service_pb2.JobReports()),
        work_service_pb2.WorkRequest(drain=work_service_pb2.Drain()),
        work_service_pb2.WorkRequest(goodbye=work_service_pb2.Goodbye()),
    ],
)
def test_other_messages_are_read_as_they_are(request_: work_service_pb2.WorkRequest) -> None:
    message = WorkMessage.of(request_)
    assert message.kind == request_.WhichOneof("message")
    assert message.body == getattr(request_, message.kind or "")


def test_a_message_without_a_member_says_so() -> None:
    assert WorkMessage.parse(b"") == WorkMessage(None, None)


@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\x05ab", b"\x1a\x03\x12\x01\xff"])
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        WorkMessage.parse(raw)
