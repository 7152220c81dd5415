"""What a worker still has to say: settlements until they are answered, and reports put together by job. Without I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from rockqueue.v1.job_service_pb2 import EntryStatus
from rockqueue.v1.work_service_pb2 import JobReport, JobReports, Settlement, SettlementResults, Settlements, WorkRequest

BATCH_ENTRIES = 1_000
BATCH_BYTES = 4 * 1024 * 1024
# Around each entry of a batch: field number and length.
ENTRY_OVERHEAD_BYTES = 8
LOG_LINES = 1_000
LOG_CHARACTERS = 64 * 1024


class Outbox:
    """Settlements are kept over streams and sent again until the server has answered them; reports are sent once."""

    def __init__(self) -> None:
        self._waiting: deque[Settlement] = deque()
        self._unanswered: dict[int, list[Settlement]] = {}
        self._reports: dict[bytes, JobReport] = {}
        self._sequence = 0

    def add(self, settlement: Settlement) -> None:
        """An outcome to send."""
        self._waiting.append(settlement)

    def report(self, report: JobReport) -> None:
        """Progress and log lines to send; what a job reports until then is put together."""
        known = self._reports.get(report.lease_token)
        if known is None:
            self._reports[report.lease_token] = report
            return
        if report.HasField("percent"):
            known.percent = report.percent
        if report.HasField("message"):
            known.message = report.message
        if report.log_lines:
            known.log_lines.extend(report.log_lines)
            _keep_last(known)

    @property
    def idle(self) -> bool:
        """True when every settlement has its answer."""
        return not self._waiting and not self._unanswered

    @property
    def has_settlements(self) -> bool:
        """True when there are settlements to send."""
        return bool(self._waiting)

    @property
    def open_settlements(self) -> int:
        """Settlements without an answer."""
        return len(self._waiting) + sum(len(batch) for batch in self._unanswered.values())

    def tokens(self) -> Iterator[bytes]:
        """The leases of all settlements without an answer."""
        for batch in self._unanswered.values():
            yield from (one.lease_token for one in batch)
        yield from (one.lease_token for one in self._waiting)

    def stream_ended(self) -> None:
        """What was not answered on the old stream is sent again on the next, first and in order."""
        again = [one for batch in self._unanswered.values() for one in batch]
        self._unanswered.clear()
        self._waiting.extendleft(reversed(again))

    def drop(self, lost: frozenset[bytes]) -> int:
        """Forgets outcomes whose leases are lost; returns how many there were."""
        kept = [one for one in self._waiting if one.lease_token not in lost]
        dropped = len(self._waiting) - len(kept)
        self._waiting = deque(kept)
        return dropped

    def take_reports(self) -> Iterator[WorkRequest]:
        """All reports, in messages within the limits."""
        reports, self._reports = list(self._reports.values()), {}
        batch: list[JobReport] = []
        size = 0
        for report in reports:
            weight = report.ByteSize() + ENTRY_OVERHEAD_BYTES
            if batch and (len(batch) >= BATCH_ENTRIES or size + weight > BATCH_BYTES):
                yield WorkRequest(reports=JobReports(reports=batch))
                batch, size = [], 0
            batch.append(report)
            size += weight
        if batch:
            yield WorkRequest(reports=JobReports(reports=batch))

    def take_batch(self) -> WorkRequest:
        """The next batch of settlements within the limits."""
        batch: list[Settlement] = []
        size = 0
        while self._waiting and len(batch) < BATCH_ENTRIES:
            weight = self._waiting[0].ByteSize() + ENTRY_OVERHEAD_BYTES
            if batch and size + weight > BATCH_BYTES:
                break
            size += weight
            batch.append(self._waiting.popleft())
        self._sequence += 1
        self._unanswered[self._sequence] = batch
        return WorkRequest(settlements=Settlements(sequence=self._sequence, settlements=batch))

    def answered(self, results: SettlementResults) -> list[tuple[Settlement, EntryStatus]]:
        """Takes the answer to a batch; returns what was not carried out."""
        batch = self._unanswered.pop(results.sequence, [])
        return [(batch[one.index], one.status) for one in results.failures if 0 <= one.index < len(batch)]


def _keep_last(report: JobReport) -> None:
    # The server keeps no more than this of a job's log either.
    lines = report.log_lines
    characters = 0
    for index in range(len(lines) - 1, -1, -1):
        characters += len(lines[index])
        if characters > LOG_CHARACTERS or len(lines) - index > LOG_LINES:
            del lines[: index + 1]
            return
