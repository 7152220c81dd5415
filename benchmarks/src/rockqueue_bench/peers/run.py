"""A run over the setups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rockqueue_bench.peers.catalogue import SETUPS
from rockqueue_bench.peers.measure import measure_setup
from rockqueue_bench.peers.result import PeerResult
from rockqueue_bench.peers.setup import Setup


class UnknownPeer(Exception):
    """No setup has this key; the message lists those that there are."""


async def measure_peers(
    root: Path, seconds: float, progress: Callable[[str], None], only: Sequence[str] = ()
) -> list[PeerResult]:
    """Measures all setups, or those whose keys `only` names, one after the other.

    Servers keep their files below `root`, on the disk to be measured. `seconds` is how long the longest load of a shape
    lasts. Every process has ended when this returns, is cancelled, or fails. Raises UnknownPeer.
    """
    results: list[PeerResult] = []
    for setup in chosen(only):
        results += await measure_setup(setup, root, seconds, progress)
    return results


def chosen(only: Sequence[str]) -> list[Setup]:
    """The setups that keys name; all when there are none. Raises UnknownPeer."""
    known = dict.fromkeys(setup.key for setup in SETUPS)
    for key in only:
        if key not in known:
            raise UnknownPeer(f"no peer {key!r}; there are: {', '.join(known)}")
    return [setup for setup in SETUPS if not only or setup.key in only]
