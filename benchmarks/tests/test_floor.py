from pathlib import Path
from typing import Any

from rockqueue.v1 import job_service_pb2
from rockqueue_bench.loads.floor import PushBytes
from rockqueue_bench.loads.wire import PushRequests, spec_of
from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.engine.columns import Columns
from rockqueue_server.store.base import COLUMNS
from rockqueue_server.store.rocks import RocksStore

EVERYTHING = (b"", b"\xff" * 64)
NOW_US = 1_900_000_000_000_000
PUSHES = 2


async def test_the_floor_writes_pairs_of_the_same_sizes_as_pushes_do(tmp_path: Path) -> None:
    await push_to_server(tmp_path / "server")
    write_floor(tmp_path / "floor")
    pushed, floor = sizes(tmp_path / "server" / "db"), sizes(tmp_path / "floor")
    assert len(floor["job"]) == len(floor["ready"]) == 50 * PUSHES
    # The first push also makes the queue, which is no part of the floor: an entry in `meta`, an event.
    assert floor.pop("events")[-1] == pushed.pop("events")[-1]
    assert set(floor.pop("meta")) <= set(pushed.pop("meta"))
    assert floor == pushed


async def push_to_server(directory: Path) -> None:
    requests = PushRequests(50, spec_of(100))
    core = await Core.open(directory, CoreOptions())
    try:
        for _ in range(PUSHES):
            await core.jobs.push_jobs(job_service_pb2.PushJobsRequest.FromString(requests.new()))
    finally:
        await core.close()


def write_floor(directory: Path) -> None:
    store = RocksStore(directory)
    columns = Columns(store)
    source = PushBytes(columns, 50, 100)
    for push in range(PUSHES):
        batch = store.batch()
        for key, value, column in source.next(NOW_US + push):
            batch.put(key, value, column)
        store.write(batch)
    columns.let_go()
    store.close()


def sizes(directory: Path) -> dict[str, list[tuple[int, int]]]:
    """Sizes of the keys and values in each column."""
    store: Any = RocksStore(directory)
    found = {
        name: [(len(key), len(value)) for key, value in store.column(name).scan(*EVERYTHING, 1000)] for name in COLUMNS
    }
    store.close()
    return found
