"""What the engine asks of a store, on RocksDB and in memory alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from rockqueue_server.store.base import COLUMNS, Store
from rockqueue_server.store.memory import MemoryStore
from rockqueue_server.store.rocks import RocksStore


@pytest.fixture(params=["rocks", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = RocksStore(tmp_path / "db") if request.param == "rocks" else MemoryStore()
    yield opened
    opened.close()


def put(store: Store, column: str, *pairs: tuple[bytes, bytes]) -> None:
    batch = store.batch()
    for key, value in pairs:
        batch.put(key, value, store.column(column).handle)
    store.write(batch)


def test_a_batch_changes_several_columns_at_once(store: Store) -> None:
    put(store, "meta", (b"old", b"1"))
    batch = store.batch()
    batch.put(b"new", b"2", store.column("job").handle)
    batch.delete(b"old", store.column("meta").handle)
    assert store.column("job").get(b"new") is None
    store.write(batch)
    assert store.column("job").get(b"new") == b"2"
    assert store.column("meta").get(b"old") is None


def test_columns_do_not_see_each_other(store: Store) -> None:
    for column in COLUMNS:
        put(store, column, (b"key", column.encode()))
    assert [store.column(column).get(b"key") for column in COLUMNS] == [column.encode() for column in COLUMNS]


def test_get_many_keeps_the_order_and_the_gaps(store: Store) -> None:
    put(store, "job", (b"a", b"1"), (b"c", b"3"))
    assert store.column("job").get_many([b"c", b"b", b"a"]) == [b"3", None, b"1"]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_stays_within_its_bounds(store: Store, *, reverse: bool) -> None:
    chance = random.Random(7)
    keys = sorted({chance.randbytes(chance.randint(1, 3)) for _ in range(400)})
    put(store, "ready", *((key, key[::-1]) for key in keys))
    column = store.column("ready")
    for _ in range(50):
        lower, upper = sorted((chance.randbytes(2), chance.randbytes(2)))
        expected = [(key, key[::-1]) for key in keys if lower <= key < upper]
        if reverse:
            expected.reverse()
        assert column.scan(lower, upper, 1000, reverse=reverse) == expected
        assert column.scan(lower, upper, 3, reverse=reverse) == expected[:3]


def test_an_empty_value_is_a_value(store: Store) -> None:
    put(store, "ready", (b"key", b""))
    assert store.column("ready").get(b"key") == b""


def test_what_was_written_is_there_after_closing(tmp_path: Path) -> None:
    first = RocksStore(tmp_path / "db")
    put(first, "job", (b"a", b"x" * 10_000))
    first.close()
    second = RocksStore(tmp_path / "db")
    assert second.column("job").get(b"a") == b"x" * 10_000
    second.close()
