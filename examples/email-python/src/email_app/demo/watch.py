"""Follows the job events of the queue server as they stream in, also across the server's death."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Self

from email_app.demo.priority import Change, Moment
from email_app.demo.screen import Row, Screen
from email_app.mails import QUEUE, send_password_reset
from rockqueue import Client, Event, EventType, JobState

RESET_PRIORITY = 10


class Watch:
    """What the event stream of the queue at `url` has told so far. A context: it follows while the context lasts."""

    def __init__(self, url: str, screen: Screen) -> None:
        self.moments: list[Moment] = []
        self.finished: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.expected = 0
        """How many mails there are to be, for the progress bar."""
        self._numbers: dict[str, int] = {}
        self._url = url
        self._screen = screen
        self._following: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow())
        self._following.add_done_callback(lambda _: self._news.set())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._following is not None
        self._following.cancel()
        await asyncio.wait([self._following])

    async def _follow(self) -> None:
        async with Client(self._url) as client:
            async for event in client.events(queues=[QUEUE], beginning=True):
                if event.job_id:
                    self.take(event)

    def take(self, event: Event) -> None:
        """Takes in one job event."""
        self.moments.append(as_moment(event))
        self.counts[event.type.removeprefix("JOB_").lower()] += 1
        if event.state is not None and event.state.finished:
            self.finished.add(event.job_id)
        number = self._numbers.setdefault(event.job_id, len(self._numbers) + 1)
        self._screen.event(as_row(event, number))
        self._screen.progress(len(self.finished), self.expected, self.counts)
        self._news.set()

    async def until(self, reached: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Waits until events have made `reached` true. Raises TimeoutError naming `what`, or what ended the stream."""
        assert self._following is not None
        try:
            async with asyncio.timeout(timeout_s):
                while not reached():
                    if self._following.done():
                        self._following.result()
                        raise AssertionError("an event stream does not end by itself")
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise TimeoutError(
                f"{what} took longer than {timeout_s:.0f} s; events so far: {dict(self.counts)}"
            ) from None


def as_moment(event: Event) -> Moment:
    """The part of an event that the order is checked by."""
    change: Change = "gone"
    if event.type == EventType.JOB_STARTED:
        change = "started"
    elif event.state == JobState.WAITING:
        change = "ready"
    priority = RESET_PRIORITY if event.name == send_password_reset.name else 0
    return Moment(event.time.timestamp(), event.job_id, priority, change)


def as_row(event: Event, number: int) -> Row:
    """The part of an event that people read."""
    note = str(event.dead_reason or "") or event.error_message
    return Row(event.time, event.type, event.queue, event.name, number, event.attempt, note)
