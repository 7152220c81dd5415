"""Load `floor`: what pushes write, through RocksDB alone. No server can push faster than this.

The same keys and values as the server writes for batches of jobs, in the same columns with the same options; one write
for each batch, one fsync in a thread for each group of batches. Nothing is received, parsed, decided or answered.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rockqueue.v1 import event_service_pb2, job_pb2, job_service_pb2
from rockqueue_bench.loads.link import Link, samples_of
from rockqueue_bench.loads.wire import NAME, spec_of
from rockqueue_server.contract.limits import REQUEST_MEMORY_US
from rockqueue_server.engine import dedup
from rockqueue_server.engine.columns import Columns
from rockqueue_server.engine.commit import TIMER_FORGET, counts_key
from rockqueue_server.engine.records import pack_counts, pack_job
from rockqueue_server.feed.records import EventRecorder, event_key
from rockqueue_server.rules.ids import JobIds, id_text
from rockqueue_server.rules.keys import ready_key, timer_key
from rockqueue_server.store.opening import COMMIT_KEY, COMMIT_VALUE
from rockqueue_server.store.rocks import RocksStore

Put = tuple[bytes, bytes, object]
GROUPS_MADE_AT_ONCE = 16
_QUEUE_NUMBER = 1
_WAITING = job_pb2.JOB_STATE_WAITING


class PushBytes:
    """Makes what the server writes for a push of plain jobs to one queue."""

    def __init__(self, columns: Columns, batch: int, payload_bytes: int) -> None:
        self._columns = columns
        self._batch = batch
        self._spec = spec_of(payload_bytes).SerializeToString()
        self._ids = JobIds()
        self._commit = 0

    def next(self, now_us: int) -> list[Put]:
        """Keys, values and columns of the next push."""
        self._commit += 1
        columns = self._columns
        ids = self._ids.take(now_us, self._batch)
        puts: list[Put] = []
        for job_id in ids:
            puts.append((job_id, pack_job(0, _QUEUE_NUMBER, 0, now_us, 0, 0, NAME, self._spec), columns.job_h))
            puts.append((ready_key(_QUEUE_NUMBER, 0, now_us, job_id), b"", columns.ready_h))
        request = dedup.request_key(uuid.uuid4().hex)
        number = self._commit.to_bytes(8, "big")
        counts = [0] * 8
        counts[_WAITING] = self._commit * self._batch
        puts += (
            (request, _answer(ids), columns.dedup_h),
            (timer_key(now_us + REQUEST_MEMORY_US, TIMER_FORGET, number), request, columns.timers_h),
            (counts_key(_QUEUE_NUMBER), pack_counts(counts), columns.meta_h),
            (event_key(self._commit), _events(ids, now_us), columns.events_h),
            (COMMIT_KEY, COMMIT_VALUE.pack(self._commit, now_us), columns.meta_h),
        )
        return puts


def _answer(ids: Sequence[bytes]) -> bytes:
    answer = job_service_pb2.PushJobsResponse(durability=job_pb2.DURABILITY_FSYNC)
    for job_id in ids:
        answer.jobs.add(job_id=id_text(job_id))
    return bytes([dedup.METHODS.index("PushJobs")]) + answer.SerializeToString()


def _events(ids: Sequence[bytes], now_us: int) -> bytes:
    events = EventRecorder()
    for job_id in ids:
        events.add(event_service_pb2.EVENT_TYPE_JOB_PUSHED, _WAITING, _QUEUE_NUMBER, 0, NAME, job_id)
    return events.pack(now_us)


async def write_groups(store: RocksStore, groups: list[list[list[Put]]], executor: ThreadPoolExecutor) -> list[int]:
    """Writes groups of batches, and returns how long each took until it was on disk, in nanoseconds."""
    loop = asyncio.get_running_loop()
    took_ns: list[int] = []
    for group in groups:
        began_ns = time.perf_counter_ns()
        for puts in group:
            batch = store.batch()
            put = batch.put
            for key, value, column in puts:
                put(key, value, column)
            store.write(batch)
        await loop.run_in_executor(executor, store.sync)
        took_ns.append(time.perf_counter_ns() - began_ns)
    return took_ns


async def run(link: Link) -> None:
    """Parameters: directory, batch, group, payload_bytes, seconds, warm_up_seconds."""
    params = link.params
    store = RocksStore(Path(params["directory"]))
    columns = Columns(store)
    source = PushBytes(columns, params["batch"], params["payload_bytes"])
    with ThreadPoolExecutor(1) as executor:

        async def write_for(seconds: float) -> list[int]:
            took_ns: list[int] = []
            while sum(took_ns) < seconds * 1e9:
                # What is to be written is made before the clock runs.
                groups = [
                    [source.next(time.time_ns() // 1000) for _ in range(params["group"])]
                    for _ in range(GROUPS_MADE_AT_ONCE)
                ]
                took_ns += await write_groups(store, groups, executor)
            return took_ns

        await write_for(params["warm_up_seconds"])
        await link.ready()
        took_ns = await write_for(params["seconds"])
        jobs_each = params["group"] * params["batch"]
        link.done(
            jobs=len(took_ns) * jobs_each,
            seconds=sum(took_ns) / 1e9,
            latencies_ns=took_ns,
            samples=samples_of(took_ns, jobs_each),
        )
    columns.let_go()
    store.close()
