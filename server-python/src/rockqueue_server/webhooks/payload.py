"""The body of a request: `{"type": ..., "timestamp": ..., "data": ...}`."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp

from rockqueue.v1 import event_service_pb2

TEST_TYPE = "webhook.test"


def type_name(type_: int) -> str:
    """`EVENT_TYPE_JOB_COMPLETED` -> "job.completed"."""
    name = event_service_pb2.EventType.Name(type_)  # type: ignore[arg-type]
    return name.removeprefix("EVENT_TYPE_").lower().replace("_", ".", 1)


def event_body(event: event_service_pb2.Event) -> bytes:
    """The body that tells of an event; the same bytes at each attempt."""
    return _body(type_name(event.type), event.time, MessageToDict(event, preserving_proto_field_name=True))


def test_body(time: Timestamp) -> bytes:
    """The body of a trial: no event, so no data."""
    return _body(TEST_TYPE, time, {})


def _body(type_: str, time: Timestamp, data: dict[str, Any]) -> bytes:
    body = {"type": type_, "timestamp": time.ToJsonString(), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
