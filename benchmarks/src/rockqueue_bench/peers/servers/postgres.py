"""PostgreSQL with its own settings for durability."""

from __future__ import annotations

import os
import pwd
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rockqueue_bench.peers.child import finished, free_port, running, says
from rockqueue_bench.peers.places import Missing, installed, postgres_folder

_READY_WITHIN_S = 30.0
_MADE_WITHIN_S = 60.0
_USER = "postgres"
# The first message of a session: length, version 3.0, who asks. A server that still starts answers with an error, `E`.
_QUESTION, _ANSWER = b"\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00", b"R"


@asynccontextmanager
async def postgres_server(home: Path) -> AsyncGenerator[str]:
    """Durable as by default, with fsync and synchronous_commit; memory and WAL are those of a server, not of a test."""
    programs = postgres_folder()
    port = free_port()
    data = home / "data"
    data.mkdir()
    as_user = _as_postgres(data) if os.geteuid() == 0 else ()
    made = (*as_user, programs / "initdb", "-D", data, "-U", _USER, "--auth=trust", "--no-sync", "-E", "UTF8")
    await finished((*made, "--locale=C"), home / "initdb.log", _MADE_WITHIN_S)
    command = (
        *(*as_user, programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", ""),
        *("-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB", "-c", "checkpoint_timeout=15min"),
    )
    async with running(command, home / "postgres.log", stop=signal.SIGINT) as server:
        await server.until(partial(says, port, _QUESTION, _ANSWER), _READY_WITHIN_S)
        yield f"postgres://{_USER}@127.0.0.1:{port}/postgres?sslmode=disable"


def _as_postgres(data: Path) -> Sequence[str | Path]:
    """PostgreSQL refuses to run as root: the prefix that makes it another user, who gets the directory."""
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        raise Missing("there is no user `postgres` to run it as: apt-get install postgresql") from None
    os.chown(data, user.pw_uid, user.pw_gid)
    # The harness made the folders above for itself alone: the user must be able to pass through.
    for folder in data.parents:
        mode = folder.stat().st_mode
        if mode & 0o001:
            break
        folder.chmod(mode | 0o011)
    setpriv = installed("setpriv", "util-linux")
    return setpriv, f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups", "--pdeathsig=KILL", "--"
