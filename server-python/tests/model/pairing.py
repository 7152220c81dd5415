"""A server and the model side by side: the same is done to both, and all that can be seen of both is compared."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant
from model.compare import in_order, jobs_of, queues_of, same
from model.model import Model
from model.operations import Operation, Pull
from model.system import BEGIN_US, System
from model.terms import DELAYED, WAITING, Delivery, Session
from model.wire import of_delivery, of_event, of_job, of_queue, show_job, show_queue, to_state
from model.wishes import Known, Wish

from rockqueue.v1 import work_service_pb2
from rockqueue_server.engine import dispatch, leases, queue_state, timers
from rockqueue_server.errors import ServiceError
from rockqueue_server.services import queues, walk

Answer = Any


class Pairing(RuleBasedStateMachine):
    """`defects` are seeded into the server."""

    defects: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self._patches = pytest.MonkeyPatch()
        self._small_steps()
        self._folder = Path(tempfile.mkdtemp(prefix="rockqueue-model-"))
        self.system = System(self._folder, self.defects)
        self.model = Model(BEGIN_US)
        self.tokens: list[bytes] = []
        self.workers: list[str] = []
        """Ids of all sessions, the oldest first."""
        self._seen: set[str] = set()
        self.told = 0
        self.sequence = 0
        self.uncertain: set[str] = set()
        """Request ids of which nobody can say whether they are remembered."""

    def _small_steps(self) -> None:
        """What the server does in large steps it does in small ones here: ten jobs meet the edges of 10,000."""
        for module, name, value in (
            (queue_state, "WINDOW", 3),
            (timers, "STEP", 2),
            (queues, "STEP", 2),
            (walk, "_LEAST_ROWS", 2),
            (walk, "_MOST_ROWS", 3),
            (walk, "_PROBE", 3),
            (leases, "_LOAD_CHUNK", 2),
            (dispatch, "SLICE", 2),
        ):
            self._patches.setattr(module, name, value)

    def teardown(self) -> None:
        self.system.end()
        self._patches.undo()
        shutil.rmtree(self._folder)

    def do(self, wish: Wish) -> None:
        """A call that is answered, and what follows from it."""
        operation = wish.resolve(self.known())
        if operation is None or self.is_out_of_reach(operation):
            return
        got = self.system.call(lambda: answer_of(operation, self.system))
        self.apply(self.model, operation, got)
        self.rest()

    def known(self) -> Known:
        """What a wish can name now."""
        return Known(self.model, sorted(self._seen), self.tokens)

    def is_out_of_reach(self, operation: Operation) -> bool:
        """Whether nobody could say what is right."""
        return operation.request_id in self.uncertain

    def apply(self, model: Model, operation: Operation, got: Answer) -> None:
        """Does it to the model; `got` is the answer, None when there is none."""
        if isinstance(operation, Pull):
            assert not isinstance(got, str), f"a pull was refused: {got}"
            given: list[Delivery] = got or []
            operation.take(model, given)
            self.tokens += [delivery.token for delivery in given]
            return
        ids = self.new_ids()
        expected = model.call(operation.method, operation.request_id, lambda: operation.apply(model, ids))
        if got is not None:
            same(got, expected, f"the answer to {operation}")

    def new_ids(self) -> Iterator[str]:
        """Ids that nobody has seen yet, in the order in which they were given out."""
        for id_ in self.system.ids():
            if id_ not in self._seen:
                self._seen.add(id_)
                yield id_

    def rest(self) -> None:
        """What follows from a step at once."""
        self.model.tick(self.model.now_us)
        self.listen(self.model)

    def listen(self, model: Model) -> None:
        """Tells the model what the server has said on its streams."""
        given: list[tuple[Session, Delivery]] = []
        asked: list[bytes] = []
        for id_, stream in self.system.streams.items():
            for message in stream.take():
                given += [(model.sessions[id_], of_delivery(one)) for one in message.deliveries.deliveries]
                asked += [
                    cancel.lease_token
                    for cancel in message.cancels.cancels
                    if cancel.cause == work_service_pb2.CANCEL_CAUSE_REQUESTED
                ]
        order = {job.id: index for queue in model.queues for index, job in enumerate(model.ready(queue))}
        # Two sessions take turns at a queue; what each of them got is in order.
        for session, delivery in sorted(given, key=lambda entry: order.get(entry[1].job, -1)):
            model.deliver([delivery], session.worker, session.lease_us, session)
        self.tokens += [delivery.token for _, delivery in given]
        same(sorted(asked), sorted(model.asked_to_stop), "the workers that were asked to stop a job")
        model.asked_to_stop.clear()

    @invariant()
    def server_and_model_agree(self) -> None:
        self.jobs_are_what_they_should_be()
        self.queues_count_what_they_hold()
        self.jobs_wait_in_the_order_of_delivery()
        self.no_credit_stalls()
        self.each_change_is_an_event_once()

    def jobs_are_what_they_should_be(self) -> None:
        jobs = self.system.jobs()
        same({job.id: of_job(job) for job in jobs}, jobs_of(self.model), "the jobs")
        ids = [job.id for job in jobs]
        assert ids == sorted(ids), "a listing is not in the order of creation"

    def queues_count_what_they_hold(self) -> None:
        same([of_queue(queue) for queue in self.system.queues()], queues_of(self.model), "the queues")
        for name in self.model.queues:
            same(of_queue(self.system.queue(name)), show_queue(self.model, name), f"queue {name}")

    def jobs_wait_in_the_order_of_delivery(self) -> None:
        for name in self.model.queues:
            waiting = [job.id for job in self.system.jobs(queue=name, state=to_state(WAITING))]
            same(waiting, [job.id for job in self.model.ready(name)], f"what waits in {name}")
            delayed = [job for job in self.model.jobs.values() if job.state == DELAYED and job.spec.queue == name]
            due = [job.id for job in sorted(delayed, key=lambda job: (job.ready_us, job.id))]
            same(
                [job.id for job in self.system.jobs(queue=name, state=to_state(DELAYED))], due, f"the delayed in {name}"
            )

    def no_credit_stalls(self) -> None:
        for session in self.model.sessions.values():
            for name in session.queues:
                idle = self.model.hungry(session, name) and self.model.room(name)
                assert not idle, f"{session} has credits, and {name} has jobs that wait"

    def each_change_is_an_event_once(self) -> None:
        events = [of_event(event) for event in self.system.new_events()]
        expected = self.model.events[self.told :]
        self.told = len(self.model.events)
        moments = [event.time_us for event in events]
        same(moments, sorted(moments), "the moments of the events")
        same(in_order(events), in_order(expected), "the events")
        for id_ in list(dict.fromkeys(event.job for event in events if event.job))[:3]:
            self._job_is_found_by_id(id_)

    def _job_is_found_by_id(self, id_: str) -> None:
        try:
            shown = of_job(self.system.job(id_))
        except ServiceError as error:
            same((error.reason, id_ in self.model.jobs), ("JOB_NOT_FOUND", False), f"whether job {id_} is there")
        else:
            same(shown, show_job(self.model.jobs[id_]), f"job {id_}")


async def answer_of(operation: Operation, system: System) -> Answer:
    """The answer, or the reason of a refusal."""
    try:
        return await operation.call(system.core)
    except ServiceError as error:
        return error.reason
