"""Deliveries that are put together as bytes are what protobuf would have made of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockqueue.v1 import job_pb2, work_service_pb2
from rockqueue_server.contract.times import duration, timestamp
from rockqueue_server.engine.queue_state import QueueState
from rockqueue_server.engine.records import JobHead, lease_token
from rockqueue_server.engine.takers import Granted, Lease
from rockqueue_server.rules.ids import id_text
from rockqueue_server.services import deliveries

_COUNT = st.integers(0, 2**31 - 1)


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(1, 2**31 - 1),
    _COUNT,
    _COUNT,
    st.binary(max_size=300),
    st.integers(0, 2**50),
)
def test_bytes_equal_the_message(
    job_id: bytes, attempt: int, failures: int, crashes: int, payload: bytes, create_us: int
) -> None:
    spec = job_pb2.JobSpec(queue="q", name="n", payload=payload, priority=-3)
    lease = Lease(job_id, JobHead(0, 1, -3, create_us, 0, 0, "n"), cast("QueueState", SimpleNamespace()), 0)
    lease.attempt, lease.failures, lease.crashes = attempt, failures, crashes
    lease.lease_us = 30_500_000
    lease.token = lease_token(job_id, attempt, 7)
    expected = work_service_pb2.Delivery(
        job_id=id_text(job_id),
        lease_token=lease.token,
        lease=duration(30_500_000),
        attempt=attempt,
        spec=spec,
        create_time=timestamp(create_us),
        failures=failures,
        crashes=crashes,
    )
    granted = [Granted(lease, spec.SerializeToString())] * 2
    answer = work_service_pb2.WorkResponse.FromString(deliveries.work_response(granted))
    assert list(answer.deliveries.deliveries) == [expected, expected]
    assert list(deliveries.pull_response(granted).deliveries) == [expected, expected]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**63])
def test_varints(value: int) -> None:
    encoded = deliveries.varint(value)
    decoded = sum((byte & 0x7F) << 7 * at for at, byte in enumerate(encoded))
    assert decoded == value
    assert all(byte & 0x80 for byte in encoded[:-1])
    assert not encoded[-1] & 0x80
