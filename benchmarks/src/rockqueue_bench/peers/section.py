"""The comparison as Markdown: a table for each class of durability, how each queue was run, what to keep in mind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rockqueue_bench.peers.catalogue import SETUPS
from rockqueue_bench.peers.result import CONSUME, DURABILITIES, END_TO_END, LATENCY, PRODUCE, PeerResult

# Below it, digits behind the point are worth something.
_SMALL = 10
_RATES = (PRODUCE, CONSUME, END_TO_END)
_Load = tuple[str, str, int, int, int]
"""Name, version, jobs in a call, connections, bytes of a payload."""
_READING = """\
### What to keep in mind

- All servers ran on this machine, one after the other, each alone. One server of each, no replicas. Clients shared the
  cores with the server, and spoke over loopback.
- A rate counts jobs that were acknowledged. `produce` pushes until the time is up. `consume` works off the jobs that
  were pushed before, and acknowledges each. `end to end` pushes and works at the same time, in processes of their own,
  from the first push to the last acknowledgment.
- `batch` is how many jobs are in a call or a pipeline; where a system has no such call, as many calls are on their way
  at once. `clients` is the number of connections; each waits for the answers to its batch before it sends the next.
- `start after` is the time from the push to the first line of the work. Single jobs were pushed with 5 ms between
  them, so that the queue was never full.
- The clients of most systems are in Go, that of RockQueue in Python, those of BullMQ, Graphile Worker and Celery in the
  language that these are made for. A slow client is part of a slow figure.
- What a system does besides differs: leases, attempts, priorities, history. A list of Redis has none of them.
- Short runs of small jobs on few cores say nothing about clusters, big payloads, or a week of work."""


def peers_section(results: Sequence[PeerResult]) -> str:
    """The results under headings of the third level."""
    parts = [
        _class(durability, [each for each in results if each.durability == durability]) for durability in DURABILITIES
    ]
    return "\n\n".join(part for part in (*parts, _configurations(results), _missing(results), _READING) if part) + "\n"


def _class(durability: str, results: Sequence[PeerResult]) -> str:
    """The table of one class; empty when nothing was measured in it."""
    measured = [result for result in results if result.jobs_per_s is not None]
    if not measured:
        return ""
    lines = [
        "| queue | version | batch | clients | bytes | produce | consume | end to end |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    rates = [result for result in measured if result.shape in _RATES]
    for load, found in _loads(rates).items():
        cells = [_figure(found.get(shape)) for shape in _RATES]
        lines.append(f"| {' | '.join(map(str, load))} | {' | '.join(cells)} |")
    delays = [result for result in measured if result.shape == LATENCY and result.p50_ms is not None]
    if delays:
        lines += ["", "| queue | start after p50, ms | p99, ms | pushes a second |", "|---|---:|---:|---:|"]
        lines += [
            f"| {each.name} | {_figure(each.p50_ms)} | {_figure(each.p99_ms)} | {_figure(each.jobs_per_s)} |"
            for each in delays
        ]
    return "\n".join([f"### {durability[0].upper()}{durability[1:]}", "", "Jobs a second.", "", *lines])


def _loads(results: Iterable[PeerResult]) -> dict[_Load, dict[str, float | None]]:
    """The lines of a table with their rates by shape: the heaviest load first, and in each the queues as measured."""
    lines: dict[_Load, dict[str, float | None]] = {}
    for each in results:
        load = (each.name, each.version, each.batch, each.clients, each.payload_bytes)
        lines.setdefault(load, {})[each.shape] = each.jobs_per_s
    return dict(sorted(lines.items(), key=lambda line: (-line[0][2], -line[0][3], line[0][4])))


def _configurations(results: Sequence[PeerResult]) -> str:
    """How each queue that was measured was run."""
    measured = {(result.name, result.durability) for result in results if result.jobs_per_s is not None}
    lines = [
        f"- **{setup.name}** ({setup.durability}): {setup.configuration}."
        + (f" Note: {setup.caveat}." if setup.caveat else "")
        for setup in SETUPS
        if (setup.name, setup.durability) in measured
    ]
    return "\n".join(["### How each was run", "", *lines]) if lines else ""


def _missing(results: Sequence[PeerResult]) -> str:
    """What could not be measured, and why."""
    lines = [
        f"- {each.name}, {each.durability}, {each.shape}"
        f"{f', batch {each.batch}, clients {each.clients}' if each.batch else ''}: {each.note}"
        for each in results
        if each.jobs_per_s is None
    ]
    return "\n".join(["### Not measured", "", *lines]) if lines else ""


def _figure(value: float | None) -> str:
    """A figure with no more digits than it is worth; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.2f}" if value < _SMALL else f"{float(f'{value:.3g}'):,.0f}"
