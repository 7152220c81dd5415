"""What people see: plain lines for logs, a live table for terminals."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from email_app.demo.screen import Check, LiveScreen, PlainScreen, Row, Screen

ROW = Row(datetime(2025, 1, 1, tzinfo=UTC), "JOB_STARTED", "mail", "password-reset", 17, 2, "again")
CHECKS = [Check("acknowledged", "3"), Check("lost", "0", "none", holds=True), Check("nobody's", "1", "x", holds=False)]


def play(screen: Screen) -> None:
    with screen:
        screen.title("Act 1")
        screen.say("kill -9 1234 [not markup]")
        screen.event(ROW)
        screen.progress(1, 3, {"started": 1})
        screen.table("The books", CHECKS)


def test_plain_lines_have_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    play(PlainScreen())
    out = capsys.readouterr().out
    assert all(character == "\n" or character.isprintable() for character in out)
    assert "* kill -9 1234 [not markup]" in out
    assert "JOB_STARTED    mail   password-reset #17  2  again" in out
    assert "  WRONG nobody's" in out
    assert "  ok    lost" in out


def test_the_live_screen_shows_the_same() -> None:
    terminal = io.StringIO()
    play(LiveScreen(Console(file=terminal, force_terminal=True, width=120, highlight=False)))
    out = terminal.getvalue()
    for text in ("Act 1", "kill -9 1234 [not markup]", "JOB_STARTED", "#17", "1 of 3 mails", "nobody's", "✘"):
        assert text in out, text
