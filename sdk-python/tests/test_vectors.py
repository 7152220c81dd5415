"""URLs and backoff by the tables that every SDK shares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rockqueue import CallRetry, Client
from rockqueue._retry import backoff
from rockqueue._url import DEFAULT_URL, Target, parse_url
from rockqueue._worker import session

VECTORS = Path(__file__).parent / "vectors"
URLS: dict[str, Any] = json.loads((VECTORS / "urls.json").read_text())
BACKOFF: dict[str, Any] = json.loads((VECTORS / "backoff.json").read_text())


@pytest.mark.parametrize("case", URLS["cases"], ids=lambda case: case["url"])
def test_url(case: dict[str, Any]) -> None:
    if case.get("error"):
        with pytest.raises(ValueError, match=r"rockqueue|embedded|unix"):
            parse_url(case["url"])
    else:
        assert parse_url(case["url"]) == Target(case["kind"], case["address"])


def test_an_argument_wins_over_the_environment_and_that_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROCKQUEUE_URL", raising=False)
    assert Client().url == DEFAULT_URL == URLS["default_url"]
    monkeypatch.setenv(URLS["environment_variable"], "rockqueue://elsewhere")
    assert Client().url == "rockqueue://elsewhere"
    assert Client("embedded:./jobs.db").url == "embedded:./jobs.db"


@pytest.mark.parametrize("case", BACKOFF["cases"])
def test_backoff(case: dict[str, Any]) -> None:
    pause = backoff(case["failures"], case["initial"], case["longest"], case["factor"])
    assert pause == pytest.approx(case["seconds"])


def test_the_defaults_are_those_of_the_table() -> None:
    retry = CallRetry()
    assert (retry.initial_delay, retry.max_delay) == tuple(BACKOFF["calls"].values())
    assert tuple(BACKOFF["reconnects"].values()) == (session.FIRST_PAUSE_S, session.LONGEST_PAUSE_S)
