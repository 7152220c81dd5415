"""Serves the web app: `python -m email_app`."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from email_app.api import create_app
from email_app.settings import QueueSettings


def main() -> None:
    """Serves the web app. Jobs are kept in a folder of this process, or on a queue server with --server."""
    parser = argparse.ArgumentParser(prog="python -m email_app", description=main.__doc__)
    parser.add_argument("--server", help="URL of a queue server, such as rockqueue://127.0.0.1:7655")
    parser.add_argument("--data", type=Path, default=Path("./jobs.db"), help="folder of the jobs (default: ./jobs.db)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0: the system chooses one (default: 8000)")
    options = parser.parse_args()
    settings = QueueSettings.choose(options.server, options.data)
    uvicorn.run(create_app(settings), host=options.host, port=options.port, access_log=False)


if __name__ == "__main__":
    main()
