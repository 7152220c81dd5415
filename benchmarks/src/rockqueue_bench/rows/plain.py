"""A row with one rate: so many jobs that one load did in so many seconds."""

from __future__ import annotations

from typing import Any

from rockqueue_bench.bench import Bench
from rockqueue_bench.latency import Latency
from rockqueue_bench.results import Row, rates_of
from rockqueue_bench.server import ServerProcess


async def rate_row(
    bench: Bench,
    server: ServerProcess,
    name: str,
    metric: str,
    load_name: str,
    params: dict[str, Any],
    language: str = "python",
) -> Row:
    """Lets a load go and returns its rate as `metric`, in jobs per second. `params` are told with the row."""
    async with bench.load(load_name, language=language, address=server.address, **params) as load:
        result, server_usage, client_usage = await bench.measured(server, load)
    return row_of(name, metric, result, params, durability="fsync", server=server_usage, client=client_usage)


def row_of(name: str, metric: str, result: dict[str, Any], load: dict[str, Any], **told: Any) -> Row:
    """The rate in what a load told, with what else the row is to tell."""
    return Row(
        name,
        {metric: result["jobs"] / result["seconds"]},
        seconds=result["seconds"],
        jobs=result["jobs"],
        latency_ms=latency_in(result),
        rates=rates_of(result["samples"]),
        load=load,
        **told,
    )


def latency_in(result: dict[str, Any]) -> Latency | None:
    """The latency in what a load told."""
    return None if result["latency_ms"] is None else Latency(**result["latency_ms"])
