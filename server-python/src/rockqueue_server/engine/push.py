"""Stores jobs: a batch whole or not at all, unique keys checked and taken in the same step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from rockqueue.v1 import event_service_pb2, job_pb2
from rockqueue_server.contract.admission import EXPIRES, GROUP, ORIGIN, TAGS, UNIQUE, Admitted
from rockqueue_server.contract.push_request import Run
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine import lookup, tags, unique
from rockqueue_server.engine.commit import TIMER_EXPIRE, Commit
from rockqueue_server.engine.queue_state import QueueState
from rockqueue_server.engine.records import BACKLOG_BYTES, job_prefix, pack_job, unique_key
from rockqueue_server.errors import ServiceError
from rockqueue_server.rules import keys
from rockqueue_server.rules.ids import id_text

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

_WAITING, _DELAYED = job_pb2.JOB_STATE_WAITING, job_pb2.JOB_STATE_DELAYED
_PUSHED = event_service_pb2.EVENT_TYPE_JOB_PUSHED


def check_room(commit: Commit) -> None:
    """Raises QUEUE_FULL when what a commit stores does not fit into one of its queues."""
    for queue, count in commit.pushed.items():
        most = queue.max_backlog
        if most is not None and queue.backlog + count > most:
            raise _queue_full(queue, "max_backlog_jobs", most, f"{queue.backlog} jobs")
    for queue, size in commit.pushed_bytes.items():
        most = queue.max_backlog_bytes
        if most is not None and size > 0 and queue.backlog_bytes + size > most:
            raise _queue_full(queue, "max_backlog_bytes", most, f"{queue.backlog_bytes} bytes")


def _queue_full(queue: QueueState, setting: str, most: int, holds: str) -> ServiceError:
    return ServiceError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "QUEUE_FULL",
        f"queue {queue.name} holds {holds} of at most {most}: push later, or raise {setting}",
        {"queue": queue.name, "setting": setting, "limit": str(most)},
        retry_after_s=1.0,
    )


def check_conflicts(engine: Engine, commit: Commit, jobs: list[Admitted], specs: list[job_pb2.JobSpec]) -> None:
    """Raises UNIQUE_CONFLICT when a job of the batch must not be there beside one that holds its key."""
    mine: set[tuple[str, bytes]] = set()
    for index, (job, spec) in enumerate(zip(jobs, specs, strict=True)):
        if not job.flags & UNIQUE:
            continue
        queue = engine.queues.get(job.queue)
        number = queue.number if queue is not None else 0
        key = unique_key(number, job.name, spec.unique)
        held = unique.holder(engine, commit, key) if queue is not None else None
        mine_key = (job.queue, key)
        if spec.unique.on_conflict == job_pb2.UNIQUE_CONFLICT_REJECT and (held is not None or mine_key in mine):
            holder_id = id_text(held.job_id) if held is not None else ""
            raise ServiceError(
                grpc.StatusCode.ALREADY_EXISTS,
                "UNIQUE_CONFLICT",
                f"jobs[{index}]: job {holder_id or 'earlier in this batch'} holds the unique key {spec.unique.key!r}",
                {"job_id": holder_id, "index": str(index), "key": spec.unique.key},
            )
        mine.add(mine_key)


def store(
    engine: Engine, commit: Commit, jobs: list[Admitted], specs: list[job_pb2.JobSpec]
) -> list[tuple[bytes, bool, bool]]:
    """Stores jobs that were admitted and checked; returns for each its id, whether it existed, whether it was replaced.

    Unique jobs see what was written before this commit and what this call stores, not what the commit held already.
    """
    ids = engine.ids.take(commit.now_us, len(jobs))
    keyed = _Keyed(engine, commit, jobs, specs) if any(job.flags & UNIQUE for job in jobs) else None
    outcomes: list[tuple[bytes, bool, bool]] = []
    name: str | None = None
    queue: QueueState | None = None
    for index, (job, job_id) in enumerate(zip(jobs, ids, strict=True)):
        if queue is None or job.queue != name:
            name = job.queue
            queue = engine.queues.ensure(commit, name)
        if keyed is not None and job.flags & UNIQUE:
            existing = keyed.meet(index, job_id)
            if existing is not None:
                outcomes.append(existing)
                continue
            place(engine, commit, queue, keyed.merged(index), job_id)
        else:
            place(engine, commit, queue, job, job_id)
        outcomes.append((job_id, False, False))
    return outcomes


def store_runs(engine: Engine, commit: Commit, runs: list[Run], ids: list[bytes]) -> None:
    """Stores jobs that are ready now and hold no key: what most pushes are. The same as `store`, with less ado."""
    at = 0
    for run in runs:
        queue = engine.queues.ensure(commit, run.queue)
        _place_run(engine, commit, queue, run, ids[at : at + len(run.specs)])
        at += len(run.specs)


def _place_run(engine: Engine, commit: Commit, queue: QueueState, run: Run, ids: list[bytes]) -> None:
    now_us, number = commit.now_us, queue.number
    put, job_h = commit.put, engine.columns.job_h
    before = job_prefix(run.flags, number, run.priority, now_us, 0, 0, run.name)
    for job_id, spec in zip(ids, run.specs, strict=True):
        put(job_id, before + spec, job_h)
    if run.flags & TAGS:
        # They differ in their payloads only.
        tags.index(engine, commit, run.specs[0], ids)
    place = keys.ready_prefix(number, run.priority, now_us)
    commit.add_ready_run(queue, [place + job_id for job_id in ids])
    commit.events.add_run(_PUSHED, _WAITING, number, 0, run.name, ids)
    size = sum(map(len, run.specs))
    deltas = commit.deltas(queue)
    deltas[_WAITING] += len(ids)
    deltas[BACKLOG_BYTES] += size
    commit.stores(queue, len(ids), size)


def place(engine: Engine, commit: Commit, queue: QueueState, job: Admitted, job_id: bytes, origin: bytes = b"") -> None:
    """Puts one new job where it belongs. `origin` are the fields of its events that name its origin, if known."""
    now_us, number = commit.now_us, queue.number
    _, name, priority, flags, run_us, expire_us, spec, group = job
    commit.put(job_id, pack_job(flags, number, priority, now_us, run_us, expire_us, name, spec), engine.columns.job_h)
    if flags & GROUP:
        commit.groups.join(queue, job_id, group)
    if flags & ORIGIN and not origin:
        origin = engine.origins.learn(job_id, spec)
    deltas = commit.deltas(queue)
    deltas[BACKLOG_BYTES] += len(spec)
    if run_us:
        commit.add_delayed(queue, run_us, job_id, touched=False)
        deltas[_DELAYED] += 1
        extra = event_service_pb2.Event(ready_time=timestamp(run_us)).SerializeToString()
        commit.event(_PUSHED, _DELAYED, number, 0, name, job_id, extra + origin)
    else:
        commit.add_ready(queue, keys.ready_key(number, priority, now_us, job_id), touched=False)
        deltas[_WAITING] += 1
        commit.event(_PUSHED, _WAITING, number, 0, name, job_id, origin)
    if flags & TAGS:
        tags.index(engine, commit, spec, [job_id])
    if flags & EXPIRES:
        commit.timer(max(expire_us, now_us), TIMER_EXPIRE, job_id, b"")
    commit.stores(queue, 1, len(spec))


class _Keyed:
    """The unique jobs of one batch. When several of them REPLACE the same holder, the last one's fields are kept."""

    def __init__(self, engine: Engine, commit: Commit, jobs: list[Admitted], specs: list[job_pb2.JobSpec]) -> None:
        self._engine = engine
        self._commit = commit
        self._jobs = jobs
        self._specs = specs
        self._keys: dict[int, bytes] = {}
        self._last_replacer: dict[bytes, int] = {}
        self._replaced: set[bytes] = set()
        self._stored_here: set[bytes] = set()
        for index, (job, spec) in enumerate(zip(jobs, specs, strict=True)):
            if job.flags & UNIQUE:
                queue = engine.queues.expect(job.queue)
                key = self._keys[index] = unique_key(queue.number, job.name, spec.unique)
                if spec.unique.on_conflict == job_pb2.UNIQUE_CONFLICT_REPLACE:
                    self._last_replacer[key] = index

    def meet(self, index: int, job_id: bytes) -> tuple[bytes, bool, bool] | None:
        """Takes the key for `job_id`, or says what became of the push because another job holds it."""
        key, spec = self._keys[index], self._specs[index]
        held = unique.holder(self._engine, self._commit, key)
        if held is not None and "unique_check_ignores_delayed" in self._engine.defects:
            holder = lookup.find(self._engine, held.job_id)
            held = None if holder is not None and holder.state == _DELAYED else held
        if held is None:
            unique.take(self._engine, self._commit, key, spec.unique, job_id)
            self._stored_here.add(key)
            return None
        if spec.unique.on_conflict != job_pb2.UNIQUE_CONFLICT_REPLACE:
            return held.job_id, True, False
        if key in self._stored_here or key in self._replaced:
            return held.job_id, False, True
        holder = lookup.find(self._engine, held.job_id)
        if holder is None or holder.state not in (_WAITING, _DELAYED):
            return held.job_id, True, False
        _replace(self._engine, self._commit, holder, self._jobs[self._last_replacer[key]])
        self._replaced.add(key)
        return held.job_id, False, True

    def merged(self, index: int) -> Admitted:
        """The job to store: with the fields of the last one of the batch that replaces it."""
        job = self._jobs[index]
        last = self._last_replacer.get(self._keys[index], index)
        if last <= index:
            return job
        new = self._jobs[last]
        spec = _replaced_spec(job.spec, new.spec).SerializeToString()
        return job._replace(priority=new.priority, run_us=new.run_us, spec=spec)


def _replaced_spec(old: bytes, new: bytes) -> job_pb2.JobSpec:
    """The holder's spec with payload, content type, headers, priority and start time of the new push."""
    spec, push = job_pb2.JobSpec.FromString(old), job_pb2.JobSpec.FromString(new)
    for field in ("payload", "content_type", "headers", "priority", "start"):
        spec.ClearField(field)
    taken = job_pb2.JobSpec(
        payload=push.payload, content_type=push.content_type, headers=push.headers, priority=push.priority
    )
    if push.HasField("run_time"):
        taken.run_time.CopyFrom(push.run_time)
    spec.MergeFrom(taken)
    return spec


def _replace(engine: Engine, commit: Commit, holder: lookup.Found, job: Admitted) -> None:
    """The holder takes over the fields of the new push; it keeps its place if both are to run now."""
    columns, queue, head, job_id = engine.columns, holder.queue, holder.head, holder.job_id
    deltas = commit.deltas(queue)
    touched = holder.touched
    if holder.state == _WAITING:
        commit.remove_ready(queue, holder.ready_key)
    else:
        commit.delete(keys.delayed_key(queue.number, holder.ready_us, job_id), columns.delayed_h)
    deltas[holder.state] -= 1
    state = _DELAYED if job.run_us else _WAITING
    ready_us = job.run_us or (holder.ready_us if holder.state == _WAITING else commit.now_us)
    run_us = 0 if ready_us == head.create_us else ready_us
    spec = _replaced_spec(holder.spec, job.spec).SerializeToString()
    value = pack_job(
        head.flags,
        head.queue,
        job.priority,
        head.create_us,
        run_us,
        head.expire_us,
        head.name,
        spec,
    )
    commit.put(job_id, value, columns.job_h)
    if touched is not None:
        touched.state = state
        touched.ready_time.CopyFrom(timestamp(ready_us))
        commit.put(job_id, touched.SerializeToString(), columns.touched_h)
    deltas[state] += 1
    larger_by = len(spec) - len(holder.spec)
    deltas[BACKLOG_BYTES] += larger_by
    commit.pushed_bytes[queue] = commit.pushed_bytes.get(queue, 0) + larger_by
    extra = b""
    if state == _DELAYED:
        commit.add_delayed(queue, ready_us, job_id, touched=touched is not None)
        extra = event_service_pb2.Event(ready_time=timestamp(ready_us)).SerializeToString()
    else:
        commit.add_ready(
            queue, keys.ready_key(queue.number, job.priority, ready_us, job_id), touched=touched is not None
        )
    attempt = touched.attempt if touched is not None else 0
    extra = engine.origins.told(head, job_id, extra)
    commit.event(event_service_pb2.EVENT_TYPE_JOB_REPLACED, state, queue.number, attempt, head.name, job_id, extra)
