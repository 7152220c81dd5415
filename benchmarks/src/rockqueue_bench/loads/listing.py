"""Load `listing`: asks for pages of jobs, by several filters, one after the other."""

from __future__ import annotations

import time

from grpc import aio

from rockqueue.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.wire import NAME, QUEUE, spec_of

Filter = job_service_pb2.JobFilter
TAG = "rare"
TAGGED = 50
PAGE = 100
PAGES = 20

FILTERS: dict[str, tuple[Filter, job_service_pb2.ListOrder]] = {
    "all": (Filter(), job_service_pb2.LIST_ORDER_OLDEST_FIRST),
    "newest": (Filter(), job_service_pb2.LIST_ORDER_NEWEST_FIRST),
    "waiting": (Filter(queue=QUEUE, state=job_pb2.JOB_STATE_WAITING), job_service_pb2.LIST_ORDER_NEWEST_FIRST),
    "dead": (Filter(state=job_pb2.JOB_STATE_DEAD), job_service_pb2.LIST_ORDER_OLDEST_FIRST),
    "name": (Filter(name=NAME), job_service_pb2.LIST_ORDER_OLDEST_FIRST),
    "name_of_none": (Filter(name="other"), job_service_pb2.LIST_ORDER_OLDEST_FIRST),
    "tag": (Filter(tags=[TAG]), job_service_pb2.LIST_ORDER_OLDEST_FIRST),
}


async def run(link: Link) -> None:
    """Parameters: address, payload_bytes. The jobs are there; a few with a tag come to them."""
    async with connect(link.params["address"]) as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        spec = spec_of(link.params["payload_bytes"])
        spec.tags.append(TAG)
        await stub.PushJobs(job_service_pb2.PushJobsRequest(jobs=[spec] * TAGGED))
        await link.ready()
        began = time.perf_counter()
        pages = {name: await _pages(channel, *asked) for name, asked in FILTERS.items()}
        link.done(jobs=0, seconds=time.perf_counter() - began, pages_ms=pages)


async def _pages(channel: aio.Channel, wanted: Filter, order: job_service_pb2.ListOrder) -> list[float]:
    """How long each of the first pages took, in milliseconds."""
    stub = job_service_pb2_grpc.JobServiceStub(channel)
    took: list[float] = []
    token = ""
    while len(took) < PAGES:
        request = job_service_pb2.ListJobsRequest(filter=wanted, order=order, page_size=PAGE, page_token=token)
        began = time.perf_counter()
        answer = await stub.ListJobs(request)
        took.append((time.perf_counter() - began) * 1e3)
        token = answer.next_page_token
        if not token:
            break
    return took
