"""What a forked process may do with clients, in real forks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import flask
import pytest
from server_process import server_process

from rockqueue.flask import RockQueue

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

# The alarm ends a child that hangs, so that the test fails instead.
PROGRAM = """
import os, signal, sys
import rockqueue

def attempt(title, client):
    try:
        print(title, "pushed" if client.push("q", "n").id else "", flush=True)
    except rockqueue.RockQueueError as error:
        print(title, type(error).__name__, error, flush=True)

url, before_fork = sys.argv[1:]
client = rockqueue.SyncClient(url, timeout=10)
if before_fork != "unused":
    attempt("parent:", client)
if before_fork == "closed":
    client.close()
child = os.fork()
if child == 0:
    signal.alarm(20)
    attempt("child, same client:", client)
    client = rockqueue.SyncClient(url, timeout=10)
    attempt("child, new client:", client)
    client.close()
    os._exit(0)
print("child ended:", os.waitpid(child, 0)[1])
if before_fork == "used":
    attempt("parent again:", client)
    client.close()
"""


async def forked(url: str, before_fork: str) -> list[str]:
    """What a program says that does this with its client before it forks, line by line."""
    command = [sys.executable, "-c", PROGRAM, url, before_fork]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=40, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


async def test_a_client_that_was_used_is_refused_in_the_child(tmp_path: Path) -> None:
    said = await forked(f"embedded:{tmp_path}/jobs.db", "used")
    assert said[0] == "parent: pushed"
    assert said[1].startswith("child, same client: ForkError this client was used before the fork")
    assert "make a new Client in the child" in said[1]
    assert said[2].startswith("child, new client: EmbeddedError")
    assert "is taken" in said[2]
    assert said[3:] == ["child ended: 0", "parent again: pushed"]


async def test_a_client_that_was_only_made_serves_the_child(tmp_path: Path) -> None:
    async with server_process(tmp_path):
        said = await forked(f"unix://{tmp_path}/s.sock", "unused")
    assert said == ["child, same client: pushed", "child, new client: pushed", "child ended: 0"]


async def test_a_child_of_a_connected_parent_is_told_what_to_do_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    async with server_process(tmp_path):
        said = await forked(f"unix://{tmp_path}/s.sock", "used")
    assert said[0] == "parent: pushed"
    assert said[1].startswith("child, same client: ForkError this client was used before the fork")
    assert said[2].startswith("child, new client: ForkError this process was forked while its parent was connected")
    assert "close clients before it" in said[2]
    assert said[3:] == ["child ended: 0", "parent again: pushed"]


async def test_a_parent_that_closed_its_client_leaves_nothing_behind(tmp_path: Path) -> None:
    async with server_process(tmp_path):
        said = await forked(f"unix://{tmp_path}/s.sock", "closed")
    assert said[1].startswith("child, same client: ")
    assert "Error" in said[1] or "Closed" in said[1]
    assert said[2:] == ["child, new client: pushed", "child ended: 0"]


def test_each_process_of_a_flask_app_has_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    app = flask.Flask(__name__)
    queue = RockQueue(app)
    with app.app_context():
        here = queue.client
        monkeypatch.setattr("os.getpid", lambda: 1)
        assert queue.client is not here
        monkeypatch.undo()
        assert queue.client is here
