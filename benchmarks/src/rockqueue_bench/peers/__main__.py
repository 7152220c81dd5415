"""`python -m rockqueue_bench.peers` measures the peers alone, with a line for each figure."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from rockqueue_bench.peers.install import install
from rockqueue_bench.peers.result import PeerResult
from rockqueue_bench.peers.run import UnknownPeer, chosen, measure_peers
from rockqueue_bench.peers.section import peers_section

SECONDS = 3.0


def main() -> int:
    """Runs the command; returns its exit code: 1 when nothing could be measured, 2 for a wrong option."""
    parser = argparse.ArgumentParser(prog="python -m rockqueue_bench.peers", description=__doc__)
    parser.add_argument("--only", default="", help="only these peers, by commas")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long the longest load of a shape lasts")
    parser.add_argument("--dir", type=Path, help="where the servers keep their files, on the disk to be measured")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    parser.add_argument("--setup", action="store_true", help="install what the peers need, and measure nothing")
    arguments = parser.parse_args()
    if arguments.setup:
        return 0 if install(_say) else 1
    only = [key.strip() for key in arguments.only.split(",") if key.strip()]
    try:
        chosen(only)
    except UnknownPeer as error:
        parser.error(str(error))
    with tempfile.TemporaryDirectory(prefix="rockqueue-peers-", dir=arguments.dir, ignore_cleanup_errors=True) as root:
        try:
            results = asyncio.run(_measure(Path(root), arguments.seconds, only))
        except asyncio.CancelledError:
            return 128 + signal.SIGTERM
        except KeyboardInterrupt:
            return 128 + signal.SIGINT
    _say(peers_section(results))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([result.as_data() for result in results], indent=1) + "\n")
    return 0 if any(result.jobs_per_s is not None for result in results) else 1


async def _measure(root: Path, seconds: float, only: list[str]) -> list[PeerResult]:
    """Measures; a SIGTERM ends the processes that were started, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    began = time.monotonic()

    def progress(line: str) -> None:
        _say(f"{time.monotonic() - began:6.1f} s  {line}")

    return await measure_peers(root, seconds, progress, only)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
