"""Row `e2e_python`: push, deliver, complete through the SDK, with a producer and a worker of one process each."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import usage_in
from rockqueue_bench.results import Row
from rockqueue_bench.rows.push import PAYLOAD_BYTES

BATCH = 500
IN_FLIGHT = 2
CONCURRENCY = 500
JOBS_PER_SECOND = 20_000


async def measure(bench: Bench) -> Row:
    """Measures from the first push to the moment in which the last completion is on the server's disk."""
    produce = {
        "batch": BATCH,
        "in_flight": IN_FLIGHT,
        "jobs": int(bench.scale.seconds * JOBS_PER_SECOND),
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds,
    }
    work = {"concurrency": CONCURRENCY, "payload_bytes": PAYLOAD_BYTES}
    async with (
        bench.server() as server,
        bench.load("e2e_work", address=server.address, **work) as worker,
        bench.load("e2e_produce", address=server.address, **produce) as producer,
    ):
        await worker.ready()
        await producer.ready()
        before = server.usage()
        worker.go()
        producer.go()
        pushed = await producer.result(bench.limit_s)
        worker.tell({"jobs": pushed["jobs"]})
        worked = await worker.result(bench.limit_s)
        used = server.usage().since(before)
    seconds = (worked["ended_ns"] - pushed["began_ns"]) / 1e9
    return Row(
        "e2e_python",
        {"e2e_python_jobs_per_s": worked["jobs"] / seconds},
        seconds=seconds,
        jobs=worked["jobs"],
        durability="fsync",
        server=used,
        client=usage_in(pushed).plus(usage_in(worked)),
        load={**produce, **work},
    )
