"""`rockqueue-torture all` leaves no torment out, and hands its options on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rockqueue_torture import cli


async def fine(*_: object) -> bool:
    return True


def test_every_torment_is_run_with_the_options_that_it_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def note(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
        assert not check
        commands.append(command[3:])
        return subprocess.CompletedProcess(command, 1 if "time" in command else 0)

    for torment in ("_mutants", "_kill", "_power", "_schedules"):
        monkeypatch.setattr(cli, torment, fine)
    monkeypatch.setattr(subprocess, "run", note)
    options = ["--seed", "7", "--seconds", "20.0", "--sdks", "python", "--dir", str(tmp_path)]
    result = CliRunner().invoke(cli.app, ["all", *options])
    assert [command[0] for command in commands] == ["disk", "time", "network", "soak"]
    assert commands[0][1:] == [*options[:4], *options[6:]]
    assert all(command[1:] == options for command in commands[1:])
    assert "schedules passed, disk passed, time FAILED, network passed, soak passed" in result.output
    assert result.exit_code == 1
