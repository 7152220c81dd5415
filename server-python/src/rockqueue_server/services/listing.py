"""Lists jobs a page at a time, at a cost bounded by the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import job_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.engine.lookup import show
from rockqueue_server.services.filters import check_filter
from rockqueue_server.services.page_tokens import read_token, stamp_of, write_token
from rockqueue_server.services.walk import Walk

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine


def list_jobs(engine: Engine, request: job_service_pb2.ListJobsRequest) -> job_service_pb2.ListJobsResponse:
    """One page."""
    problems = Problems()
    check_filter(request.filter, "filter", problems)
    problems.known_enum("order", request.order, job_service_pb2.ListOrder)
    if request.page_size < 0:
        problems.add("page_size", "must be 0 or more")
    newest = request.order == job_service_pb2.LIST_ORDER_NEWEST_FIRST
    stamp = stamp_of(b"jobs", request.filter.SerializeToString(deterministic=True), bytes([newest]))
    position = read_token(request.page_token, stamp, problems)
    problems.check()
    size = min(request.page_size or limits.DEFAULT_PAGE_SIZE, limits.PAGE_SIZE)
    walk = Walk(engine, request.filter, position, newest=newest)
    answer = job_service_pb2.ListJobsResponse()
    page_bytes = 0
    for found in walk:
        if "page_token_skips_one" in engine.defects and not answer.jobs and position:
            position = b""
            continue
        job = show(engine, found, payload=request.include_payload)
        page_bytes += job.ByteSize()
        if answer.jobs and page_bytes > limits.PAGE_BYTES:
            break
        answer.jobs.append(job)
        position = walk.position
        if len(answer.jobs) >= size:
            break
    else:
        if walk.ended:
            return answer
        position = walk.position
    answer.next_page_token = write_token(stamp, position)
    return answer
