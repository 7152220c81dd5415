"""Lists worker sessions, a page at a time, from memory."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import Problems
from rockqueue_server.engine.health import queue_names, show_worker
from rockqueue_server.services.page_tokens import read_token, stamp_of, write_token

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.sessions import Session


def list_workers(engine: Engine, request: work_service_pb2.ListWorkersRequest) -> work_service_pb2.ListWorkersResponse:
    """One page, by name and session."""
    problems = Problems()
    if request.queue:
        problems.queue("queue", request.queue)
    if request.page_size < 0:
        problems.add("page_size", "must be 0 or more")
    stamp = stamp_of(b"workers", request.queue.encode())
    position = read_token(request.page_token, stamp, problems)
    problems.check()
    size = min(request.page_size or limits.DEFAULT_PAGE_SIZE, limits.PAGE_SIZE)
    following = [
        session
        for session in engine.sessions.by_id.values()
        if _place(session) > position and (not request.queue or request.queue in queue_names(session))
    ]
    now_us = engine.clock.now_us()
    answer = work_service_pb2.ListWorkersResponse()
    page_bytes = 0
    last: Session | None = None
    for session in heapq.nsmallest(size, following, key=_place):
        worker = show_worker(session, now_us)
        page_bytes += worker.ByteSize()
        if last is not None and page_bytes > limits.PAGE_BYTES:
            break
        answer.workers.append(worker)
        last = session
    if last is not None and len(answer.workers) < len(following):
        answer.next_page_token = write_token(stamp, _place(last))
    return answer


def _place(session: Session) -> bytes:
    """What comes before what. A name cannot hold the NUL that ends it."""
    return session.worker_bytes + b"\x00" + session.session_id
