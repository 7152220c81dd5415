"""The index of jobs by tag: an entry for each tag of a job, written with the job and removed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2
from rockqueue_server.contract.admission import TAGS
from rockqueue_server.engine.records import TAGGED, unpack_job
from rockqueue_server.rules import keys

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine


def index(engine: Engine, commit: Commit, spec: bytes, job_ids: list[bytes]) -> None:
    """Enters new jobs that have the tags of `spec`."""
    put, handle = commit.put, engine.columns.tags_h
    for tag in job_pb2.JobSpec.FromString(spec).tags:
        prefix = keys.tag_prefix(tag)
        for job_id in job_ids:
            put(prefix + job_id, b"", handle)


def remove(engine: Engine, commit: Commit, job_id: bytes, spec: bytes) -> None:
    """Takes out a job that goes; its tags never change, so those of its spec are all there are."""
    if "tag_index_leaks" in engine.defects:
        return
    for tag in job_pb2.JobSpec.FromString(spec).tags:
        commit.delete(keys.tag_key(tag, job_id), engine.columns.tags_h)


def done_flag(head_flags: int) -> int:
    """What a finished job notes, so that its spec is read when it goes only if it has tags."""
    return TAGGED if head_flags & TAGS else 0


def remove_by_record(engine: Engine, commit: Commit, job_id: bytes, done_flags: int) -> None:
    """The same for a finished job, by the flags of its record."""
    value = engine.columns.job.get(job_id) if done_flags & TAGGED else None
    if value is not None:
        remove(engine, commit, job_id, unpack_job(value)[1])
