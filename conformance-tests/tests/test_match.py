"""What fits and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from rockqueue_conformance.language.match import MATCHERS, MISSING, fits, match

FITS: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": {"b": "x"}}, {"a": {"b": "x", "c": 0}}),
    (5, "5"),
    (-5, "-5"),
    (12345678901, "12345678901"),
    ("10s", "10.000s"),
    ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
    ({"a": None}, {}),
    ([{"x": 1}, {}], [{"x": 1, "y": 2}, {"z": 3}]),
    ({"$exact": {"a": 1}}, {"a": 1}),
    ({"$any_of": [1, 2]}, 2),
    ({"$all_of": [{"$at_least": 1}, {"$at_most": 3}]}, 2),
    ({"$not": 3}, 2),
    ({"$absent": True}, MISSING),
    ({"$absent": False}, ""),
    ({"$at_least": "5s"}, "5.1s"),
    ({"$below": "2026-01-02T00:00:00Z"}, "2026-01-01T23:59:59.999999Z"),
    ({"$above": "abc"}, "abd"),
    ({"$matches": "^ab"}, "abc"),
    ({"$len": 2}, [1, 2]),
    ({"$len": {"$at_least": 1}}, "x"),
    ({"$each": {"a": 1}}, [{"a": 1}, {"a": 1, "b": 2}]),
    ({"$contains": [{"a": 2}]}, [{"a": 1}, {"a": 2}]),
    ({"$unordered": [{"a": 2}, {"a": 1}]}, [{"a": 1}, {"a": 2}]),
    ({"$distinct": True}, [1, 2, 3]),
    ({"$distinct": 2}, [1, 2, 1]),
    ({"$distinct": {"$at_least": 2}}, [1, 2, 1]),
    ({"$sorted": "ascending"}, ["a", "b"]),
    ({"$sorted": "descending"}, [3, 2]),
    ({"$count": {"where": {"a": 1}, "is": 2}}, [{"a": 1}, {"a": 2}, {"a": 1}]),
    ({"$path": {"[*].a": [1, 2], "[-1].a": 2}}, [{"a": 1}, {"a": 2}]),
    ({"$near": {"value": "2026-01-01T00:00:00Z", "within": "1s"}}, "2026-01-01T00:00:01Z"),
]

FITS_NOT: list[tuple[Any, Any]] = [
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {}),
    ({"a": 1}, MISSING),
    ({"a": None}, {"a": 0}),
    (1, True),
    (True, 1),
    (0, False),
    (5, "5s"),
    ("10s", "10.001s"),
    ("a", "b"),
    ([{}], []),
    ([], [1]),
    ([1, 2], [2, 1]),
    ({"$exact": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$any_of": [1, 2]}, 3),
    ({"$all_of": [{"$at_least": 1}, {"$at_most": 3}]}, 4),
    ({"$not": 3}, 3),
    ({"$absent": True}, ""),
    ({"$absent": False}, MISSING),
    ({"$at_least": "5s"}, "4.9s"),
    ({"$at_least": "5s"}, 6),
    ({"$at_most": 1}, MISSING),
    ({"$below": "2026-01-02T00:00:00Z"}, "2026-01-02T00:00:00Z"),
    ({"$above": "abd"}, "abd"),
    ({"$matches": "^b"}, "abc"),
    ({"$matches": "."}, MISSING),
    ({"$len": 2}, [1]),
    ({"$len": 0}, MISSING),
    ({"$each": {"a": 1}}, [{"a": 1}, {"a": 2}]),
    ({"$contains": [{"a": 3}]}, [{"a": 1}, {"a": 2}]),
    ({"$unordered": [{"a": 2}]}, [{"a": 1}, {"a": 2}]),
    ({"$unordered": [{"a": 2}, {"a": 2}]}, [{"a": 1}, {"a": 2}]),
    ({"$distinct": True}, [1, 1]),
    ({"$distinct": 2}, [1, 1]),
    ({"$sorted": "ascending"}, ["b", "a"]),
    ({"$sorted": "descending"}, [2, 3]),
    ({"$count": {"where": {"a": 1}, "is": 2}}, [{"a": 1}]),
    ({"$path": {"[*].a": [1]}}, [{"a": 2}]),
    ({"$path": {"b.c": 1}}, {"b": {}}),
    ({"$near": {"value": "2026-01-01T00:00:00Z", "within": "1s"}}, "2026-01-01T00:00:01.001Z"),
    ({"$near": {"value": "2026-01-01T00:00:00Z", "within": "1s"}}, MISSING),
]


@pytest.mark.parametrize(("expected", "got"), FITS)
def test_fits(expected: Any, got: Any) -> None:
    assert match(expected, got) == []


@pytest.mark.parametrize(("expected", "got"), FITS_NOT)
def test_does_not_fit(expected: Any, got: Any) -> None:
    assert not fits(expected, got)


def test_every_matcher_is_seen_to_fit_and_to_fail() -> None:
    def used(rows: list[tuple[Any, Any]]) -> set[str]:
        text = repr(rows)
        return {key for key in MATCHERS if f"'{key}'" in text}

    assert used(FITS) == set(MATCHERS)
    assert used(FITS) == used(FITS_NOT)


def test_a_mismatch_names_its_place() -> None:
    found = match({"a": [{"b": 1}]}, {"a": [{"b": 2}]})
    assert [str(one) for one in found] == ["at a[0].b: expected 1, got 2"]


def test_all_mismatches_are_named() -> None:
    assert len(match({"a": 1, "b": 2, "c": 3}, {"a": 0, "b": 2})) == 2
