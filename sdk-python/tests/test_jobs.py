"""Typed jobs, options and payloads."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import rockqueue
from rockqueue import JSON, JobContext, NewJob, PayloadError
from rockqueue._options import build_spec
from rockqueue._worker.handlers import build_handlers, plain_handler
from rockqueue.v1 import job_pb2


@rockqueue.job(queue="mail", max_attempts=5, priority=1)
async def send(ctx: JobContext, to: str, *, subject: str = "Hello") -> str:
    return f"{ctx}: {subject} to {to}"


@rockqueue.job
def tidy(days: int = 7) -> int:
    return days * 2


def test_a_job_stays_a_function() -> None:
    assert tidy(3) == 6
    assert (tidy.name, tidy.queue) == ("tidy", "default")


def test_arguments_travel_by_name_and_defaults_do_not() -> None:
    assert send.new("a@b.c").payload == {"to": "a@b.c"}
    assert send.new(to="a@b.c", subject="Hi").payload == {"to": "a@b.c", "subject": "Hi"}
    assert tidy.new(3).payload == {"days": 3}
    assert tidy.new().payload == {}


def test_wrong_arguments_are_a_type_error() -> None:
    wrong: Any = send
    for arguments in ({}, {"too": "x"}, {"to": "x", "extra": 1}):
        with pytest.raises(TypeError):
            wrong.new(**arguments)


def test_options_of_the_decorator_and_of_the_push() -> None:
    job = send.options(priority=10, queue="urgent").new(to="x")
    assert job.queue == "urgent"
    assert job.options == {"max_attempts": 5, "priority": 10}
    assert send.new(to="x").options == {"max_attempts": 5, "priority": 1}


def test_arguments_that_cannot_travel_by_name_are_refused() -> None:
    def many(*values: int) -> None:
        del values

    def positional(value: int, /) -> None:
        del value

    for function in (many, positional):
        with pytest.raises(TypeError, match="by name"):
            rockqueue.job(function)


def test_open_keyword_arguments_travel_too() -> None:
    @rockqueue.job
    def log(kind: str, **fields: int) -> dict[str, Any]:
        return {"kind": kind, **fields}

    assert log.new(kind="x", a=1).payload == {"kind": "x", "a": 1}
    assert log.signature.arguments({"kind": "x", "a": 1}) == {"kind": "x", "a": 1}


@pytest.mark.parametrize("payload", [[1], "text", {"to": "x", "bcc": "y"}, {}])
def test_a_payload_that_does_not_fit_is_a_payload_error(payload: object) -> None:
    with pytest.raises(PayloadError):
        send.signature.arguments(payload)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"delay": 1, "run_time": datetime.now(UTC)}, ValueError),
        ({"ttl": 1, "expire_time": datetime.now(UTC)}, ValueError),
        ({"run_time": datetime(2030, 1, 1)}, ValueError),  # noqa: DTZ001 - what this case is about
        ({"prioritty": 1}, TypeError),
        ({"tags": "abc"}, TypeError),
        ({"unique": rockqueue.Unique("k", scope="planet")}, ValueError),  # type: ignore[arg-type]
        ({"retry": rockqueue.RetryPolicy(kind="sometimes")}, ValueError),  # type: ignore[arg-type]
    ],
)
def test_options_that_make_no_sense(options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        build_spec("q", "n", None, options, JSON)


def test_max_attempts_alone_keeps_the_other_defaults() -> None:
    spec = build_spec("q", "n", None, {"max_attempts": 4, "unique": "key", "delay": 0}, JSON)
    assert spec.retry == job_pb2.RetryPolicy(max_attempts=4)
    assert (spec.unique.key, spec.unique.state) == ("key", job_pb2.UNIQUE_UNTIL_FINISHED)
    assert spec.WhichOneof("start") == "delay"


def test_none_is_the_same_as_leaving_out() -> None:
    nothing: Any = dict.fromkeys(rockqueue.JobOptions.__annotations__)
    assert build_spec("q", "n", None, nothing, JSON) == build_spec("q", "n", None, {}, JSON)


@pytest.mark.parametrize("value", [None, 1, "é", [1, {"a": None}], b"\x00raw"])
def test_values_come_back_as_they_were(value: object) -> None:
    assert JSON.decode(*JSON.encode(value)) == value


def test_json_is_plain() -> None:
    assert JSON.encode({"a": "é", "b": [1]}) == ('{"a":"é","b":[1]}'.encode(), "application/json")
    assert JSON.decode(b"text", "text/plain; charset=utf-8") == "text"
    assert JSON.decode(b'{"a":1}', "application/problem+json") == {"a": 1}
    assert JSON.decode(b"", "") is None


@pytest.mark.parametrize("value", [datetime.now(UTC), object(), {1: object()}, float("nan")])
def test_what_json_cannot_say_is_a_payload_error(value: object) -> None:
    with pytest.raises(PayloadError):
        JSON.encode(value)


@pytest.mark.parametrize(("data", "kind"), [(b"{", ""), (b"\xff", "application/json"), (b"\xff", "text/plain")])
def test_what_is_not_what_it_says_is_a_payload_error(data: bytes, kind: str) -> None:
    with pytest.raises(PayloadError):
        JSON.decode(data, kind)


def test_handlers_of_other_shapes_are_refused() -> None:
    def three(one: int, two: int, three: int) -> int:
        return one + two + three

    def one(payload: object) -> object:
        return payload

    for function in (dict, three):
        with pytest.raises((TypeError, ValueError)):
            plain_handler(function)
    with pytest.raises(ValueError, match="two handlers"):
        build_handlers([send], {"send": one})
    with pytest.raises(ValueError, match="jobs="):
        build_handlers([], {})


def test_a_new_job_takes_options() -> None:
    job = NewJob("q", "n", 1, priority=3)
    assert (job.queue, job.name, job.payload, job.options) == ("q", "n", 1, {"priority": 3})


PROGRAM = """
import rockqueue
from rockqueue import Client, JobContext, SyncClient

@rockqueue.job(queue="mail")
async def send(ctx: JobContext, to: str, copies: int = 1) -> None: ...

@rockqueue.job
def plain(days: int) -> None: ...

@rockqueue.job
async def price(item: str) -> float: ...

@rockqueue.job
def count(ctx: JobContext) -> int: ...

async def main(client: Client, sync: SyncClient) -> None:
    reveal_type(await send.push(client, to="x"))
    reveal_type(plain.push(sync, days=3))
    reveal_type(await price.result(client, "id"))
    reveal_type(price.result(sync, "id", timeout=1))
    reveal_type(await count.result(client, "id"))
    reveal_type(count.result(sync, "id"))
    await send.options(priority=1).push(client, "x", copies=2)
    await send.push(client, to=1)
    await send.push(client)
    plain.push(sync, days="many")
    await send.options(prioritty=1).push(client, to="x")
    await client.push("q", "n", {}, delay=60, tags=["a"])
    await client.push("q", "n", {}, delay="soon")
"""


def test_pyright_checks_pushes(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)["generalDiagnostics"]
    at_fault: set[int] = {one["range"]["start"]["line"] for one in found if one["severity"] == "error"}
    errors = sorted(PROGRAM.splitlines()[line].strip() for line in at_fault)
    assert errors == [
        'await client.push("q", "n", {}, delay="soon")',
        'await send.options(prioritty=1).push(client, to="x")',
        "await send.push(client)",
        "await send.push(client, to=1)",
        'plain.push(sync, days="many")',
    ]
    revealed = [one["message"] for one in found if one["severity"] == "information"]
    assert revealed == [
        'Type of "await send.push(client, to="x")" is "PushedJob"',
        'Type of "plain.push(sync, days=3)" is "PushedJob"',
        'Type of "await price.result(client, "id")" is "float"',
        'Type of "price.result(sync, "id", timeout=1)" is "float"',
        'Type of "await count.result(client, "id")" is "int"',
        'Type of "count.result(sync, "id")" is "int"',
    ]
