"""One `WatchEvents` stream: the events that came and are not yet expected, and the cursor reached."""

from __future__ import annotations

from collections.abc import Callable

from rockqueue_conformance.wire.connection import Connection
from rockqueue_conformance.wire.convert import from_data
from rockqueue_conformance.wire.inbox import Data, Inbox
from rockqueue_conformance.wire.methods import METHODS

_WATCH = METHODS["EventService.WatchEvents"]


class Watch(Inbox):
    """A stream of events and its inbox. `flaws` holds what no watch may ever show: a repeated cursor."""

    def __init__(self, connection: Connection, request: Data, on_message: Callable[[str, Data], None]) -> None:
        super().__init__("watch", connection.read_stream(_WATCH, from_data(_WATCH.request, request)), on_message)
        self.request = request
        self.events: list[Data] = []
        self.responses = 0
        self.cursor = ""
        self.flaws: list[str] = []
        self._seen: set[str] = set()

    def _take(self, message: Data) -> None:
        self.responses += 1
        self.cursor = message["cursor"]
        if not self.cursor:
            self.flaws.append("a response came without a cursor")
        for event in message["events"]:
            if event["cursor"] in self._seen:
                self.flaws.append(f"the cursor {event['cursor']} came twice")
            self._seen.add(event["cursor"])
            self.events.append(event)
        if self.responses == 1 and message["events"]:
            self.flaws.append("the first response is not a checkpoint")
