import asyncio
from pathlib import Path

from tiny import TINY

from rockqueue_bench.bench import Bench
from rockqueue_bench.shapes import grid, seed
from rockqueue_bench.shapes.cell import SHAPES, Cell, Way

LIMIT_S = 55.0


def test_there_is_a_way_for_each_batch_each_number_of_connections_and_each_payload() -> None:
    assert len(grid.WAYS) == len(set(grid.WAYS)) == 8
    assert {way.batch for way in grid.WAYS} == {1, 50}
    assert {way.clients for way in grid.WAYS} == {1, 8}
    assert {way.payload_bytes for way in grid.WAYS} == {100, 1024}


async def test_jobs_are_produced_consumed_and_both_at_once_by_several_connections(tmp_path: Path) -> None:
    way = Way(batch=50, clients=2, payload_bytes=100)
    cells = await asyncio.wait_for(grid.measure_way(Bench(tmp_path, TINY), way), LIMIT_S)
    assert [cell.shape for cell in cells] == list(SHAPES)
    for cell in cells:
        assert cell.way == way
        assert cell.jobs_per_s is not None
        assert cell.jobs_per_s > 0
        assert cell.latency_ms is not None
        assert Cell.of_data(cell.as_data()).as_data() == cell.as_data()


async def test_the_published_shape_is_measured_step_by_step_over_one_connection(tmp_path: Path) -> None:
    rates = await asyncio.wait_for(seed.measure(Bench(tmp_path, TINY)), LIMIT_S)
    assert list(rates) == list(SHAPES)
    assert all(rate > 0 for rate in rates.values())
    assert all(list(published) == list(SHAPES) for published in seed.PUBLISHED.values())
