"""The log: every line is one JSON object, whatever is logged."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from rockqueue_server import logs

NASTY = 'mail\n{"level":"fake"}\r\x1b[31m\x00\x7f\u2028\u2029\x85"\\\udcff\N{PILE OF POO}'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The log goes here; afterwards logging and its hooks are as before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    text = io.StringIO()
    logs.configure("info", text)
    yield text
    logging.captureWarnings(False)
    root.handlers[:], level, sys.excepthook, threading.excepthook, sys.unraisablehook = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    text = stream.getvalue()
    assert text.isascii()
    assert not any(ord(char) < 32 for char in text.replace("\n", ""))
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_has_time_level_logger_event_and_fields(stream: io.StringIO) -> None:
    logging.getLogger("rockqueue_server.api").warning("stream cut", extra={"method": "Work", "limit_s": 30.0})
    (line,) = lines(stream)
    assert (line["level"], line["logger"], line["event"]) == ("warning", "rockqueue_server.api", "stream cut")
    assert (line["method"], line["limit_s"]) == ("Work", 30.0)
    assert str(line["time"]).endswith("Z")
    assert len(str(line["time"])) == len("2026-01-01T00:00:00.000Z")


def test_nasty_names_stay_inside_their_line(stream: io.StringIO) -> None:
    logger = logging.getLogger(NASTY)
    logger.error(NASTY, extra={"queue": NASTY, NASTY: NASTY, "many": [NASTY], "map": {NASTY: NASTY}})
    (line,) = lines(stream)
    assert line["queue"] == line["event"] == line["logger"] == line[NASTY] == NASTY
    assert line["many"] == [NASTY]
    assert line["map"] == {NASTY: NASTY}
    assert line["level"] == "error"


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), b"\xff", object(), {1: object()}, {3, 4}, 10**400])
def test_any_value_can_be_a_field(stream: io.StringIO, odd: object) -> None:
    logging.getLogger("x").info("odd", extra={"value": odd})
    (line,) = lines(stream)
    assert "value" in line


def test_a_field_cannot_pose_as_the_lines_own(stream: io.StringIO) -> None:
    logging.getLogger("x").info("event", extra={"level": "fake", "time": "never"})
    (line,) = lines(stream)
    assert (line["level"], line["level_"], line["time_"]) == ("info", "fake", "never")


def test_long_texts_are_cut(stream: io.StringIO) -> None:
    logging.getLogger("x").info("y" * 1_000_000, extra={"payload": "z" * 1_000_000})
    assert len(stream.getvalue()) < 10_000
    lines(stream)


def test_a_traceback_is_a_field(stream: io.StringIO) -> None:
    try:
        int(NASTY)
    except ValueError:
        logging.getLogger("x").exception("failed")
    (line,) = lines(stream)
    assert str(line["error"]).startswith("ValueError: invalid literal")
    assert "test_logs.py" in str(line["traceback"])


def test_levels_are_kept(stream: io.StringIO) -> None:
    logging.getLogger("x").debug("no")
    logging.getLogger("x").info("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


def test_warnings_and_threads_are_logged(stream: io.StringIO) -> None:
    def fail() -> None:
        raise RuntimeError("thread")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
    thread = threading.Thread(target=fail, name=NASTY)
    thread.start()
    thread.join(10)
    assert [line["logger"] for line in lines(stream)] == ["py.warnings", "rockqueue_server.logs"]


async def test_failures_of_the_event_loop_are_logged(stream: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    logs.watch_loop(loop)
    loop.call_exception_handler({"message": "Task exception was never retrieved", "exception": ValueError("lost")})
    (line,) = lines(stream)
    assert line["error"] == "ValueError: lost"


def test_an_uncaught_exception_is_one_line() -> None:
    program = "from rockqueue_server import logs; logs.configure(); raise RuntimeError('multi\\nline')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    (line,) = [json.loads(text) for text in done.stderr.splitlines()]
    assert (line["event"], line["error"]) == ("uncaught exception", "RuntimeError: multi\nline")
