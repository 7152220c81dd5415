"""What must hold of an SDK on the wire in every case, whatever the case itself expects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from rockqueue.v1.work_service_pb2 import CANCEL_CAUSE_REQUESTED, OpenSession, Settlements, WorkRequest, WorkResponse
from rockqueue_conformance.sdk.proxy.records import CallRecord

STREAMS = frozenset({"Work", "WatchEvents"})
LONGEST_REQUEST_ID = 64
BATCH_ENTRIES = 1_000
BATCH_BYTES = 4 << 20


@dataclass(slots=True)
class _Book:
    """What was said on one stream."""

    worker: str
    credits: int = 0
    sequence: int = 0
    heartbeat: int = 0
    unanswered: dict[int, list[bytes]] = field(default_factory=dict[int, list[bytes]])
    settled: set[bytes] = field(default_factory=set[bytes])
    drained: bool = False
    goodbye: bool = False


class WireJudge:
    """Watches calls and messages go by: deadlines, request ids, credits, settlements, the order of an end."""

    def __init__(self) -> None:
        self.flaws: list[str] = []
        self.windows: dict[str, int] = {}
        """How many deliveries each worker may ask for, by its name."""
        self._requests: dict[str, bytes] = {}
        self._books: dict[int, _Book] = {}
        self._unsettled: dict[str, set[bytes]] = {}
        self._delivered: dict[str, set[bytes]] = {}

    def _flaw(self, text: str) -> None:
        if text not in self.flaws:
            self.flaws.append(text)

    # ---- calls ----------------------------------------------------------------------------------------------------

    def call(self, record: CallRecord) -> None:
        """One attempt of a call."""
        if record.method in STREAMS:
            return
        if record.deadline_s is None and not record.on_stream:
            self._flaw(f"{record.method} was called without a deadline")
        request: Any = record.request
        if request is None or "request_id" not in request.DESCRIPTOR.fields_by_name:
            return
        number: str = request.request_id
        if not 1 <= len(number) <= LONGEST_REQUEST_ID:
            self._flaw(f"{record.method} was called with the request id {number!r}")
            return
        self._same_request(record.method, number, request)

    def _same_request(self, method: str, number: str, request: Message) -> None:
        content = method.encode() + request.SerializeToString(deterministic=True)
        if self._requests.setdefault(number, content) != content:
            self._flaw(f"{method}: the request id {number} stands for two different requests")

    # ---- the worker's side ----------------------------------------------------------------------------------------

    def client_message(self, stream: int, worker: str, message: WorkRequest) -> None:
        """One message of a worker."""
        kind = message.WhichOneof("message")
        book = self._book(stream, worker, kind)
        match kind:
            case "open":
                self._open(worker, message.open)
            case "credits":
                self._granted(book, message.credits.credits)
            case "settlements":
                self._settlements(book, message.settlements)
            case "heartbeat":
                self._heartbeat(book, message.heartbeat.sequence)
            case "drain" | "goodbye":
                self._leaving(book, kind)
            case _:
                pass

    def _book(self, stream: int, worker: str, kind: str | None) -> _Book:
        """The stream's book, begun with `open` and not used after goodbye."""
        book = self._books.get(stream)
        if book is None:
            book = self._books[stream] = _Book(worker)
            if kind != "open":
                self._flaw(f"{worker}: the first message on a stream is {kind}, not open")
        elif kind == "open":
            self._flaw(f"{worker}: open came twice on a stream")
        if book.goodbye:
            self._flaw(f"{worker}: {kind} came after goodbye")
        return book

    def _heartbeat(self, book: _Book, sequence: int) -> None:
        if sequence <= book.heartbeat:
            self._flaw(f"{book.worker}: heartbeat {sequence} came after {book.heartbeat}")
        book.heartbeat = sequence

    def _leaving(self, book: _Book, kind: str) -> None:
        if kind == "drain":
            book.drained = True
            book.credits = 0
            return
        book.goodbye = True
        if book.unanswered:
            self._flaw(f"{book.worker}: goodbye came before settlements were answered")

    def _open(self, worker: str, opening: OpenSession) -> None:
        if not opening.client:
            self._flaw(f"{worker}: the session was opened without the name of the SDK")
        if opening.held_leases and not opening.session_id:
            self._flaw(f"{worker}: held leases were named without a session")
        held = set(opening.held_leases)
        kept = self._unsettled.get(worker, set())
        self._unsettled[worker] = kept & held
        if held - self._delivered.get(worker, set()):
            self._flaw(f"{worker}: leases are named as held that were never delivered")

    def _granted(self, book: _Book, number: int) -> None:
        if number < 1:
            self._flaw(f"{book.worker}: {number} credits were granted")
        if book.drained:
            self._flaw(f"{book.worker}: credits were granted after drain")
        book.credits += number
        window = self.windows.get(book.worker)
        held = book.credits + len(self._unsettled.get(book.worker, ()))
        if window is not None and held > window:
            self._flaw(f"{book.worker}: it holds {held} credits and deliveries, its window is {window}")

    def _settlements(self, book: _Book, batch: Settlements) -> None:
        worker = book.worker
        if batch.sequence <= book.sequence:
            self._flaw(f"{worker}: settlements {batch.sequence} came after {book.sequence}")
        book.sequence = max(book.sequence, batch.sequence)
        if not 1 <= len(batch.settlements) <= BATCH_ENTRIES or batch.ByteSize() > BATCH_BYTES + 1024:
            self._flaw(f"{worker}: a batch of {len(batch.settlements)} settlements, {batch.ByteSize()} bytes")
        tokens = [one.lease_token for one in batch.settlements]
        for token in tokens:
            if token in book.settled:
                self._flaw(f"{worker}: a lease was settled twice on one stream")
            if token not in self._delivered.get(worker, ()):
                self._flaw(f"{worker}: a lease was settled that was never delivered")
            book.settled.add(token)
            self._unsettled.get(worker, set[bytes]()).discard(token)
        book.unanswered[batch.sequence] = tokens
        if batch.credits:
            self._granted(book, batch.credits)

    # ---- the server's side ----------------------------------------------------------------------------------------

    def server_message(self, stream: int, message: WorkResponse) -> None:
        """One message that the worker was given."""
        book = self._books.get(stream)
        if book is None:
            return
        unsettled = self._unsettled.setdefault(book.worker, set())
        kind = message.WhichOneof("message")
        if kind == "deliveries":
            tokens = {one.lease_token for one in message.deliveries.deliveries}
            book.credits = max(0, book.credits - len(tokens))
            unsettled |= tokens
            self._delivered.setdefault(book.worker, set()).update(tokens)
        elif kind == "settled":
            asked = book.unanswered.pop(message.settled.sequence, [])
            for failure in message.settled.failures:
                if failure.status.reason != "LEASE_LOST" and failure.index < len(asked):
                    book.settled.discard(asked[failure.index])
        elif kind == "cancels":
            unsettled -= {one.lease_token for one in message.cancels.cancels if one.cause != CANCEL_CAUSE_REQUESTED}
        elif kind == "opened":
            unsettled -= set(message.opened.lost_leases)
            if not message.opened.resumed:
                unsettled.clear()

    def ended(self, stream: int) -> None:
        """The stream is over; its credits are gone."""
        book = self._books.get(stream)
        if book is not None:
            book.credits = 0
