"""Load `schedules`: puts schedules that are not due for long, beside some that are due each second."""

from __future__ import annotations

import asyncio

from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import job_pb2, schedule_service_pb2, schedule_service_pb2_grpc
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.wire import NAME, QUEUE

IN_FLIGHT = 64
SELDOM_S = 300 * 24 * 3600


async def run(link: Link) -> None:
    """Parameters: address, due (so many each second), begin and end (numbers of those that are seldom due)."""
    params = link.params
    async with connect(params["address"]) as channel:
        stub = schedule_service_pb2_grpc.ScheduleServiceStub(channel)
        await link.ready()
        for number in range(params["due"]):
            await _put(stub, f"due-{number}", 1)
        numbers = iter(range(params["begin"], params["end"]))

        async def put() -> None:
            for number in numbers:
                await _put(stub, f"seldom-{number}", SELDOM_S)

        await asyncio.gather(*(put() for _ in range(IN_FLIGHT)))
        link.done(jobs=0, seconds=0.0)


async def _put(stub: schedule_service_pb2_grpc.ScheduleServiceAsyncStub, name: str, every_s: int) -> None:
    # Its jobs are of no use once they are made: nobody works on them.
    job = job_pb2.JobSpec(queue=QUEUE, name=NAME)
    schedule = schedule_service_pb2.ScheduleSpec(name=name, interval=Duration(seconds=every_s), job=job)
    await stub.PutSchedule(schedule_service_pb2.PutScheduleRequest(schedule=schedule))
