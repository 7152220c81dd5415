"""A wrong SDK, played on the wire: what a right one says is changed before it is looked at and passed on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from rockqueue.v1.work_service_pb2 import AddCredits, Goodbye, WorkRequest
from rockqueue_conformance.wire.methods import Method

Messages = list[WorkRequest]
OnMessage = Callable[[int, WorkRequest], Messages]


class Distortion:
    """What a defect changes; nothing without one."""

    def __init__(self, defect: str = "") -> None:
        self.defect = defect
        self._on_message: OnMessage | None = ON_MESSAGE.get(defect)

    def request(self, method: Method, request: Message) -> Message:
        """The request of a unary call."""
        named: Any = request
        if "request_id" in request.DESCRIPTOR.fields_by_name:
            if self.defect == "new_request_id_per_attempt":
                named.request_id = uuid.uuid4().hex
            elif self.defect == "one_request_id_for_all":
                named.request_id = "always-the-same"
            elif self.defect == "no_request_id":
                named.request_id = ""
        if self.defect == "durability_left_out" and method.name == "JobService.PushJobs":
            named.durability = 0
        return request

    def deadline(self, deadline_s: float | None) -> float | None:
        """The deadline of a call."""
        return None if self.defect == "no_deadline" else deadline_s

    def metadata(self, metadata: dict[str, str]) -> dict[str, str]:
        """The metadata of a call."""
        if self.defect == "sdk_not_named":
            return {key: value for key, value in metadata.items() if key != "user-agent"}
        return metadata

    def client_message(self, stream: int, message: WorkRequest) -> Messages:
        """What is passed on instead of a worker's message."""
        return [message] if self._on_message is None else self._on_message(stream, message)


def _overdrawn(_: int, message: WorkRequest) -> Messages:
    if message.WhichOneof("message") == "credits":
        message.credits.credits *= 3
    return [message]


def _stalling(_: int, message: WorkRequest) -> Messages:
    # Only the first grant comes as a message of its own; what settlements free is never granted again.
    if message.WhichOneof("message") == "settlements":
        message.settlements.credits = 0
    return [message]


def _dropping(*kinds: str) -> OnMessage:
    def drop(_: int, message: WorkRequest) -> Messages:
        return [] if message.WhichOneof("message") in kinds else [message]

    return drop


def _early_goodbye(_: int, message: WorkRequest) -> Messages:
    if message.WhichOneof("message") == "settlements":
        return [message, WorkRequest(goodbye=Goodbye())]
    return [message]


def _credits_after_drain(_: int, message: WorkRequest) -> Messages:
    if message.WhichOneof("message") == "drain":
        return [message, WorkRequest(credits=AddCredits(credits=1))]
    return [message]


def _settling_twice(_: int, message: WorkRequest) -> Messages:
    if message.WhichOneof("message") != "settlements":
        return [message]
    again = WorkRequest()
    again.CopyFrom(message)
    message.settlements.sequence *= 2
    again.settlements.sequence = message.settlements.sequence + 1
    again.settlements.credits = 0
    return [message, again]


def _on_open(change: Callable[[Any], None]) -> OnMessage:
    def opening(_: int, message: WorkRequest) -> Messages:
        if message.WhichOneof("message") == "open":
            change(message.open)
        return [message]

    return opening


def _on_outcome(change: Callable[[Any], None]) -> OnMessage:
    def settling(_: int, message: WorkRequest) -> Messages:
        if message.WhichOneof("message") == "settlements":
            for settlement in message.settlements.settlements:
                change(settlement)
        return [message]

    return settling


def _forget_held(opening: Any) -> None:
    del opening.held_leases[:]


def _forget_session(opening: Any) -> None:
    opening.session_id = ""
    del opening.held_leases[:]


def _forget_client(opening: Any) -> None:
    opening.client = ""


def _fail_for_release(settlement: Any) -> None:
    if settlement.WhichOneof("outcome") == "release":
        settlement.fail.error.type = "Shutdown"


def _fail_for_cancelled(settlement: Any) -> None:
    if settlement.WhichOneof("outcome") == "cancelled":
        settlement.fail.error.type = "Cancelled"


def _lose_result(settlement: Any) -> None:
    if settlement.WhichOneof("outcome") == "complete":
        settlement.complete.result = b""


def _lose_follow_ups(settlement: Any) -> None:
    if settlement.WhichOneof("outcome") == "complete":
        del settlement.complete.follow_ups[:]


def _lose_retry_hint(settlement: Any) -> None:
    if settlement.WhichOneof("outcome") == "fail":
        settlement.fail.ClearField("retry_delay")
        settlement.fail.ClearField("never")


ON_MESSAGE: dict[str, OnMessage] = {
    "overdrawn_credits": _overdrawn,
    "credits_only_once": _stalling,
    "heartbeats_stopped": _dropping("heartbeat"),
    "drain_not_said": _dropping("drain"),
    "goodbye_not_said": _dropping("goodbye"),
    "reports_lost": _dropping("reports"),
    "goodbye_before_answers": _early_goodbye,
    "credits_after_drain": _credits_after_drain,
    "settled_twice": _settling_twice,
    "held_leases_forgotten": _on_open(_forget_held),
    "session_forgotten": _on_open(_forget_session),
    "sdk_not_named": _on_open(_forget_client),
    "release_counts_as_failure": _on_outcome(_fail_for_release),
    "cancelled_counts_as_failure": _on_outcome(_fail_for_cancelled),
    "result_lost": _on_outcome(_lose_result),
    "follow_ups_lost": _on_outcome(_lose_follow_ups),
    "retry_hint_lost": _on_outcome(_lose_retry_hint),
}
"""What each defect does to a worker's messages."""

DEFECTS = frozenset(ON_MESSAGE) | {
    "new_request_id_per_attempt",
    "one_request_id_for_all",
    "no_request_id",
    "no_deadline",
    "durability_left_out",
}
"""Every defect that the proxy can play."""
