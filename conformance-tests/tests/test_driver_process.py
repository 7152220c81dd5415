"""The runner's side of the driver protocol, against drivers that keep it and drivers that do not."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rockqueue_conformance.sdk import process
from rockqueue_conformance.sdk.drivers import DriverMissing, DriverSpec, choose_drivers, fill, load_drivers
from rockqueue_conformance.sdk.process import DriverProcess, DriverTrouble
from rockqueue_conformance.sdk.values import content

HERE = Path(__file__).parent


@asynccontextmanager
async def a_driver(tmp_path: Path, manner: str = "") -> AsyncGenerator[DriverProcess]:
    command = (sys.executable, str(HERE / "fake_driver.py"), *([manner] if manner else []))
    driver = DriverProcess(DriverSpec("fake", str(HERE), command), "fake", tmp_path / "log")
    try:
        await driver.start()
        yield driver
    finally:
        await driver.kill()


async def test_commands_are_answered(tmp_path: Path) -> None:
    async with a_driver(tmp_path) as driver:
        assert (driver.hello["sdk"], driver.features) == ("rockqueue-fake", ["cancel_cause"])
        answer = await driver.call("get_job", {"client": "c", "job_id": "j"}, 5.0)
        shown = content(answer)
        assert (shown["id"], shown["state"], shown["payload"]) == ("j", "WAITING", {"value": [1]})
        assert (await driver.call("get_queue", {}, 5.0))["error"]["reason"] == "QUEUE_NOT_FOUND"
        assert "unsupported" in await driver.call("list_queues", {}, 5.0)
        assert driver.memory_mib() > 1
        assert await driver.close() == 0


async def test_observations_are_kept_until_the_driver_begins_anew(tmp_path: Path) -> None:
    async with a_driver(tmp_path) as driver:
        await driver.call("get_worker", {"worker": "w"}, 5.0)
        assert [one["began"]["attempt"] for one in driver.observations] == [1, 1]
        assert driver.flaws == []
        assert await driver.reset()
        assert driver.observations == []


@pytest.mark.parametrize(
    ("manner", "command", "complaint"),
    [
        ("dies", "get_job", "ended"),
        ("silent", "get_job", "did not answer get_job within 0.3 s"),
    ],
)
async def test_a_driver_that_gives_no_answer_is_told(tmp_path: Path, manner: str, command: str, complaint: str) -> None:
    async with a_driver(tmp_path, manner) as driver:
        with pytest.raises(DriverTrouble, match=complaint):
            await driver.call(command, {"job_id": "j"}, 0.3 if manner == "silent" else 5.0)


@pytest.mark.parametrize(
    ("manner", "flaw"),
    [("skips", "observation 3 came after 1"), ("twice", "the driver answered command 1 twice")],
)
async def test_a_driver_that_breaks_the_protocol_is_told(tmp_path: Path, manner: str, flaw: str) -> None:
    async with a_driver(tmp_path, manner) as driver:
        await driver.call("get_worker", {"worker": "w"}, 5.0)
        await driver.call("get_job", {"job_id": "j"}, 5.0)
        assert [found for found in driver.flaws if flaw in found]


async def test_a_driver_that_writes_something_else_is_told(tmp_path: Path) -> None:
    with pytest.raises(DriverTrouble, match="is something else written to its output"):
        async with a_driver(tmp_path, "babbles"):
            pass


async def test_a_driver_that_says_no_hello_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "HELLO_TIMEOUT_S", 0.3)
    with pytest.raises(DriverTrouble, match="did not answer hello"):
        async with a_driver(tmp_path, "mute"):
            pass


async def test_a_driver_that_was_killed_takes_no_command(tmp_path: Path) -> None:
    async with a_driver(tmp_path) as driver:
        await driver.kill()
        assert not await driver.reset()
        with pytest.raises(DriverTrouble, match="does not run"):
            await driver.call("get_job", {}, 1.0)


async def test_a_command_that_does_not_exist_is_told(tmp_path: Path) -> None:
    driver = DriverProcess(DriverSpec("none", str(tmp_path), ("/no/such/program",)), "none", tmp_path / "log")
    with pytest.raises(DriverTrouble, match="cannot start"):
        await driver.start()


def a_spec(name: str, requires: tuple[str, ...] = (), build: tuple[str, ...] = ()) -> DriverSpec:
    return DriverSpec(name, str(HERE), ("true",), build, requires)


def test_drivers_are_chosen_by_name_or_language() -> None:
    there = {one.name: one for one in (a_spec("python-async"), a_spec("python-sync"), a_spec("go", ("/no/go.mod",)))}
    assert [one.name for one in choose_drivers(there, ("python",))] == ["python-async", "python-sync"]
    assert [one.name for one in choose_drivers(there, ("python-sync",))] == ["python-sync"]
    assert [one.name for one in choose_drivers(there, ())] == ["python-async", "python-sync"]
    with pytest.raises(DriverMissing, match="the driver go is not there"):
        choose_drivers(there, ("go",))
    with pytest.raises(DriverMissing, match="no driver is called 'cobol'"):
        choose_drivers(there, ("cobol",))


async def test_a_driver_that_cannot_be_built_is_told() -> None:
    await a_spec("ok", build=(sys.executable, "-c", "pass")).prepare()
    with pytest.raises(DriverMissing, match=r"cannot be built.*\n.*no compiler"):
        await a_spec("bad", build=(sys.executable, "-c", "raise SystemExit('no compiler')")).prepare()


def test_the_drivers_of_the_suite() -> None:
    drivers = load_drivers()
    assert list(drivers) == ["python-async", "python-sync", "node", "go"]
    assert drivers["python-sync"].lacks() == ""
    assert fill("{python}") == sys.executable
    assert all(reason for one in drivers.values() for reason in one.known_failing().reasons.values())
