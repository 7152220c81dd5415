"""Looking after queues: `client.queues`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypedDict, Unpack

from rockqueue import _methods as methods
from rockqueue._durations import Seconds, to_duration
from rockqueue._operations import new_request_id
from rockqueue._options import RetryPolicy
from rockqueue._queue_models import Explanation, Group, Queue, RateLimit
from rockqueue._states import JobState, state_number
from rockqueue._surface import AsyncPart, SyncPart
from rockqueue.v1 import queue_service_pb2 as pb

# `list` is a method of the queues.
Explanations = list[Explanation]


class QueueSettings(TypedDict, total=False):
    """Settings to change; what is left out stays as it is.

    default_retry: For jobs that bring no policy.
    default_lease: For workers that ask for none.
    completed_retention, dead_retention, cancelled_retention: How long finished jobs stay readable; 0 removes them at
        once.
    max_active: How many jobs may be ACTIVE at once, over all workers.
    max_backlog_jobs: How many jobs may wait before pushes raise QueueFull.
    max_backlog_bytes: How many bytes the jobs that wait may have together before pushes raise QueueFull.
    rate: How many deliveries of the queue there may be in a time.
    group_max_active: How many jobs of one group may be ACTIVE at once, for groups that set none; 1 keeps the order of a
        group strictly, retries included.
    group_rate: How many deliveries of one group there may be in a time, for groups that set none.
    """

    default_retry: RetryPolicy
    default_lease: Seconds
    completed_retention: Seconds
    dead_retention: Seconds
    cancelled_retention: Seconds
    max_active: int
    max_backlog_jobs: int
    max_backlog_bytes: int
    rate: RateLimit
    group_max_active: int
    group_rate: RateLimit


class GroupSettings(TypedDict, total=False):
    """Settings of a group to change; what is left out stays as it is.

    weight: How many of its jobs are served in its turn, compared with those of other groups: 1 to 1,000. Default: 1.
    max_active: How many of its jobs may be ACTIVE at once. Default: the queue's `group_max_active`.
    rate: How many of its deliveries there may be in a time. Default: the queue's `group_rate`.
    """

    weight: int
    max_active: int
    rate: RateLimit


def _update_request(name: str, settings: QueueSettings, reset: Sequence[str]) -> pb.UpdateQueueRequest:
    """The request for new settings. Raises TypeError for a setting that does not exist."""
    message = pb.QueueSettings()
    for setting, value in settings.items():
        if setting not in QueueSettings.__annotations__:
            raise TypeError(f"unknown queue setting {setting!r}; there are: {', '.join(QueueSettings.__annotations__)}")
        if isinstance(value, (RetryPolicy, RateLimit)):
            getattr(message, setting).CopyFrom(value.to_proto())
        elif setting in ("max_active", "max_backlog_jobs", "max_backlog_bytes", "group_max_active"):
            setattr(message, setting, value)
        else:
            getattr(message, setting).CopyFrom(to_duration(value))  # type: ignore[arg-type]
    return pb.UpdateQueueRequest(request_id=new_request_id(), queue=name, settings=message, reset=reset)


def _update_group_request(
    queue: str, group: str, settings: GroupSettings, reset: Sequence[str]
) -> pb.UpdateGroupRequest:
    """The request for new settings of a group. Raises TypeError for a setting that does not exist."""
    unknown = settings.keys() - GroupSettings.__annotations__.keys()
    if unknown:
        known = ", ".join(GroupSettings.__annotations__)
        raise TypeError(f"unknown group setting {min(unknown)!r}; there are: {known}")
    rate = settings.get("rate")
    message = pb.GroupSettings(
        weight=settings.get("weight"),
        max_active=settings.get("max_active"),
        rate=None if rate is None else rate.to_proto(),
    )
    return pb.UpdateGroupRequest(request_id=new_request_id(), queue=queue, group=group, settings=message, reset=reset)


def _purge_request(name: str, states: Sequence[JobState | str]) -> pb.PurgeQueueRequest:
    numbers = [state_number(state) for state in states]
    return pb.PurgeQueueRequest(request_id=new_request_id(), queue=name, states=numbers)


class Queues(AsyncPart):
    """`client.queues` of the async client."""

    async def list(self, prefix: str = "") -> AsyncIterator[Queue]:
        """All queues whose name begins with `prefix`, by name."""
        async for page in self._pages(methods.LIST_QUEUES, pb.ListQueuesRequest(prefix=prefix)):
            for queue in page.queues:
                yield Queue.of(queue)

    async def get(self, name: str) -> Queue:
        """One queue with its counts. Raises QueueNotFound."""
        return Queue.of((await self._call(methods.GET_QUEUE, pb.GetQueueRequest(queue=name))).queue)

    async def update(self, name: str, *, reset: Sequence[str] = (), **settings: Unpack[QueueSettings]) -> Queue:
        """Changes settings, and makes the queue if need be; `reset` names settings that go back to their default."""
        request = _update_request(name, settings, reset)
        return Queue.of((await self._call(methods.UPDATE_QUEUE, request)).queue)

    async def pause(self, name: str) -> Queue:
        """Stops deliveries until `resume`; pushes go on, running jobs finish. Raises QueueNotFound."""
        request = pb.PauseQueueRequest(request_id=new_request_id(), queue=name)
        return Queue.of((await self._call(methods.PAUSE_QUEUE, request)).queue)

    async def resume(self, name: str) -> Queue:
        """Lets deliveries go on. Raises QueueNotFound."""
        request = pb.ResumeQueueRequest(request_id=new_request_id(), queue=name)
        return Queue.of((await self._call(methods.RESUME_QUEUE, request)).queue)

    async def purge(self, name: str, states: Sequence[JobState | str] = ()) -> int:
        """Removes the jobs in `states` (default: WAITING and DELAYED) and returns how many. Raises QueueNotFound."""
        return (await self._call(methods.PURGE_QUEUE, _purge_request(name, states))).purged

    async def explain(self, name: str) -> Explanations:
        """Why a queue delivers nothing now, or that it could; what will last longest first. Raises QueueNotFound."""
        response = await self._call(methods.EXPLAIN_QUEUE, pb.ExplainQueueRequest(queue=name))
        return [Explanation.of(reason) for reason in response.reasons]

    async def groups(self, name: str, prefix: str = "") -> AsyncIterator[Group]:
        """The groups of a queue that have unfinished jobs or settings, by key. Raises QueueNotFound."""
        async for page in self._pages(methods.LIST_GROUPS, pb.ListGroupsRequest(queue=name, prefix=prefix)):
            for group in page.groups:
                yield Group.of(group)

    async def update_group(
        self, name: str, group: str, *, reset: Sequence[str] = (), **settings: Unpack[GroupSettings]
    ) -> Group:
        """Changes settings of one group, and makes the queue if need be; `reset` names settings to set back."""
        request = _update_group_request(name, group, settings, reset)
        return Group.of((await self._call(methods.UPDATE_GROUP, request)).group)


class SyncQueues(SyncPart):
    """`client.queues` of the sync client; see `Queues`."""

    def list(self, prefix: str = "") -> Iterator[Queue]:
        """All queues whose name begins with `prefix`, by name."""
        for page in self._pages(methods.LIST_QUEUES, pb.ListQueuesRequest(prefix=prefix)):
            for queue in page.queues:
                yield Queue.of(queue)

    def get(self, name: str) -> Queue:
        """One queue with its counts. Raises QueueNotFound."""
        return Queue.of(self._call(methods.GET_QUEUE, pb.GetQueueRequest(queue=name)).queue)

    def update(self, name: str, *, reset: Sequence[str] = (), **settings: Unpack[QueueSettings]) -> Queue:
        """Changes settings, and makes the queue if need be; `reset` names settings that go back to their default."""
        request = _update_request(name, settings, reset)
        return Queue.of(self._call(methods.UPDATE_QUEUE, request).queue)

    def pause(self, name: str) -> Queue:
        """Stops deliveries until `resume`; pushes go on, running jobs finish. Raises QueueNotFound."""
        request = pb.PauseQueueRequest(request_id=new_request_id(), queue=name)
        return Queue.of(self._call(methods.PAUSE_QUEUE, request).queue)

    def resume(self, name: str) -> Queue:
        """Lets deliveries go on. Raises QueueNotFound."""
        request = pb.ResumeQueueRequest(request_id=new_request_id(), queue=name)
        return Queue.of(self._call(methods.RESUME_QUEUE, request).queue)

    def purge(self, name: str, states: Sequence[JobState | str] = ()) -> int:
        """Removes the jobs in `states` (default: WAITING and DELAYED) and returns how many. Raises QueueNotFound."""
        return self._call(methods.PURGE_QUEUE, _purge_request(name, states)).purged

    def explain(self, name: str) -> Explanations:
        """Why a queue delivers nothing now, or that it could; what will last longest first. Raises QueueNotFound."""
        response = self._call(methods.EXPLAIN_QUEUE, pb.ExplainQueueRequest(queue=name))
        return [Explanation.of(reason) for reason in response.reasons]

    def groups(self, name: str, prefix: str = "") -> Iterator[Group]:
        """The groups of a queue that have unfinished jobs or settings, by key. Raises QueueNotFound."""
        for page in self._pages(methods.LIST_GROUPS, pb.ListGroupsRequest(queue=name, prefix=prefix)):
            for group in page.groups:
                yield Group.of(group)

    def update_group(
        self, name: str, group: str, *, reset: Sequence[str] = (), **settings: Unpack[GroupSettings]
    ) -> Group:
        """Changes settings of one group, and makes the queue if need be; `reset` names settings to set back."""
        request = _update_group_request(name, group, settings, reset)
        return Group.of(self._call(methods.UPDATE_GROUP, request).group)
