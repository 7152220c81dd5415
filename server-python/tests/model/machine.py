"""The state machine: what may happen to a server, in any order, with an end and a new beginning at any step."""

from __future__ import annotations

import copy

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from model import wishes
from model.compare import in_order, jobs_of, queues_of, same
from model.model import Model
from model.operations import Pull, Settle
from model.pairing import Pairing, answer_of
from model.system import BEGIN_US, Stream
from model.terms import DAY, SECOND, Outcome, Session
from model.wire import of_event, of_job, of_queue, to_settlement
from model.wishes import Wish

from rockqueue.v1 import work_service_pb2
from rockqueue_server.contract.times import duration


class QueueMachine(Pairing):
    """Calls, time, sessions, ends."""

    @rule(wish=wishes.pushes)
    def push(self, wish: Wish) -> None:
        self.do(wish)

    @rule(wish=wishes.pulls)
    def pull(self, wish: Wish) -> None:
        self.do(wish)

    @precondition(lambda self: self.tokens)
    @rule(wish=st.one_of(wishes.settlements, wishes.settlements, wishes.settlements, wishes.repeats))
    def settle(self, wish: Wish) -> None:
        self.do(wish)

    @precondition(lambda self: self.tokens)
    @rule(wish=wishes.extensions)
    def extend(self, wish: Wish) -> None:
        self.do(wish)

    @rule(wish=st.one_of(wishes.bulks, wishes.bulks, wishes.filtered))
    def look_after_jobs(self, wish: Wish) -> None:
        self.do(wish)

    @rule(wish=st.one_of(wishes.pausings, wishes.updates, wishes.updates, wishes.purges))
    def look_after_queues(self, wish: Wish) -> None:
        self.do(wish)

    # Time

    @rule(by_us=wishes.steps)
    def advance(self, by_us: int) -> None:
        self._advance_to(self.model.now_us + by_us)

    @rule(off_us=st.sampled_from([-1, 0, 1]), skip=st.integers(0, 1))
    def advance_to_what_is_due(self, off_us: int, skip: int) -> None:
        due = self.model.due()
        if due:
            self._advance_to(max(self.model.now_us, due[min(skip, len(due) - 1)][0] + off_us))

    def _advance_to(self, target_us: int) -> None:
        """From one due moment to the next while a session may get jobs; at one go, and by the server's steps, else."""
        for _ in range(500):
            due = self.model.due()
            by_steps = self.system.streams or target_us - self.model.now_us >= DAY
            next_us = min(due[0][0], target_us) if due and by_steps else target_us
            self.system.advance(max(0, next_us - self.model.now_us))
            while (steps := self.model.due()) and steps[0][0] <= next_us:
                self.model.tick(max(steps[0][0], self.model.now_us))
            self.model.tick(next_us)
            self.listen(self.model)
            if by_steps:
                self.each_change_is_an_event_once()
            if next_us == target_us:
                return
        raise AssertionError("the model does not come to rest")

    # Sessions

    @rule(
        served=st.sampled_from([("a",), ("b",), ("a", "b")]),
        lease_us=wishes.leases,
        grace_us=st.sampled_from([0, 3 * SECOND, 10 * SECOND]),
    )
    def open_session(self, served: tuple[str, ...], lease_us: int, grace_us: int) -> None:
        if len(self.system.streams) < 2:
            self._open(served, lease_us, grace_us)

    @precondition(lambda self: self._detached())
    @rule(pick=wishes.picks, forget=st.booleans(), served=st.sampled_from([("a",), ("a", "b")]), lease_us=wishes.leases)
    def resume_session(self, pick: int, forget: bool, served: tuple[str, ...], lease_us: int) -> None:
        id_ = self._detached()[pick % len(self._detached())]
        session = self.model.sessions.get(id_)
        held = [job.lease.token for job in self.model.leased_to(session) if job.lease] if session else []
        if forget and held:
            held.pop()
        self._open(served, lease_us, session.grace_us if session else 3 * SECOND, resumed=id_, held=held)

    def _open(
        self, served: tuple[str, ...], lease_us: int, grace_us: int, resumed: str = "", held: list[bytes] | None = None
    ) -> None:
        known = self.tokens[-1:] if resumed else []
        held = sorted({*(held or []), *known})
        opening = work_service_pb2.OpenSession(queues=served, worker=f"w{len(self.workers)}", held_leases=held)
        opening.session_id = resumed
        opening.resume_grace.CopyFrom(duration(grace_us))
        if lease_us:
            opening.lease.CopyFrom(duration(lease_us))

        async def open_() -> tuple[Stream, work_service_pb2.SessionOpened]:
            stream = Stream(self.system.core, opening)
            return stream, await stream.opened()

        stream, opened = self.system.call(open_)
        session = self.model.sessions.get(resumed)
        same(opened.resumed, session is not None, "whether the session was resumed")
        if session is not None:
            self.model.resume(session, served, lease_us, set(held))
        else:
            session = Session(opened.session_id, opening.worker, served, lease_us, grace_us)
            self.model.open(session)
            self.workers.append(session.id)
        current = {job.lease.token for job in self.model.leased_to(session) if job.lease}
        same(sorted(opened.lost_leases), sorted(set(held) - current), "the leases that were lost")
        same(opened.heartbeat_interval.ToMicroseconds(), session.heartbeat_us, "the heartbeat interval")
        self.system.streams[session.id] = stream
        self.rest()

    def _detached(self) -> list[str]:
        return [id_ for id_ in self.workers[-3:] if id_ not in self.system.streams]

    @precondition(lambda self: self.system.streams)
    @rule(pick=wishes.picks, count=st.integers(1, 3))
    def grant_credits(self, pick: int, count: int) -> None:
        session, stream = self._attached(pick)
        self._say(stream, work_service_pb2.WorkRequest(credits=work_service_pb2.AddCredits(credits=count)))
        session.word_us = self.model.now_us
        session.credits += 0 if session.draining else count
        self.rest()

    @precondition(lambda self: self.system.streams)
    @rule(pick=wishes.picks)
    def beat(self, pick: int) -> None:
        session, stream = self._attached(pick)
        self._say(stream, work_service_pb2.WorkRequest(heartbeat=work_service_pb2.Heartbeat(sequence=1)))
        session.word_us = session.beat_us = self.model.now_us
        self.rest()

    @precondition(lambda self: self.system.streams and self.tokens)
    @rule(pick=wishes.picks, token=wishes.picks, outcome=wishes.outcomes, count=st.integers(0, 2))
    def settle_on_the_stream(self, pick: int, token: int, outcome: Outcome, count: int) -> None:
        session, stream = self._attached(pick)
        current = self.known().current() or self.tokens
        chosen = current[-1 - token % len(current)]
        if self.is_out_of_reach(Settle([(chosen, outcome)])):
            return
        self.sequence += 1
        settlements = work_service_pb2.Settlements(
            sequence=self.sequence, settlements=[to_settlement(chosen, outcome)], credits=count
        )
        self._say(stream, work_service_pb2.WorkRequest(settlements=settlements))
        sequence = self.sequence
        results = self.system.call(lambda: stream.settled(sequence))
        reasons = self.model.settle([(chosen, outcome)], self.new_ids())
        same([failure.status.reason for failure in results.failures] or [""], reasons, "what became of the settlement")
        session.word_us = self.model.now_us
        session.credits += 0 if session.draining else count
        self.rest()

    @precondition(lambda self: self.system.streams)
    @rule(pick=wishes.picks)
    def drain_session(self, pick: int) -> None:
        session, stream = self._attached(pick)
        self._say(stream, work_service_pb2.WorkRequest(drain=work_service_pb2.Drain()))
        session.word_us = self.model.now_us
        session.draining, session.credits = True, 0
        self.rest()

    @precondition(lambda self: self.system.streams)
    @rule(pick=wishes.picks)
    def break_session(self, pick: int) -> None:
        session, stream = self._attached(pick)
        del self.system.streams[session.id]
        self.system.call(stream.break_off)
        self.model.break_off(session)
        self.rest()

    @precondition(lambda self: self.system.streams)
    @rule(pick=wishes.picks)
    def say_goodbye(self, pick: int) -> None:
        session, stream = self._attached(pick)
        del self.system.streams[session.id]
        stream.send(work_service_pb2.WorkRequest(goodbye=work_service_pb2.Goodbye()))
        self.system.call(stream.ended)
        self.model.goodbye(session)
        self.rest()

    def _attached(self, pick: int) -> tuple[Session, Stream]:
        id_ = sorted(self.system.streams, key=self.workers.index)[pick % len(self.system.streams)]
        return self.model.sessions[id_], self.system.streams[id_]

    def _say(self, stream: Stream, request: work_service_pb2.WorkRequest) -> None:
        async def said() -> None:
            stream.send(request)

        self.system.call(said)

    # Ends and new beginnings

    @rule(
        how=st.sampled_from(["killed", "killed", "power cut", "closed"]),
        burst=st.lists(wishes.calls, max_size=3),
        turns=st.integers(0, 8),
        torn=st.floats(0, 1, width=16),
        embedded=st.sampled_from([False, False, True]),
    )
    def end_and_begin_again(self, how: str, burst: list[Wish], turns: int, torn: float, embedded: bool) -> None:
        if how == "killed":
            self._kill(burst, turns, embedded=embedded)
        elif how == "power cut":
            self._cut_the_power(burst, torn, embedded=embedded)
        else:
            self._close(embedded=embedded)

    def _kill(self, burst: list[Wish], turns: int, *, embedded: bool) -> None:
        """Calls that are answered, and a last one that is under way when the process is killed."""
        for wish in burst[:-1]:
            self.do(wish)
        stages = [self.model]
        with self.system.disk_too_slow():
            for wish in burst[-1:]:
                stages = self._under_way(stages, wish, turns, powered=True)
            image = self.system.image()
        self.system.go_on_with(image, embedded=embedded)
        self._reopened(stages, embedded=embedded)

    def _cut_the_power(self, burst: list[Wish], torn: float, *, embedded: bool) -> None:
        """Nothing of the burst was synced: a beginning of it may be there, and no part without what came before."""
        self.system.sync()
        stages = [self.model]
        with self.system.disk_too_slow():
            for wish in burst:
                stages = self._under_way(stages, wish, 40, powered=False)
            image = self.system.image(torn=torn)
        self.system.go_on_with(image, embedded=embedded)
        self._reopened(stages, embedded=embedded)

    def _close(self, *, embedded: bool) -> None:
        for id_ in self.system.streams:
            self.model.break_off(self.model.sessions[id_])
        self.system.close_and_reopen(embedded=embedded)
        self.model.tick(self.model.now_us)
        self._reopened([self.model], embedded=embedded)

    def _under_way(self, stages: list[Model], wish: Wish, turns: int, *, powered: bool) -> list[Model]:
        """Begins a call and gives it so many turns of the loop; returns what the store may hold then.

        No fsync is done meanwhile, so that what waits for one gets no answer. An answer is a promise for the end of the
        process; for a power cut it is one if it had to wait for the disk.
        """
        self.model = copy.deepcopy(stages[-1])
        operation = wish.resolve(self.known())
        if operation is None or self.is_out_of_reach(operation):
            return stages
        # A pull needs no fsync for its answer.
        turns = 40 if isinstance(operation, Pull) or self.system.streams else turns
        got = self.system.begin(lambda: answer_of(operation, self.system), turns)
        try:
            self.apply(self.model, operation, got)
        except StopIteration:
            return stages
        self.listen(self.model)
        kept = powered or (operation.waits_for_the_disk and not isinstance(got, str))
        return [self.model] if kept and got is not None else [*stages, self.model]

    def _reopened(self, stages: list[Model], *, embedded: bool) -> None:
        """The model goes on from that of the stages which the store now holds."""
        now_us = self.system.now_us()
        assert 0 <= now_us - stages[0].now_us <= SECOND // 1000, "the clock did not stand where it was"
        same(self.system.problems(), [], "what a check of the store finds")
        found: list[Model] = []
        difference = ""
        for stage in stages:
            model = copy.deepcopy(stage)
            model.asked_to_stop.clear()
            model.reopen(now_us, embedded=embedded)
            model.tick(now_us)
            difference = self._difference(model)
            found += [] if difference else [model]
        assert found, f"the store holds none of the {len(stages)} states that it may hold\n{difference}"
        self.model = found[-1]
        # Whether a call without any effect was remembered cannot be seen.
        for model in found[:-1]:
            both = model.requests, self.model.requests
            self.uncertain |= {id_ for id_ in {**both[0], **both[1]} if both[0].get(id_) != both[1].get(id_)}
        self.listen(self.model)
        if self.model.now_us - BEGIN_US < DAY:
            events = [of_event(event) for event in self.system.all_events()]
            same(in_order(events), in_order(self.model.events), "the events from the beginning")

    def _difference(self, model: Model) -> str:
        """What the server shows otherwise than the model."""
        events = [of_event(event) for event in self.system.coming_events()]
        try:
            same({job.id: of_job(job) for job in self.system.jobs()}, jobs_of(model), "the jobs")
            same([of_queue(queue) for queue in self.system.queues()], queues_of(model), "the queues")
            same(in_order(events), in_order(model.events[self.told :]), "the events")
        except AssertionError as error:
            return str(error)
        return ""
