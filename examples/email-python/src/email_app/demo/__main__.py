"""The demo as a command: plays both acts, closes the books, and fails when a mail was lost."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path

import httpx

from email_app.demo.books import all_hold
from email_app.demo.embedded_act import play_embedded
from email_app.demo.plan import Plan
from email_app.demo.processes import ProcessFailed
from email_app.demo.screen import Screen, choose_screen
from email_app.demo.server_act import play_on_server
from rockqueue import RockQueueError

LOG_LINES = 15
STOPPED = 130
EPILOGUE = {
    True: "Nothing was lost: every acknowledged mail has arrived or is in the dead letters, and resets went first.",
    False: "The promise was broken: see the rows marked above.",
}


async def play(plan: Plan, screen: Screen) -> bool:
    """Plays both acts. Returns whether every check holds."""
    playing = asyncio.current_task()
    assert playing is not None
    # Cancelled, the acts still end their processes.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, playing.cancel)
    with screen:
        embedded = await play_embedded(plan, screen)
        screen.table("The books of act 1", embedded)
        served = await play_on_server(plan, screen)
        screen.table("The books of act 2", served)
    return all_hold([*embedded, *served])


def run(plan: Plan, screen: Screen) -> int:
    """Runs the demo and returns the exit code: 0 when every check holds, 130 when it was stopped."""
    began = time.monotonic()
    try:
        held = asyncio.run(play(plan, screen))
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("Stopped; all processes of the demo have ended.", file=sys.stderr)
        return STOPPED
    except (ProcessFailed, TimeoutError, RockQueueError, httpx.HTTPError) as failure:
        print(f"The demo could not be played: {failure}", file=sys.stderr)
        show_logs(plan.folder)
        return 1
    print(f"\n{EPILOGUE[held]} ({time.monotonic() - began:.0f} s)")
    return 0 if held else 1


def show_logs(folder: Path) -> None:
    """Prints the end of each process's log, before the folder is removed."""
    for log in sorted(folder.glob("*/*.log")):
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        print(f"--- {log.relative_to(folder)}", *lines, sep="\n", file=sys.stderr)


def main() -> int:
    """Queues mails, works, kills everything with -9, starts again on the same files, and counts what arrived."""
    parser = argparse.ArgumentParser(prog="python -m email_app.demo", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides which deliveries are refused (default: 1)")
    parser.add_argument("--plain", action="store_true", help="one line per happening, also in a terminal")
    options = parser.parse_args()
    print(f"seed {options.seed}: repeat this run's refusals with --seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="rockqueue-demo-") as folder:
        return run(Plan(Path(folder), options.seed), choose_screen(plain=options.plain))


if __name__ == "__main__":
    sys.exit(main())
