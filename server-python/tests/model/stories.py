"""Told step by step what the machine would find by itself: a story is a machine whose steps are named."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from model.machine import QueueMachine
from model.terms import SECOND, Outcome, Spec
from model.wishes import Wish


class Story:
    """After each step the server and the model are compared."""

    def __init__(self, machine: QueueMachine) -> None:
        self._machine = machine

    def push(self, *specs: Spec, request_id: str = "") -> None:
        """Pushes a batch."""
        self._wish("push", list(specs), request_id, True)

    def pull(self, most: int = 10, lease_s: float = 60) -> None:
        """Pulls from queue a."""
        self._wish("pull", "a", most, int(lease_s * SECOND))

    def settle(self, outcome: Outcome, pick: int = 0) -> None:
        """Settles a current lease; 0 is the newest."""
        self._wish("settle", [(pick, False, outcome)])

    def settle_stale(self, outcome: Outcome, pick: int) -> None:
        """Settles by any token that was given out; 0 is the newest."""
        self._wish("settle", [(pick, True, outcome)])

    def settle_again(self) -> None:
        """Sends the last settlement once more."""
        self._wish("settle again", 0)

    def extend(self, lease_s: float) -> None:
        """Extends the newest lease; 0 asks for no duration."""
        self._wish("extend", [0], int(lease_s * SECOND))

    def bulk(self, kind: str, pick: int = 0) -> None:
        """Cancels, retries or deletes one job; 0 is the newest."""
        self._wish("bulk", kind, [pick], "", "")

    def pause(self) -> None:
        """Pauses queue a."""
        self._wish("pause", "a", True, "")

    def advance(self, seconds: float) -> None:
        """Turns the clock."""
        self._then(self._machine.advance, by_us=int(seconds * SECOND))

    def kill(self) -> None:
        """Kills the server and starts another one."""
        self._then(
            self._machine.end_and_begin_again, how="killed", burst=list[Wish](), turns=0, torn=0.0, embedded=False
        )

    def cut_the_power(self, *specs: Spec) -> None:
        """Pushes a batch while no fsync ends, and cuts the power: all that was not synced is gone."""
        burst = [Wish("push", (list(specs), "", True))]
        self._then(self._machine.end_and_begin_again, how="power cut", burst=burst, turns=0, torn=0.0, embedded=False)

    def open_session(self, credits_: int, lease_s: float = 60) -> None:
        """Opens a session on queue a, and grants credits."""
        self._then(self._machine.open_session, served=("a",), lease_us=int(lease_s * SECOND), grace_us=10 * SECOND)
        self._then(self._machine.grant_credits, pick=0, count=credits_)

    def beat(self) -> None:
        """Sends a heartbeat."""
        self._then(self._machine.beat, pick=0)

    def break_and_resume(self) -> None:
        """The stream breaks; the worker comes back with all its leases."""
        self._then(self._machine.break_session, pick=0)
        self._then(self._machine.resume_session, pick=0, forget=False, served=("a",), lease_us=0)

    def say_goodbye(self) -> None:
        """Ends the session."""
        self._then(self._machine.say_goodbye, pick=0)

    def _wish(self, kind: str, *values: Any) -> None:
        self._then(self._machine.do, Wish(kind, values))

    def _then(self, step: Any, *values: Any, **named: Any) -> None:
        step(*values, **named)
        self._machine.server_and_model_agree()


@contextmanager
def story(*defects: str) -> Generator[Story]:
    """A new server with these defects."""

    class Told(QueueMachine):
        pass

    Told.defects = frozenset(defects)
    machine = Told()
    try:
        yield Story(machine)
    finally:
        machine.teardown()
