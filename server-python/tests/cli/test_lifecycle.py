"""Start, drain and the ways to end, around a core that does as it is told."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import pytest
from api import scripted
from cli.processes import ANY_PORT, SCRIPTED, Process, Start
from grpc_health.v1 import health_pb2


def serve(start: Start, folder: Path, *options: str | Path, script: str = "plain", **environment: str) -> Process:
    arguments = ("serve", folder / "store", *(options or ANY_PORT))
    return start(*arguments, command=SCRIPTED, SCRIPT=script, **environment)


def health_of(address: str) -> int:
    async def ask() -> int:
        async with grpc.aio.insecure_channel(address) as channel:
            return (await scripted.health_of(channel)).status

    return asyncio.run(ask())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_closes(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    server = serve(start, tmp_path, *ANY_PORT, "--drain-grace", "1500ms")
    server.ready()
    server.send(number)
    assert server.exit_code() == 0
    assert server.out.splitlines() == ["drain 1.5", "closed"]
    assert server.event("stopping")["signal"] == number.name
    assert server.log[-1]["event"] == "stopped"


def test_health_says_not_serving_while_draining(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", script="long_drain")
    ready = server.event("ready")
    assert health_of(ready["listen"]) == health_pb2.HealthCheckResponse.SERVING
    assert http_status(ready["metrics"], "readyz") == 200
    server.send(signal.SIGTERM)
    server.printed("drain")
    assert health_of(ready["listen"]) == health_pb2.HealthCheckResponse.NOT_SERVING
    assert http_status(ready["metrics"], "readyz") == 503
    assert http_status(ready["metrics"], "healthz") == 200


def http_status(address: str, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://{address}/{path}", timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_open_connections_do_not_disturb_a_stop(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
    ready = server.event("ready")
    with connected(ready["metrics"]), connected(ready["listen"]):
        assert http_status(ready["metrics"], "healthz") == 200
        assert server.stop() == 0
    assert {line["level"] for line in server.log} == {"info"}


def connected(address: str) -> socket.socket:
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def test_a_second_signal_ends_at_once(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, script="long_drain")
    server.ready()
    server.send(signal.SIGTERM)
    server.printed("drain")
    server.send(signal.SIGTERM)
    assert server.exit_code() == 130
    assert "closed" not in server.out


def test_a_failed_disk_ends_at_once_without_closing(start: Start, tmp_path: Path) -> None:
    server = serve(start, tmp_path, script="disk_fails")
    assert server.exit_code() == 70
    assert server.out == ""
    assert server.log[-1]["level"] == "critical"


@pytest.mark.parametrize("script", ["broken_drain", "close_fails"])
def test_a_defect_while_stopping_is_not_reported_as_a_clean_stop(start: Start, tmp_path: Path, script: str) -> None:
    server = serve(start, tmp_path, script=script)
    server.ready()
    assert server.stop() == 1
    assert "closed" in server.out
    assert "traceback" in server.log[-1]


def test_the_ready_file_is_there_while_the_server_is(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text('{"listen": "127.0.0.1:1"}')
    server = serve(start, tmp_path, *ANY_PORT, "--ready-file", path)
    address = server.ready()
    assert json.loads(path.read_text()) == {"listen": address, "metrics": None, "pid": server.pid}
    assert server.stop() == 0
    assert not path.exists()
    assert list(tmp_path.glob(".ready*")) == []


def test_options_come_from_the_environment_too(start: Start, tmp_path: Path) -> None:
    socket_path = tmp_path / "rq.sock"
    server = start(
        "serve",
        command=SCRIPTED,
        ROCKQUEUE_DIR=str(tmp_path / "store"),
        ROCKQUEUE_LISTEN=f"unix:{socket_path}",
        ROCKQUEUE_METRICS="off",
        ROCKQUEUE_DRAIN_GRACE="2s",
        ROCKQUEUE_READY_FILE=str(tmp_path / "ready"),
    )
    assert server.ready() == f"unix:{socket_path}"
    assert health_of(f"unix:{socket_path}") == health_pb2.HealthCheckResponse.SERVING
    assert (tmp_path / "ready").exists()
    assert server.stop() == 0
    assert "drain 2.0" in server.out
    assert not socket_path.exists()


@pytest.mark.parametrize("option", ["--listen", "--metrics"])
def test_a_taken_port_is_one_clear_line(start: Start, tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        others = {"--listen": "127.0.0.1:0", "--metrics": "127.0.0.1:0"} | {option: taken}
        server = serve(start, tmp_path, *(word for pair in others.items() for word in pair))
        assert server.exit_code() == 2
    (line,) = [line for line in server.log if line["level"] == "error"]
    assert taken in line["reason"]
    assert "choose another address" in line["reason"]
    assert "traceback" not in line
    assert server.out == "closed\n"


@pytest.mark.parametrize(("listen", "warned"), [("0.0.0.0:0", True), ("127.0.0.1:0", False), ("[::1]:0", False)])
def test_an_open_address_gives_a_warning(start: Start, tmp_path: Path, listen: str, *, warned: bool) -> None:
    server = serve(start, tmp_path, "--listen", listen, "--metrics", "off")
    server.ready()
    assert any("without authentication" in line["event"] for line in server.log) is warned
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--metrics", "unix:/x"], "HOST:PORT"),
        (["--drain-grace", "soon"], "write 30s"),
        (["--log-level", "loud"], "debug, info"),
        (["--defect", "x"], "--testing"),
        (["--write-timeout", "1s"], "--testing"),
        (["--testing", "--write-timeout", "soon"], "write 30s"),
        (["--nonsense"], "No such option"),
    ],
)
def test_a_wrong_option_is_explained(start: Start, tmp_path: Path, options: list[str], hint: str) -> None:
    command = serve(start, tmp_path, *options)
    assert command.exit_code() == 2
    assert hint in command.err
    assert "Traceback" not in command.err


def test_help_names_commands_and_what_to_do_first(start: Start) -> None:
    top, serve_help = start("--help"), start("serve", "--help")
    assert (top.exit_code(), serve_help.exit_code()) == (0, 0)
    assert all(word in top.out for word in ("serve", "check", "version", "rockqueue serve ./jobs.db"))
    assert all(word in serve_help.out for word in ("Examples", "ROCKQUEUE_LISTEN", "ROCKQUEUE_URL", "Exit codes"))
    assert not any(word in serve_help.out for word in ("defect", "write-timeout"))


@pytest.mark.parametrize(
    ("command", "arguments", "examples"),
    [
        ("serve", "DIR", ["Examples:", "  rockqueue serve ./jobs.db"]),
        ("check", "DIR", ["Examples:", "  rockqueue check ./jobs.db", "  rockqueue check ./jobs.db --json"]),
        (
            "backup",
            "[DIR] [DEST]",
            ["Examples:", "  rockqueue backup --server 127.0.0.1:7655         # named by the time"],
        ),
        ("restore", "BACKUP DIR", ["Example:", "  rockqueue restore /mnt/backups/monday ./jobs.db"]),
    ],
)
def test_examples_stand_one_a_line(start: Start, command: str, arguments: str, examples: list[str]) -> None:
    shown = start(command, "--help")
    assert shown.exit_code() == 0
    lines = [line.removeprefix("  ") for line in shown.out.splitlines()]
    assert lines[0].endswith(f" {command} [OPTIONS] {arguments}")
    begin = lines.index(examples[0])
    assert lines[begin : begin + len(examples)] == examples


def test_version_prints_the_version(start: Start) -> None:
    command = start("version")
    assert command.exit_code() == 0
    assert command.out.startswith("rockqueue 0.")
