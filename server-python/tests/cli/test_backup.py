"""`rockqueue backup` and `rockqueue restore`: real processes, a real server, and every exit code."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from cli.processes import ANY_PORT, Start
from cli.test_serve import push, serve, waiting


def stop(server: object) -> None:
    server.send(signal.SIGTERM)  # type: ignore[attr-defined]
    assert server.exit_code() == 0  # type: ignore[attr-defined]


def test_a_running_server_is_asked_and_the_copy_is_served(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, *ANY_PORT, "--backup-dir", tmp_path / "backups")
    address = server.ready()
    push(address, 3)
    backup = start("backup", "--server", f"rockqueue://{address}", "monday")
    assert backup.exit_code() == 0, backup.err
    assert f"{tmp_path / 'backups' / 'monday'}: " in backup.out
    push(address, 4)
    stop(server)
    restored = start("restore", tmp_path / "backups" / "monday", tmp_path / "again")
    assert restored.exit_code() == 0, restored.err
    assert "3 jobs restored, the books balance" in restored.out
    again = start("serve", tmp_path / "again", *ANY_PORT)
    assert waiting(again.ready()) == 3
    stop(again)


def test_a_folder_that_nobody_has_is_copied_directly(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path)
    push(server.ready(), 2)
    taken = start("backup", tmp_path / "store", tmp_path / "copy")
    assert taken.exit_code() == 3
    assert "rockqueue backup --server ADDRESS" in taken.err
    stop(server)
    made = start("backup", tmp_path / "store", tmp_path / "copy")
    assert made.exit_code() == 0, made.err
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == ["COMMIT", "FORMAT", "OWNER", "db"]
    assert start("backup", tmp_path / "store", tmp_path / "copy").exit_code() == 2
    assert start("restore", tmp_path / "copy", tmp_path / "again").exit_code() == 0
    again = start("check", tmp_path / "again")
    assert again.exit_code() == 0
    assert "2 jobs looked at, the books balance" in again.out
    served = start("serve", tmp_path / "copy", *ANY_PORT)
    assert served.exit_code() == 3
    assert "rockqueue restore" in served.err


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("backup",), 2, "name DIR and DEST"),
        (("backup", "only-one"), 2, "name DIR and DEST"),
        (("backup", "nowhere", "copy"), 3, "does not exist"),
        (("backup", "--server", "127.0.0.1:1"), 1, "127.0.0.1:1: "),
        (("restore", "nowhere", "again"), 3, "not a backup"),
        (("restore", "only-one"), 2, "Missing argument"),
    ],
)
def test_mistakes_are_explained(start: Start, arguments: tuple[str, ...], code: int, text: str) -> None:
    command = start(*arguments)
    assert command.exit_code() == code
    assert text in " ".join(command.err.split())


def test_a_server_without_a_place_says_what_to_do(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path)
    refused = start("backup", "--server", server.ready())
    assert refused.exit_code() == 1
    assert "--backup-dir" in refused.err
    stop(server)


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_help_teaches_by_examples(start: Start, command: str) -> None:
    shown = start(command, "--help")
    assert shown.exit_code() == 0
    assert "rockqueue restore" in shown.out or "rockqueue serve" in shown.out
    assert "Exit codes: 0" in shown.out
