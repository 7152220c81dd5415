"""Variables, sums of times, and generated values."""

from __future__ import annotations

from typing import Any

import pytest

from rockqueue_conformance.language.paths import NoSuchPath, get_path, set_path
from rockqueue_conformance.language.times import duration_ns, duration_text, moment_ns, moment_text
from rockqueue_conformance.language.values import UnknownVariable, resolve

SCOPE: dict[str, Any] = {
    "now": "2026-01-01T00:00:00Z",
    "n": 3,
    "job": {"id": "x", "tags": ["a", "b"]},
    "jobs": [{"id": 1}, {"id": 2}],
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("${n}", 3),
        ("a${n}b", "a3b"),
        ("${n + 2}", 5),
        ("${job}", {"id": "x", "tags": ["a", "b"]}),
        ("${job.tags[-1]}", "b"),
        ("${jobs[*].id}", [1, 2]),
        ("${now + 90s}", "2026-01-01T00:01:30Z"),
        ("${now - 0.5s}", "2025-12-31T23:59:59.500Z"),
        ("${now + 2d}", "2026-01-03T00:00:00Z"),
        ({"${n}": ["${n}"]}, {"3": [3]}),
        ({"$utf8": "hi"}, "aGk="),
        ({"$bytes": 3}, "eHh4"),
        ({"$chars": 4}, "xxxx"),
        ({"$chars": {"count": 2, "char": "é"}}, "éé"),
        ({"$list": {"count": 2, "item": {"k": "v${i}"}}}, [{"k": "v0"}, {"k": "v1"}]),
        ({"$map": {"count": 2, "key": "k${i}", "value": "${i}"}}, {"k0": 0, "k1": 1}),
        ({"$join": [[1], "${job.tags}"]}, [1, "a", "b"]),
        ({"$seconds": "2h"}, "7200s"),
        ({"$at_least": "${n}"}, {"$at_least": 3}),
    ],
)
def test_resolve(value: Any, expected: Any) -> None:
    assert resolve(value, SCOPE) == expected


@pytest.mark.parametrize("value", ["${nobody}", "${job.nothing}", "${jobs[7]}", "a ${nobody} b"])
def test_an_unknown_variable_is_an_error(value: str) -> None:
    with pytest.raises(UnknownVariable):
        resolve(value, SCOPE)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1s", 10**9),
        ("1.5s", 1_500_000_000),
        ("-1s", -(10**9)),
        ("-1.5s", -1_500_000_000),
        ("20ms", 20_000_000),
        ("7d", 7 * 86_400 * 10**9),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert duration_ns(text) == nanoseconds


@pytest.mark.parametrize("text", ["1", "s", "1 s", "1x", ""])
def test_what_is_no_duration(text: str) -> None:
    assert duration_ns(text) is None


def test_moments_there_and_back() -> None:
    text = "2026-02-03T04:05:06.123456789Z"
    found = moment_ns(text)
    assert found is not None
    assert moment_text(found) == text
    assert moment_ns("2026-02-03") is None
    assert duration_text(1_500_000_000) == "1.500s"


def test_setting_and_removing_by_path() -> None:
    data: dict[str, Any] = {"jobs": [{"name": "n"}]}
    set_path(data, "jobs[0].retry.base", "1s")
    set_path(data, "jobs[0].name", "<remove>")
    assert data == {"jobs": [{"retry": {"base": "1s"}}]}
    with pytest.raises(NoSuchPath):
        get_path(data, "jobs[0].name")
    with pytest.raises(ValueError, match="not a path"):
        get_path(data, "jobs[x]")
