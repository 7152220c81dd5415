"""What the engine asks of a store: ordered keys in columns, atomic batches, bounded range scans, and a sync."""

from __future__ import annotations

from typing import Protocol, TypeAlias

Handle: TypeAlias = object
"""Names a column inside a batch. Only the store that made it knows what it is."""

COLUMNS = (
    "meta",  # counters, queues, commit number
    "job",  # id -> head and spec; written once
    "touched",  # id -> counters and history of a job that was delivered before and waits again
    "ready",  # queue, priority, ready time, id -> whether the job was touched
    "gready",  # queue, group, priority, ready time, id -> whether the job was touched
    "group",  # queue, key -> figures and settings of a group
    "delayed",  # queue, due time, id -> whether the job was touched
    "blocked",  # queue, id -> which parents have not ended
    "active",  # id -> the delivery
    "done",  # queue, state, id -> how the job finished, with its result
    "notes",  # id -> progress and log lines
    "tags",  # tag, id -> nothing; only for jobs that have tags
    "timers",  # due time, kind, ... -> what is to be done then
    "unique",  # key -> the job that holds it
    "dedup",  # request id -> the first answer
    "flows",  # flows, their nodes and edges, and what has to follow from ends: see engine/flows/records.py
    "schedules",  # schedules by name, their due times, and which of their jobs are not finished
    "events",  # commit number -> what happened in that commit
    "webhooks",  # number -> a webhook, its secrets, its position in the feed
    "webhook_deliveries",  # number, place of the event -> a delivery; and the order in which they are due or were over
)


class StorageFull(Exception):
    """The disk is full: the batch was not written. Writes may succeed again after space was freed."""


class StorageFailed(Exception):
    """The disk failed: whether the batch was written is unknown, and no later write can be trusted."""


class Batch(Protocol):
    """Changes that are written together or not at all."""

    def put(self, key: bytes, value: bytes, column: Handle, /) -> None:
        """Sets `key` in a column."""
        ...

    def delete(self, key: bytes, column: Handle, /) -> None:
        """Removes `key` from a column; an absent key is fine."""
        ...


class Column(Protocol):
    """Reads of one column. All reads see every batch that was written before, synced or not."""

    @property
    def handle(self) -> Handle:
        """Names this column inside a batch."""
        ...

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        ...

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values of `keys`, in their order."""
        ...

    def scan(self, lower: bytes, upper: bytes, limit: int, *, reverse: bool = False) -> list[tuple[bytes, bytes]]:
        """Up to `limit` pairs with `lower <= key < upper`, in key order, or from the end with `reverse`."""
        ...


class Store(Protocol):
    """Ordered keys in columns on something that lasts. Used by one thread, but for `sync`."""

    def column(self, name: str) -> Column:
        """One of COLUMNS."""
        ...

    def batch(self) -> Batch:
        """A new, empty batch."""
        ...

    def write(self, batch: Batch) -> None:
        """Puts a batch into the log: it survives the end of the process, not yet a power loss.

        Raises StorageFull (nothing written) or StorageFailed (unknown).
        """
        ...

    def sync(self) -> None:
        """Returns when all that was written before the call survives a power loss. Blocks; callable from any thread.

        Raises StorageFailed.
        """
        ...

    def free_bytes(self) -> int:
        """How much space is left for the store."""
        ...

    def close(self) -> None:
        """Syncs and lets go of the files. Later calls of any method are errors."""
        ...
