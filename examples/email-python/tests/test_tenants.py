"""The limit of a tenant is set also when the queue comes late; the routes are tested with the app."""

from types import SimpleNamespace
from typing import Any

import pytest

from email_app.tenants import limit_tenants
from rockqueue import InvalidRequest, RockQueueError, Unavailable


def queue(*answers: RockQueueError | None) -> tuple[Any, list[tuple[str, dict[str, int]]]]:
    """A queue that answers so, one call after the other, and the calls that it had."""
    calls: list[tuple[str, dict[str, int]]] = []

    async def update(name: str, **settings: int) -> None:
        calls.append((name, settings))
        if (error := answers[len(calls) - 1]) is not None:
            raise error

    return SimpleNamespace(queues=SimpleNamespace(update=update)), calls


async def test_the_limit_is_set_as_soon_as_the_queue_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("email_app.tenants.PAUSE_S", 0.001)
    client, calls = queue(Unavailable("away"), Unavailable("away"), None)
    await limit_tenants(client)
    assert calls == [("mail", {"group_max_active": 5})] * 3


async def test_a_limit_that_the_queue_refuses_is_told_and_not_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    client, calls = queue(InvalidRequest("too small"))
    await limit_tenants(client)
    assert len(calls) == 1
    assert "the limit of a tenant could not be set: too small" in capsys.readouterr().out
