from rockqueue.v1 import job_pb2, job_service_pb2, work_service_pb2
from rockqueue_bench.loads.noop_job import filler_of, noop
from rockqueue_bench.loads.wire import PushRequests, completions, payload_of, spec_of, varint


def test_numbers_are_written_as_protobuf_writes_them() -> None:
    for number in (0, 1, 127, 128, 300, 2**21, 2**40):
        expected = work_service_pb2.Heartbeat(sequence=number).SerializeToString()
        assert (b"\x08" + varint(number) if number else b"") == expected


def test_a_push_request_that_was_joined_is_the_message_and_its_id_is_fresh() -> None:
    requests = PushRequests(3, spec_of(100))
    first, second = (job_service_pb2.PushJobsRequest.FromString(requests.new()) for _ in range(2))
    assert len(first.request_id) == 32
    assert first.request_id != second.request_id
    assert list(first.jobs) == [spec_of(100)] * 3
    assert first.durability == job_pb2.DURABILITY_FSYNC


def test_completions_that_were_joined_are_the_message() -> None:
    tokens = [b"a" * 24, b"b" * 64]
    expected = work_service_pb2.WorkRequest(
        settlements=work_service_pb2.Settlements(
            sequence=300,
            credits=1000,
            settlements=[
                work_service_pb2.Settlement(lease_token=token, complete=work_service_pb2.Complete()) for token in tokens
            ],
        )
    )
    assert work_service_pb2.WorkRequest.FromString(completions(300, tokens, 1000)) == expected
    assert work_service_pb2.WorkRequest.FromString(completions(1, tokens, 0)).settlements.credits == 0


def test_payloads_have_the_size_that_was_asked_for_from_both_kinds_of_client() -> None:
    assert len(payload_of(100)) == 100
    assert noop.new(filler=filler_of(100)).payload == {"filler": "x" * 87}
