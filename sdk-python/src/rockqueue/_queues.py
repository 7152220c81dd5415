"""Looking after queues: `client.queues`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypedDict, Unpack

from rockqueue import _methods as methods
from rockqueue._durations import Seconds, to_duration
from rockqueue._models import JobState, Queue, state_number
from rockqueue._operations import Operations, new_request_id
from rockqueue._options import RetryPolicy
from rockqueue._raw import OperationsSource
from rockqueue.v1 import queue_service_pb2 as pb

PAGE = 100


class QueueSettings(TypedDict, total=False):
    """Settings to change; what is left out stays as it is.

    default_retry: For jobs that bring no policy.
    default_lease: For workers that ask for none.
    completed_retention, dead_retention, cancelled_retention: How long finished jobs stay readable; 0 removes them at
        once.
    max_active: How many jobs may be ACTIVE at once, over all workers.
    max_backlog_jobs: How many jobs may wait before pushes raise QueueFull.
    """

    default_retry: RetryPolicy
    default_lease: Seconds
    completed_retention: Seconds
    dead_retention: Seconds
    cancelled_retention: Seconds
    max_active: int
    max_backlog_jobs: int


class QueueOperations:
    """The I/O side."""

    def __init__(self, operations: Operations) -> None:
        self._call = operations.call

    async def page(self, prefix: str, token: str) -> tuple[list[Queue], str]:
        """A page and the token of the next."""
        request = pb.ListQueuesRequest(page_size=PAGE, page_token=token, prefix=prefix)
        response = await self._call(methods.LIST_QUEUES, request)
        return [Queue.of(queue) for queue in response.queues], response.next_page_token

    async def get(self, name: str) -> Queue:
        """One queue."""
        return Queue.of((await self._call(methods.GET_QUEUE, pb.GetQueueRequest(queue=name))).queue)

    async def update(self, request: pb.UpdateQueueRequest) -> Queue:
        """Changes settings."""
        return Queue.of((await self._call(methods.UPDATE_QUEUE, request)).queue)

    async def pause(self, name: str) -> Queue:
        """Stops deliveries."""
        request = pb.PauseQueueRequest(request_id=new_request_id(), queue=name)
        return Queue.of((await self._call(methods.PAUSE_QUEUE, request)).queue)

    async def resume(self, name: str) -> Queue:
        """Lets deliveries go on."""
        request = pb.ResumeQueueRequest(request_id=new_request_id(), queue=name)
        return Queue.of((await self._call(methods.RESUME_QUEUE, request)).queue)

    async def purge(self, name: str, states: Sequence[JobState | str]) -> int:
        """Removes jobs."""
        numbers = [state_number(state) for state in states]
        request = pb.PurgeQueueRequest(request_id=new_request_id(), queue=name, states=numbers)
        return (await self._call(methods.PURGE_QUEUE, request)).purged


def update_request(name: str, settings: QueueSettings, reset: Sequence[str]) -> pb.UpdateQueueRequest:
    """The request for new settings. Raises TypeError for a setting that does not exist."""
    message = pb.QueueSettings()
    for setting, value in settings.items():
        if isinstance(value, RetryPolicy):
            message.default_retry.CopyFrom(value.to_proto())
        elif setting in ("max_active", "max_backlog_jobs"):
            setattr(message, setting, value)
        elif setting in QueueSettings.__annotations__:
            getattr(message, setting).CopyFrom(to_duration(value))  # type: ignore[arg-type]
        else:
            raise TypeError(f"unknown queue setting {setting!r}; there are: {', '.join(QueueSettings.__annotations__)}")
    return pb.UpdateQueueRequest(request_id=new_request_id(), queue=name, settings=message, reset=reset)


class Queues:
    """`client.queues` of the async client."""

    def __init__(self, source: OperationsSource) -> None:
        self._source = source

    async def list(self, prefix: str = "") -> AsyncIterator[Queue]:
        """All queues whose name begins with `prefix`, by name."""
        token = ""
        while True:
            operations = self._source.operations()
            queues, token = await operations.runtime.run(QueueOperations(operations).page(prefix, token))
            for queue in queues:
                yield queue
            if not token:
                return

    async def get(self, name: str) -> Queue:
        """One queue with its counts. Raises QueueNotFound."""
        operations = self._source.operations()
        return await operations.runtime.run(QueueOperations(operations).get(name))

    async def update(self, name: str, *, reset: Sequence[str] = (), **settings: Unpack[QueueSettings]) -> Queue:
        """Changes settings, and makes the queue if need be; `reset` names settings that go back to their default."""
        operations = self._source.operations()
        request = update_request(name, settings, reset)
        return await operations.runtime.run(QueueOperations(operations).update(request))

    async def pause(self, name: str) -> Queue:
        """Stops deliveries until `resume`; pushes go on, running jobs finish. Raises QueueNotFound."""
        operations = self._source.operations()
        return await operations.runtime.run(QueueOperations(operations).pause(name))

    async def resume(self, name: str) -> Queue:
        """Lets deliveries go on. Raises QueueNotFound."""
        operations = self._source.operations()
        return await operations.runtime.run(QueueOperations(operations).resume(name))

    async def purge(self, name: str, states: Sequence[JobState | str] = ()) -> int:
        """Removes the jobs in `states` (default: WAITING and DELAYED) and returns how many. Raises QueueNotFound."""
        operations = self._source.operations()
        return await operations.runtime.run(QueueOperations(operations).purge(name, states))


class SyncQueues:
    """`client.queues` of the sync client; see `Queues`."""

    def __init__(self, source: OperationsSource) -> None:
        self._source = source

    def list(self, prefix: str = "") -> Iterator[Queue]:
        """All queues whose name begins with `prefix`, by name."""
        token = ""
        while True:
            operations = self._source.operations()
            queues, token = operations.runtime.submit(QueueOperations(operations).page(prefix, token)).result()
            yield from queues
            if not token:
                return

    def get(self, name: str) -> Queue:
        """One queue with its counts. Raises QueueNotFound."""
        operations = self._source.operations()
        return operations.runtime.submit(QueueOperations(operations).get(name)).result()

    def update(self, name: str, *, reset: Sequence[str] = (), **settings: Unpack[QueueSettings]) -> Queue:
        """Changes settings, and makes the queue if it does not exist."""
        operations = self._source.operations()
        request = update_request(name, settings, reset)
        return operations.runtime.submit(QueueOperations(operations).update(request)).result()

    def pause(self, name: str) -> Queue:
        """Stops deliveries until `resume`. Raises QueueNotFound."""
        operations = self._source.operations()
        return operations.runtime.submit(QueueOperations(operations).pause(name)).result()

    def resume(self, name: str) -> Queue:
        """Lets deliveries go on. Raises QueueNotFound."""
        operations = self._source.operations()
        return operations.runtime.submit(QueueOperations(operations).resume(name)).result()

    def purge(self, name: str, states: Sequence[JobState | str] = ()) -> int:
        """Removes the jobs in `states` (default: WAITING and DELAYED) and returns how many. Raises QueueNotFound."""
        operations = self._source.operations()
        return operations.runtime.submit(QueueOperations(operations).purge(name, states)).result()
