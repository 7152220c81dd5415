"""Rows `e2e_python`, `e2e_node`, `e2e_go`: push, deliver, complete through an SDK; a producer and a worker process."""

from __future__ import annotations

from rockqueue_bench.bench import Bench
from rockqueue_bench.client import usage_in
from rockqueue_bench.results import Row, rates_of
from rockqueue_bench.rows.plain import latency_in
from rockqueue_bench.rows.push import PAYLOAD_BYTES

BATCH = 500
IN_FLIGHT = 2
CONCURRENCY = 500
WARM_UP_BATCHES = 10
WARM_UP_JOBS = 1000
# What a producer offers at most: as many as the budget asks for. It stops earlier when the time is up.
JOBS_PER_SECOND = {"python": 20_000, "node": 30_000, "go": 40_000}


async def measure(bench: Bench, language: str) -> Row:
    """Measures from the first push to the moment in which the last completion is on the server's disk. Raises NotHere.

    The latencies are those of the producer's batches.
    """
    produce = {
        "batch": BATCH,
        "in_flight": IN_FLIGHT,
        "jobs": int(bench.scale.seconds * JOBS_PER_SECOND[language]),
        "payload_bytes": PAYLOAD_BYTES,
        "seconds": bench.scale.seconds,
        "warm_up_batches": WARM_UP_BATCHES,
    }
    work = {"concurrency": CONCURRENCY, "payload_bytes": PAYLOAD_BYTES, "warm_up_jobs": WARM_UP_JOBS}
    async with (
        bench.server() as server,
        bench.load("e2e_work", language=language, address=server.address, **work) as worker,
        bench.load("e2e_produce", language=language, address=server.address, **produce) as producer,
    ):
        await worker.ready()
        await producer.ready()
        before = await server.usage()
        worker.go()
        producer.go()
        pushed = await producer.result(bench.limit_s)
        worker.tell({"jobs": pushed["jobs"]})
        worked = await worker.result(bench.limit_s)
        used = (await server.usage()).since(before)
    seconds = (worked["ended_ns"] - pushed["began_ns"]) / 1e9
    return Row(
        f"e2e_{language}",
        {f"e2e_{language}_jobs_per_s": worked["jobs"] / seconds},
        seconds=seconds,
        jobs=worked["jobs"],
        durability="fsync",
        server=used,
        client=usage_in(pushed).plus(usage_in(worked)),
        latency_ms=latency_in(pushed),
        rates=rates_of(worked["samples"]),
        load={**produce, **work},
    )
