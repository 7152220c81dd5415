"""Failpoints of the server: each has its place, and one that is armed kills."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rockqueue_server.failpoints import FAILPOINTS, VARIABLE, arm_from_environment
from rockqueue_torture.server import Server


def test_every_failpoint_finds_the_place_that_it_is_named_after() -> None:
    arm_all = "from rockqueue_server.failpoints import *; from rockqueue_server.failpoints import FAILPOINTS as all_\n"
    arm_all += f"for name in all_: arm_from_environment({{{VARIABLE!r}: name + ':2'}})"
    done = subprocess.run([sys.executable, "-c", arm_all], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("text", ["nowhere", "before_write:0", "before_write:x"])
def test_a_failpoint_that_there_is_not_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="before_write, after_write_before_sync"):
        arm_from_environment({VARIABLE: text})


async def test_a_server_with_an_armed_failpoint_ends_there_and_one_that_is_not_for_testing_does_not(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, testing=True, environment={VARIABLE: "during_open:4"})
    try:
        await server.launch()
        assert not await server.ready()
        assert await server.exited(1) == -9
        server.testing = False
        await server.start()
    finally:
        await server.kill()


def test_the_failpoints_are_those_that_the_documentation_names() -> None:
    assert set(FAILPOINTS) == {
        "before_write",
        "after_write_before_sync",
        "after_sync_before_answer",
        "after_answer",
        "during_open",
        "mid_sweep",
        "mid_bulk",
        "during_close",
        "during_flush",
    }
