"""A store in memory, for tests: the same contract as RocksDB, without a disk."""

from __future__ import annotations

from typing import cast

from sortedcontainers import SortedDict

from rockqueue_server.store.base import COLUMNS, Batch, Column


class MemoryBatch:
    """Changes in the order in which they were made."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, bytes, bytes | None]] = []

    def put(self, key: bytes, value: bytes, column: object, /) -> None:
        """Sets `key`."""
        self.changes.append((cast("str", column), key, value))

    def delete(self, key: bytes, column: object, /) -> None:
        """Removes `key`."""
        self.changes.append((cast("str", column), key, None))


class MemoryColumn:
    """One column."""

    def __init__(self, name: str) -> None:
        self.handle: object = name
        self.data: SortedDict[bytes, bytes] = SortedDict()

    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""
        return self.data.get(key)

    def get_many(self, keys: list[bytes]) -> list[bytes | None]:
        """The values of `keys`, in their order."""
        return [self.data.get(key) for key in keys]

    def scan(self, lower: bytes, upper: bytes, limit: int, *, reverse: bool = False) -> list[tuple[bytes, bytes]]:
        """Up to `limit` pairs with `lower <= key < upper`."""
        found: list[tuple[bytes, bytes]] = []
        for key in self.data.irange(lower, upper, inclusive=(True, False), reverse=reverse):
            if len(found) == limit:
                break
            found.append((key, self.data[key]))
        return found


class MemoryStore:
    """All columns in memory. `fail_next` makes the next write or sync raise, to test what happens then."""

    def __init__(self) -> None:
        self.columns = {name: MemoryColumn(name) for name in COLUMNS}
        self.fail_next: Exception | None = None
        self.free = 1 << 40

    def column(self, name: str) -> Column:
        """One of COLUMNS."""
        return self.columns[name]

    def batch(self) -> Batch:
        """A new, empty batch."""
        return MemoryBatch()

    def write(self, batch: Batch) -> None:
        """Applies a batch."""
        self._fail()
        for name, key, value in cast("MemoryBatch", batch).changes:
            data = self.columns[name].data
            if value is None:
                data.pop(key, None)
            else:
                data[key] = value

    def sync(self) -> None:
        """Nothing to wait for."""
        self._fail()

    def free_bytes(self) -> int:
        """What the test says."""
        return self.free

    def close(self) -> None:
        """Keeps the data: a test may open it again."""

    def _fail(self) -> None:
        if self.fail_next is not None:
            failure, self.fail_next = self.fail_next, None
            raise failure
