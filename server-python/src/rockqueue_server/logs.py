"""The server's log: one JSON object per line on stderr, whatever the names in it contain.

This is the standard library's logging with one formatter, not structlog: grpc and asyncio log there anyway, so their
lines come out in the same form without a bridge, and there is one import less at start. A line has `time` (RFC 3339,
UTC), `level`, `logger`, `event`, and the fields given by `extra={...}`. An event says what happened in constant words;
all that varies is a field. Payloads, results, headers and tokens are never logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import sys
import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

MAX_FIELD_CHARS = 2_000
MAX_TRACEBACK_CHARS = 16_000

# What every LogRecord has by itself; everything else came by `extra`.
_OWN_ATTRIBUTES = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_RESERVED = frozenset({"time", "level", "logger", "event", "error", "traceback"})

logger = logging.getLogger(__name__)


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Sends everything that is logged, warned or not caught to `stream` (stderr) as JSON lines from `level` on.

    Levels: debug, info, warning, error. Call `watch_loop` once the event loop runs.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # Debug lines of asyncio tell of each poll.
    logging.getLogger("asyncio").setLevel(max(logging.INFO, root.level))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_thread_failure
    sys.unraisablehook = _log_unraisable


def watch_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Logs what an event loop would otherwise print: failures of tasks and callbacks that nobody awaits."""
    loop.set_exception_handler(_log_loop_failure)


class JsonFormatter(logging.Formatter):
    """One JSON object, in ASCII: control characters, line separators and terminal escapes are written as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _cut(record.getMessage(), MAX_FIELD_CHARS),
        }
        for name, value in record.__dict__.items():
            if name not in _OWN_ATTRIBUTES:
                line[f"{name}_" if name in _RESERVED else name] = _plain(value)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _cut(_describe(record.exc_info[1]), MAX_FIELD_CHARS)
            line["traceback"] = _traceback(record.exc_info)
        return json.dumps(line, ensure_ascii=True, allow_nan=False, default=str, separators=(",", ":"))


def _plain(value: object) -> object:
    """A JSON value for a field: containers one level deep, long texts cut, everything else as text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_cut(str(item), MAX_FIELD_CHARS) for item in _items(value)]
    if isinstance(value, Mapping):
        return {str(key): _cut(str(item), MAX_FIELD_CHARS) for key, item in _pairs(value)}
    return _cut(str(value), MAX_FIELD_CHARS)


def _items(value: Any) -> list[object]:
    return list(value)[:100]


def _pairs(value: Any) -> list[tuple[object, object]]:
    return list(value.items())[:100]


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _traceback(exc_info: Any) -> str:
    """The end of the traceback: that is where the failure was."""
    text = "".join(traceback.format_exception(*exc_info))
    return text if len(text) <= MAX_TRACEBACK_CHARS else "…" + text[-MAX_TRACEBACK_CHARS + 1 :]


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger.critical("uncaught exception", exc_info=(kind, error, trace))


def _log_thread_failure(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        name = args.thread.name if args.thread else ""
        logger.error(
            "uncaught exception in a thread",
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
            extra={"thread_name": name},
        )


def _log_unraisable(args: sys.UnraisableHookArgs) -> None:
    logger.error("exception in a finalizer", exc_info=args.exc_value, extra={"object": repr(args.object)})


def _log_loop_failure(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    logger.error(
        "event loop: %s", context.get("message", ""), exc_info=error if isinstance(error, BaseException) else None
    )
