"""The store on RocksDB. Nothing outside this file and its opening knows rocksdict."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

from rocksdict import (
    BlockBasedOptions,
    Cache,
    Checkpoint,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    ReadOptions,
    WriteBatch,
    WriteOptions,
)

from rockqueue_server.store.base import COLUMNS, Batch, Column, StorageFailed, StorageFull

_MIB = 1 << 20
BLOB_FROM_BYTES = 4096
_LITTLE_BYTES = 1 * _MIB
_FLUSH_ROUNDS = 4
"""What is written while others flush is flushed in the next round, which is shorter."""
# Keys are deleted at the rate at which they are put: tombstones must not pile up in front of what is alive.
_QUEUE_LIKE = (
    "ready",
    "delayed",
    "active",
    "timers",
    "dedup",
    "schedules",
    "webhook_deliveries",
    "gready",
    "tags",
    "blocked",
)
_BIG_VALUES = ("job", "done")


def database_options() -> Options:
    """Options of the database as a whole."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    # Refuses a log that was damaged in its middle; the default would open without what follows the damage.
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    options.set_paranoid_checks(True)
    options.set_db_write_buffer_size(96 * _MIB)
    options.set_max_total_wal_size(256 * _MIB)
    options.set_max_background_jobs(2)
    options.set_max_open_files(512)
    options.set_keep_log_file_num(4)
    options.set_max_log_file_size(4 * _MIB)
    options.set_stats_dump_period_sec(0)
    return options


def column_options(name: str, cache: Cache) -> Options:
    """Options of one column."""
    options = Options(raw_mode=True)
    table = BlockBasedOptions()
    table.set_block_cache(cache)
    table.set_bloom_filter(10, False)
    table.set_cache_index_and_filter_blocks(True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_size(32 * _MIB if name in (*_BIG_VALUES, "events") else 16 * _MIB)
    options.set_max_write_buffer_number(4)
    options.set_compression_type(
        DBCompressionType.lz4() if name in (*_BIG_VALUES, "events") else DBCompressionType.none()
    )
    if name in _BIG_VALUES:
        options.set_enable_blob_files(True)
        options.set_min_blob_size(BLOB_FROM_BYTES)
        options.set_enable_blob_gc(True)
    if name in _QUEUE_LIKE:
        options.add_compact_on_deletion_collector_factory(10_000, 5_000, 0.3)
    return options


def storage_error(error: Exception) -> Exception:
    """What a bare exception of rocksdict means: it has no classes, only the text of RocksDB's status."""
    text = str(error)
    if "No space left" in text or "NoSpace" in text or "Write stall" in text:
        return StorageFull(text)
    return StorageFailed(text)


class RocksColumn:
    """One column family."""

    def __init__(self, database: Rdict, name: str) -> None:
        self.handle: object = database.get_column_family_handle(name)
        self._reader = database.get_column_family(name)
        self.get = self._reader.get
        self.get_many = self._reader.get

    def scan(self, lower: bytes, upper: bytes, limit: int, *, reverse: bool = False) -> list[tuple[bytes, bytes]]:
        """Up to `limit` pairs with `lower <= key < upper`.

        The lower bound is a seek: `ReadOptions.set_iterate_lower_bound` of rocksdict 0.3.29 sets the upper one.
        """
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(upper)
        cursor = self._reader.iter(bounds)
        found: list[tuple[bytes, bytes]] = []
        if reverse:
            cursor.seek_to_last()
            while len(found) < limit and cursor.valid() and (key := cursor.key()) >= lower:
                found.append((key, cursor.value()))
                cursor.prev()
        else:
            cursor.seek(lower)
            while len(found) < limit and cursor.valid():
                found.append((cursor.key(), cursor.value()))
                cursor.next()
        # An iterator that met an error looks like one that came to its end.
        cursor.status()
        return found

    def unflushed_bytes(self) -> int:
        """How much of the column is in memory and log, and in no file yet."""
        return self._reader.property_int_value("rocksdb.cur-size-all-mem-tables") or 0

    def flush(self) -> None:
        """Writes that into a file. Lets other threads run meanwhile."""
        self._reader.flush(True)

    def close(self) -> None:
        """Lets go of the column. Its handle keeps the database's lock for as long as anybody holds it."""
        self.handle = None
        self._reader.close()


class RocksStore:
    """A RocksDB database in a directory. `opening` opens one after checking that it may."""

    def __init__(self, directory: Path) -> None:
        cache = Cache(64 * _MIB)
        self._directory = directory
        options = {name: column_options(name, cache) for name in COLUMNS}
        self._database = Rdict(str(directory), options=database_options(), column_families=options)
        self._columns = {name: RocksColumn(self._database, name) for name in COLUMNS}
        self._write_options = WriteOptions()

    def column(self, name: str) -> Column:
        """One of COLUMNS."""
        return cast("Column", self._columns[name])

    def batch(self) -> Batch:
        """A new, empty batch; RocksDB's own, so that a put costs no detour."""
        return cast("Batch", WriteBatch(raw_mode=True))

    def write(self, batch: Batch) -> None:
        """Puts a batch into the write-ahead log."""
        try:
            self._database.write(cast("Any", batch), self._write_options)
        except Exception as error:
            raise storage_error(error) from error

    def sync(self) -> None:
        """Fsync of the write-ahead log. Lets other threads run meanwhile."""
        try:
            self._database.flush_wal(True)
        except Exception as error:
            raise StorageFailed(str(error)) from error

    def flush(self) -> None:
        """Leaves little to be done by `checkpoint`. Blocks; callable from any thread.

        Raises StorageFull or StorageFailed.
        """
        try:
            for _ in range(_FLUSH_ROUNDS):
                full = [column for column in self._columns.values() if column.unflushed_bytes() > _LITTLE_BYTES]
                for column in full:
                    column.flush()
                if not full:
                    return
        except Exception as error:
            raise storage_error(error) from error

    def checkpoint(self, directory: Path) -> None:
        """Makes `directory`: a database of its own with all that was written before the call, out of links.

        Stops all threads while what is in memory goes into files: call `flush` before, and this on the thread that
        writes. Raises StorageFull or StorageFailed.
        """
        try:
            Checkpoint(self._database).create_checkpoint(str(directory))
        except Exception as error:
            raise storage_error(error) from error

    def free_bytes(self) -> int:
        """Free bytes of the file system, for unprivileged users."""
        status = os.statvfs(self._directory)
        return status.f_bavail * status.f_frsize

    def close(self) -> None:
        """Syncs, flushes and closes."""
        self.sync()
        for column in self._columns.values():
            column.close()
        self._database.close()
