"""One server process from start to exit: opens the store, serves, waits for a signal, drains, closes.

A signal drains: health says NOT_SERVING, workers are asked to finish and get the grace period to do so, what they have
not settled then is released uncharged, and the store is closed. A second signal ends the process at once; nothing
acknowledged is lost by that, as by kill -9. When the disk fails for good the process ends without another write, as its
state is unknown.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

from rockqueue_server import logs
from rockqueue_server.api.monitor import monitor
from rockqueue_server.api.server import RunningServer, ServerSettings, serve
from rockqueue_server.api.sockets import BindError
from rockqueue_server.config import ServeConfig, version
from rockqueue_server.core import Core, CoreOptions
from rockqueue_server.store.opening import StoreError

# How much longer than its grace period a drain may take before the server stops without it.
DRAIN_MARGIN_S = 10.0

# The write timeout of the defect that keeps streams nobody reads: longer than any test.
_FOR_EVER_S = 86_400.0

logger = logging.getLogger("rockqueue_server")


class ExitCode(IntEnum):
    """What `rockqueue serve` ends with; documented in its help."""

    STOPPED = 0
    ADDRESS = 2
    STORE = 3
    STORAGE_FAILED = 70
    INTERRUPTED = 130


async def run(config: ServeConfig) -> int:
    """Serves until a signal comes; returns the exit code. The one thing a process does."""
    loop = asyncio.get_running_loop()
    logs.watch_loop(loop)
    stop = _stop_on_signals(loop)
    _raise_file_limit()
    if config.ready_file is not None:
        config.ready_file.unlink(missing_ok=True)
    try:
        async with AsyncExitStack() as stack:
            core = await stack.enter_async_context(_open_core(config))
            running = await _start(stack, core, config)
            await stop.wait()
            await _drain(core, running, config.drain_grace_s)
    except StoreError as error:
        return _refuse_to_start("cannot open the store", error, ExitCode.STORE)
    except BindError as error:
        return _refuse_to_start("cannot listen", error, ExitCode.ADDRESS)
    logger.info("stopped")
    return ExitCode.STOPPED


def _refuse_to_start(event: str, error: Exception, code: ExitCode) -> ExitCode:
    """One line with a message that says what to do; a traceback would hide it."""
    logger.error(event, extra={"reason": str(error)})
    return code


@asynccontextmanager
async def _open_core(config: ServeConfig) -> AsyncGenerator[Core]:
    options = CoreOptions(
        testing=config.testing,
        embedded=config.embedded,
        defects=config.defects,
        accept_data_loss=config.accept_data_loss,
        min_free_bytes=config.min_free_bytes,
        webhook_allow=config.webhook_allow,
        backup_dir=config.backup_dir,
    )
    core = await Core.open(str(config.directory), options)
    watcher = asyncio.create_task(_exit_when_storage_fails(core), name="storage failure watcher")
    try:
        yield core
    finally:
        try:
            await core.close()
        except StoreError as error:
            logger.critical("the disk failed at the end: exiting at once", extra={"reason": str(error)})
            _exit_now(ExitCode.STORAGE_FAILED)
        watcher.cancel()


async def _exit_when_storage_fails(core: Core) -> NoReturn:
    await core.failed.wait()
    if core.failed_by_disk:
        logger.critical("the disk failed: exiting at once; check the disk, free space on it, and start again")
    else:
        logger.critical("a defect stopped the engine: exiting at once; start again, and report what stands above")
    _exit_now(ExitCode.STORAGE_FAILED)


async def _start(stack: AsyncExitStack, core: Core, config: ServeConfig) -> RunningServer:
    """Opens both ports, and says so when they are open."""
    if not config.listen.is_loopback():
        logger.warning(
            "listening beyond this machine without authentication: whoever reaches this port can read and delete jobs; "
            "listen on 127.0.0.1 or a Unix socket, or let only trusted networks reach it",
            extra={"listen": str(config.listen)},
        )
    running = await stack.enter_async_context(serve(core, str(config.listen), _server_settings(config)))
    addresses: dict[str, object] = {"listen": running.address, "metrics": None, "pid": os.getpid()}
    if config.metrics is not None:
        port = monitor(core, config.metrics, version(), lambda: not running.draining)
        addresses["metrics"] = str(await stack.enter_async_context(port))
    # What is in memory now stays: spare every later collection the walk through it.
    gc.collect()
    gc.freeze()
    if config.ready_file is not None:
        _write_ready_file(config.ready_file, addresses)
        stack.callback(config.ready_file.unlink, missing_ok=True)
    logger.info("ready", extra={**addresses, "directory": str(config.directory), "version": version()})
    return running


def _server_settings(config: ServeConfig) -> ServerSettings:
    settings = ServerSettings(reflection=config.reflection)
    if config.write_timeout_s is not None:
        settings = replace(settings, write_timeout_s=config.write_timeout_s)
    if "slow_reader_kept" in config.defects:
        settings = replace(settings, write_timeout_s=_FOR_EVER_S)
    return settings


async def _drain(core: Core, running: RunningServer, grace_s: float) -> None:
    await running.announce_shutdown()
    try:
        async with asyncio.timeout(grace_s + DRAIN_MARGIN_S):
            await core.drain(grace_s)
    except TimeoutError:
        logger.warning("draining took too long: stopping without it", extra={"grace_s": grace_s})
    await running.stop()


def _stop_on_signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; the second one ends the process."""
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            logger.warning("second signal: stopping at once", extra={"signal": number.name})
            _exit_now(ExitCode.INTERRUPTED)
        logger.info("stopping: once more to stop at once", extra={"signal": number.name})
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


def _exit_now(code: ExitCode) -> NoReturn:
    """Ends the process without finalizers: they could write to the store, or wait."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def _raise_file_limit() -> None:
    """Each connection and each file of the store takes a descriptor; the soft limit is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            logger.warning("cannot raise the limit of open files", extra={"soft": soft, "hard": hard})


def _write_ready_file(path: Path, addresses: dict[str, object]) -> None:
    """Whoever waits for the file finds it whole."""
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text(json.dumps(addresses) + "\n")
    staged.replace(path)
