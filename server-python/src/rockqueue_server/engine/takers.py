"""Those who take jobs: worker sessions, and calls of PullJobs. Both hold credits, and get deliveries for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from rockqueue.v1 import event_service_pb2
from rockqueue_server.engine.records import Counters, JobHead

if TYPE_CHECKING:
    from rockqueue_server.engine.alarms import Alarm
    from rockqueue_server.engine.groups.state import GroupState
    from rockqueue_server.engine.notes import Note
    from rockqueue_server.engine.queue_state import QueueState
    from rockqueue_server.engine.sessions import Session


class Lease(Counters):
    """One delivery: who has the job, since when, and for how long. Times in microseconds.

    Attributes of the class are what most deliveries have, as with `Counters`.
    """

    token: bytes = b""
    epoch: int = 0
    ready_us: int = 0
    lease_us: int = 0
    given_us: int = 0
    """The duration at delivery, where an extension has asked for another one."""
    deadline_us: int = 0
    """When the lease runs out, heartbeats of a session left aside."""
    session: Session | None = None
    touched: bool = False
    """The job has a record in column `touched`, with its history."""
    noted: bool = False
    """The job has progress or log lines in column `notes`."""
    note: Note | None = None
    """Progress and log lines that are not written yet."""
    cancel_by_us: int = 0
    """When a cancel was asked for: until when the handler may settle. 0: none was asked for."""
    batch: Batch | None = None
    """None for a delivery that is like no other: not the first of its job, or found after a restart."""
    alarms: list[Alarm] | None = None
    expiry: Alarm | None = None
    group: GroupState | None = None
    """The group of the job, whose active jobs this is one of."""

    def __init__(self, job_id: bytes, head: JobHead, queue: QueueState, spec_bytes: int) -> None:
        self.job_id = job_id
        self.head = head
        self.queue = queue
        self.spec_bytes = spec_bytes
        """How long the job's spec is: by so much its queue grows when it waits again."""


class Batch(NamedTuple):
    """Deliveries that were made together: first attempts that differ in their job only."""

    queue: QueueState
    name: str
    start_us: int
    worker: str


class Granted(NamedTuple):
    """A delivery on its way out: the lease, and the serialised spec."""

    lease: Lease
    spec: bytes


class Taker:
    """Someone who takes jobs from queues."""

    def __init__(self, queues: list[QueueState], worker: str, lease_us: int | None) -> None:
        self.queues = queues
        self.worker = worker
        self.worker_bytes = worker.encode()
        self.started_extra = event_service_pb2.Event(worker=worker).SerializeToString()
        self.lease_us = lease_us
        self.credits = 0
        self.session: Session | None = None
        self.session_id = bytes(16)

    def feed_me(self) -> None:
        """Has credits: is to be considered for every queue."""
        for queue in self.queues:
            queue.hungry[self] = None

    def enough(self) -> None:
        """Has no credits."""
        for queue in self.queues:
            queue.hungry.pop(self, None)

    def receive(self, granted: list[Granted]) -> None:
        """Takes deliveries that are written."""
        raise NotImplementedError


class Pull(Taker):
    """A call of PullJobs that waits for its first job. It takes once."""

    def __init__(self, queues: list[QueueState], worker: str, lease_us: int | None, most: int) -> None:
        super().__init__(queues, worker, lease_us)
        self.credits = most
        self.taken: list[Granted] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(self, granted: list[Granted]) -> None:
        """Takes what there is; the dispatcher ends the pull after one round."""
        self.taken.extend(granted)
        if not self.done.done():
            self.done.set_result(None)
