"""Completions of first attempts that need nothing but to be moved: the end of most jobs.

The same as `outcomes.complete` for each, with less ado: what deliveries of a batch have in common is made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import RETENTION, TAGS, UNIQUE
from rockqueue_server.engine import records, tags
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.takers import Batch, Lease

_KEEPS = RETENTION | UNIQUE
_ACTIVE, _COMPLETED = job_pb2.JOB_STATE_ACTIVE, job_pb2.JOB_STATE_COMPLETED
_TOLD = event_service_pb2.EVENT_TYPE_JOB_COMPLETED


class Completions:
    """Completions on their way into a commit. `close` must follow before anything else goes into it."""

    def __init__(self, engine: Engine, commit: Commit) -> None:
        self._engine = engine
        self._commit = commit
        self._long_way = bool(engine.defects or engine.waiters.count)
        self._watched = engine.flows.watched
        self._batch: Batch | None = None
        self._content_type = ""
        self._tagged = 0
        self._retention_us = 0
        self._before = self._key_start = b""
        self._job_ids: list[bytes] = []
        self._done_keys: list[bytes] = []

    def add(self, lease: Lease, result: bytes, content_type: str) -> bool:
        """Completes the job of a lease that is current; returns False, with nothing done, for one that needs more."""
        batch = lease.batch
        if batch is None or lease.head.flags & _KEEPS or lease.noted or lease.note is not None or self._long_way:
            return False
        if self._watched and lease.job_id in self._watched:
            return False
        if batch is not self._batch or content_type != self._content_type or lease.head.flags & TAGS != self._tagged:
            self._begin(batch, lease, content_type)
        if self._retention_us < limits.REQUEST_MEMORY_US:
            return False
        commit, columns, job_id = self._commit, self._engine.columns, lease.job_id
        done_key = self._key_start + job_id
        commit.delete(job_id, columns.active_h)
        commit.put(done_key, self._before + result, columns.done_h)
        if lease.group is not None:
            commit.groups.leave(lease.queue, job_id, lease.group.key)
        self._job_ids.append(job_id)
        self._done_keys.append(done_key)
        return True

    def _begin(self, batch: Batch, lease: Lease, content_type: str) -> None:
        self.close()
        queue, now_us = batch.queue, self._commit.now_us
        self._batch = batch
        self._content_type = content_type
        self._tagged = lease.head.flags & TAGS
        self._retention_us = queue.retention_us[_COMPLETED]
        self._key_start = keys.done_key(queue.number, _COMPLETED, b"")
        flags = tags.done_flag(self._tagged)
        self._before = records.pack_done(
            lease, now_us, now_us + self._retention_us, lease.epoch, 0, flags, content_type, b"", b""
        )

    def close(self) -> None:
        """Accounts for what was added."""
        batch, count = self._batch, len(self._job_ids)
        self._batch = None
        if batch is None or not count:
            return
        commit, queue = self._commit, batch.queue
        commit.purge_at(commit.now_us + self._retention_us, self._done_keys)
        deltas = commit.deltas(queue)
        deltas[_ACTIVE] -= count
        deltas[_COMPLETED] += count
        commit.events.add_run(_TOLD, _COMPLETED, queue.number, 1, batch.name, self._job_ids)
        queue.stats.completed += count
        queue.stats.run_s.observe((commit.now_us - batch.start_us) / 1e6, count)
        self._job_ids, self._done_keys = [], []
