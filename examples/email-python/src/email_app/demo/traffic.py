"""The people who use the web app: they sign up, forget their passwords, and remember every 202 they were given."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import httpx

Wish = Literal["signup", "reset-password"]

IN_FLIGHT = 8
"""How many requests run at once."""


@dataclass(slots=True)
class Promises:
    """What the app has promised so far."""

    acknowledged: dict[str, Wish] = field(default_factory=dict[str, Wish])
    """Job id of each 202, and what was asked for."""
    answered_s: dict[str, float] = field(default_factory=dict[str, float])
    """When each 202 came, in seconds since 1970."""
    refused: int = 0
    """Requests that were answered otherwise: nothing was promised."""
    unanswered: int = 0
    """Requests whose answer never came: the mail may or may not be on disk."""


class Visitors:
    """Sends requests to the app at `base_url`, and keeps its promises in mind."""

    def __init__(self, promises: Promises, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.promises = promises
        self._transport = transport
        self._next_visitor = 1

    async def visit(self, base_url: str, wishes: Sequence[Wish]) -> None:
        """Posts the wishes in this order, a few at a time, and returns when all are answered."""
        limit = asyncio.Semaphore(IN_FLIGHT)
        async with (
            httpx.AsyncClient(base_url=base_url, timeout=10, transport=self._transport) as http,
            asyncio.TaskGroup() as tasks,
        ):
            for wish in wishes:
                await limit.acquire()
                visitor = tasks.create_task(self._ask(http, wish, self._next_visitor))
                visitor.add_done_callback(lambda _: limit.release())
                self._next_visitor += 1

    async def _ask(self, http: httpx.AsyncClient, wish: Wish, visitor: int) -> None:
        try:
            answer = await http.post(f"/{wish}", json={"email": f"visitor-{visitor:02}@mail.example"})
        except httpx.TransportError:
            self.promises.unanswered += 1
            return
        if answer.status_code == HTTPStatus.ACCEPTED:
            job_id = str(answer.json()["job_id"])
            assert job_id not in self.promises.acknowledged, "two requests were given the same job"
            self.promises.acknowledged[job_id] = wish
            self.promises.answered_s[job_id] = time.time()
        elif answer.is_server_error:
            self.promises.unanswered += 1
        else:
            self.promises.refused += 1


def signups(count: int) -> list[Wish]:
    """So many signups."""
    return ["signup"] * count


def mixed(signed_up: int, resets: int, seed: int) -> list[Wish]:
    """So many of each, in an order that the seed decides."""
    wishes = signups(signed_up)
    wishes.extend("reset-password" for _ in range(resets))
    random.Random(seed).shuffle(wishes)  # noqa: S311  chance that can be repeated is the point
    return wishes


async def ask_app(base_url: str, path: str) -> Any:
    """What the app answers to a GET, as JSON. Raises httpx.HTTPError."""
    async with httpx.AsyncClient(base_url=base_url, timeout=10) as http:
        return (await http.get(path)).raise_for_status().json()
