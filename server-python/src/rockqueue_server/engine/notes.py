"""Progress and log lines: gathered in memory, written at most once a second for each job."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2, job_service_pb2, work_service_pb2
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine.commit import Commit
from rockqueue_server.engine.takers import Lease

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

WRITE_EVERY_US = 1_000_000
LINES = 1000
LINE_CHARS = 4096
TEXT_BYTES = 65536
MESSAGE_CHARS = 1024
_PER_COMMIT = 200


class Note:
    """What a handler reported since the last write."""

    __slots__ = ("dropped", "line_bytes", "lines", "message", "percent")

    def __init__(self) -> None:
        self.percent: float | None = None
        self.message: str | None = None
        self.lines: deque[job_pb2.LogLine] = deque()
        self.line_bytes = 0
        self.dropped = 0


class NoteBook:
    """Notes of running jobs, and those that were written."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pending: dict[bytes, Lease] = {}

    def report(self, lease: Lease, report: work_service_pb2.JobReport, now_us: int) -> None:
        """Takes a report of the job's current delivery."""
        note = lease.note
        if note is None:
            note = lease.note = Note()
            if not self._pending:
                self._engine.alarms.set(now_us + WRITE_EVERY_US, self._write_pending)
            self._pending[lease.job_id] = lease
        if report.HasField("percent"):
            percent = report.percent
            note.percent = min(max(percent, 0.0), 100.0) if percent == percent else 0.0  # noqa: PLR0124 - NaN
        if report.HasField("message"):
            note.message = report.message[:MESSAGE_CHARS]
        for text in report.log_lines:
            line = job_pb2.LogLine(time=timestamp(now_us), text=text[:LINE_CHARS], attempt=lease.attempt)
            note.lines.append(line)
            note.line_bytes += len(line.text.encode())
            while len(note.lines) > LINES or note.line_bytes > TEXT_BYTES:
                note.line_bytes -= len(note.lines.popleft().text.encode())
                note.dropped += 1

    def write(self, commit: Commit, lease: Lease) -> None:
        """Adds what the job reported to a commit."""
        note, columns = lease.note, self._engine.columns
        if note is None:
            return
        if note.percent is not None or note.message is not None:
            progress = self.progress(lease.job_id) or job_pb2.JobProgress()
            if note.percent is not None:
                progress.percent = note.percent
            if note.message is not None:
                progress.message = note.message
            progress.time.CopyFrom(timestamp(commit.now_us))
            commit.put(lease.job_id + b"p", progress.SerializeToString(), columns.notes_h)
            extra = event_service_pb2.Event(progress=progress).SerializeToString()
            extra = self._engine.origins.told(lease.head, lease.job_id, extra)
            state = job_pb2.JOB_STATE_ACTIVE
            type_ = event_service_pb2.EVENT_TYPE_JOB_PROGRESSED
            commit.event(type_, state, lease.queue.number, lease.attempt, lease.head.name, lease.job_id, extra)
        if note.lines or note.dropped:
            kept = self.logs(lease.job_id)
            kept.lines.extend(note.lines)
            kept.dropped += note.dropped
            _trim(kept)
            commit.put(lease.job_id + b"l", kept.SerializeToString(), columns.notes_h)
        commit.after(lambda: self._written(lease))

    def progress(self, job_id: bytes) -> job_pb2.JobProgress | None:
        """What was last written, or None."""
        value = self._engine.columns.notes.get(job_id + b"p")
        return job_pb2.JobProgress.FromString(value) if value is not None else None

    def logs(self, job_id: bytes) -> job_service_pb2.GetJobLogsResponse:
        """The lines that are kept."""
        value = self._engine.columns.notes.get(job_id + b"l")
        return job_service_pb2.GetJobLogsResponse.FromString(value or b"")

    def has(self, job_id: bytes) -> bool:
        """Whether anything was written for the job."""
        return any(row is not None for row in self._engine.columns.notes.get_many([job_id + b"p", job_id + b"l"]))

    def forget(self, commit: Commit, job_id: bytes) -> None:
        """The job is gone."""
        commit.delete(job_id + b"p", self._engine.columns.notes_h)
        commit.delete(job_id + b"l", self._engine.columns.notes_h)

    def _written(self, lease: Lease) -> None:
        original = self._pending.pop(lease.job_id, None)
        if original is not None:
            original.note = None
            original.noted = True

    def _write_pending(self) -> None:
        """Writes everything gathered, in bounded commits; nothing goes on ringing once it is quiet."""
        engine = self._engine
        now_us = engine.clock.now_us()
        leases = [lease for lease in self._pending.values() if engine.leases.by_job.get(lease.job_id) is lease]
        for at in range(0, len(leases), _PER_COMMIT):
            commit = engine.commit(now_us)
            for lease in leases[at : at + _PER_COMMIT]:
                self.write(commit, lease)
            commit.write()
        self._pending.clear()


def _trim(logs: job_service_pb2.GetJobLogsResponse) -> None:
    """Drops the oldest lines until the rest is within bounds."""
    total = 0
    keep = len(logs.lines)
    for index in range(len(logs.lines) - 1, -1, -1):
        total += len(logs.lines[index].text.encode())
        if total > TEXT_BYTES or len(logs.lines) - index > LINES:
            break
        keep = index
    else:
        keep = 0
    logs.dropped += keep
    del logs.lines[:keep]
