"""Lists the groups of a queue, and changes their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rockqueue.v1 import event_service_pb2, queue_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import check_group
from rockqueue_server.contract.problems import Problems
from rockqueue_server.contract.rates import check_rate
from rockqueue_server.engine import dedup
from rockqueue_server.engine.groups.records import GroupRecord, group_key, group_parts, unpack_group
from rockqueue_server.errors import queue_not_found
from rockqueue_server.feed.records import NO_JOB
from rockqueue_server.rules import keys
from rockqueue_server.services.pages import Page

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.engine.queue_state import QueueState

_STEP = 200


def list_groups(engine: Engine, request: queue_service_pb2.ListGroupsRequest) -> queue_service_pb2.ListGroupsResponse:
    """One page."""
    problems = Problems()
    problems.queue("queue", request.queue)
    if len(request.prefix.encode()) > limits.GROUP_KEY_BYTES:
        problems.add("prefix", f"must be at most {limits.GROUP_KEY_BYTES} bytes of UTF-8")
    page = Page((b"groups", request.queue.encode()), request.page_size, request.page_token, problems)
    problems.check()
    queue = engine.queues.get(request.queue)
    if queue is None:
        raise queue_not_found(request.queue)
    answer = queue_service_pb2.ListGroupsResponse()
    lower = group_key(queue.number, request.prefix)
    end = group_key(queue.number, request.prefix) + b"\xff"
    if page.position:
        lower = max(lower, keys.after(group_key(queue.number, page.name)))
    seen, position = 0, ""
    while rows := engine.columns.group.scan(lower, end, _STEP):
        for at, value in rows:
            if len(answer.groups) == page.size or seen >= limits.SCAN_ENTRIES:
                answer.next_page_token = page.token(position.encode())
                return answer
            seen += 1
            position = group_parts(at)[1]
            record = unpack_group(value)
            if record.shown:
                answer.groups.append(show(queue, position, record))
        lower = keys.after(rows[-1][0])
    return answer


def show(queue: QueueState, key: str, record: GroupRecord) -> queue_service_pb2.Group:
    """A group as callers see it."""
    state = queue.groups.by_key.get(key) if queue.groups is not None else None
    return queue_service_pb2.Group(
        key=key,
        settings=queue_service_pb2.GroupSettings.FromString(record.settings),
        waiting=record.waiting,
        active=state.active if state is not None else 0,
    )


def check_update(request: queue_service_pb2.UpdateGroupRequest) -> None:
    """Raises what is wrong with new settings."""
    problems = Problems()
    problems.request_id(request.request_id)
    problems.queue("queue", request.queue)
    check_group(request.group, "group", problems)
    settings = request.settings
    problems.resets(request.reset, settings)
    if settings.HasField("weight") and not 1 <= settings.weight <= limits.GROUP_WEIGHT:
        problems.add("settings.weight", f"must be 1 to {limits.GROUP_WEIGHT}")
    if settings.HasField("max_active") and settings.max_active < 1:
        problems.add("settings.max_active", "must be 1 or more")
    if settings.HasField("rate"):
        check_rate(settings.rate, "settings.rate", problems)
    problems.check()


def update_group(
    engine: Engine, request: queue_service_pb2.UpdateGroupRequest, now_us: int
) -> queue_service_pb2.UpdateGroupResponse:
    """Writes a group with new settings. The request was checked."""
    answer = queue_service_pb2.UpdateGroupResponse

    def update(commit: Commit) -> queue_service_pb2.UpdateGroupResponse:
        queue = engine.queues.ensure(commit, request.queue)
        change = commit.groups.of(queue, request.group)
        settings = queue_service_pb2.GroupSettings.FromString(change.state.settings)
        for field, value in request.settings.ListFields():
            settings.ClearField(field.name)  # type: ignore[arg-type]
            settings.MergeFrom(queue_service_pb2.GroupSettings(**{field.name: value}))
        for name in request.reset:
            settings.ClearField(name)  # type: ignore[arg-type]
        change.settings = settings.SerializeToString()
        if queue not in commit.new_queues:
            commit.event(event_service_pb2.EVENT_TYPE_QUEUE_UPDATED, 0, queue.number, 0, "", NO_JOB)
        commit.after(engine.schedule)
        return answer(group=show(queue, request.group, change.record))

    return dedup.once(engine, now_us, "UpdateGroup", request.request_id, answer, update)
