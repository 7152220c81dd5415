"""The web app on an embedded queue, with a real mail server on loopback."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from email_app.api import create_app
from email_app.mails import QUEUE
from email_app.settings import MAIL_SERVER_VARIABLE, QueueSettings
from email_app.smtp_sink import Arrival, SmtpSink, open_sink, read_arrivals
from rockqueue import Client, QueueNotFound

TIMEOUT_S = 20.0
NOBODY = "0193f5a0-0000-7000-8000-000000000000"


@dataclass
class Shop:
    """A running app: its HTTP side, its client of the queue, and the mails that arrived."""

    http: httpx.AsyncClient
    queue: Client
    mails: Path

    async def ask_for(self, wish: str, email: str = "ann@mail.example", tenant: str | None = None) -> str:
        answer = await self.http.post(f"/{wish}", json={"email": email, **({"tenant": tenant} if tenant else {})})
        assert answer.status_code == 202, answer.text
        return answer.json()["job_id"]

    async def figures(self) -> dict[str, Any]:
        return (await self.http.get("/stats")).json()

    def arrivals(self) -> list[Arrival]:
        return list(read_arrivals(self.mails))

    async def group_limit(self) -> int | None:
        """The limit of a tenant's mails. The app sets it when it starts, and does not wait for that."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                with suppress(QueueNotFound):
                    if limit := (await self.queue.queues.get(QUEUE)).group_max_active:
                        return limit
                await asyncio.sleep(0.02)

    async def cancel(self, query: str) -> dict[str, Any]:
        answer = await self.http.delete(f"/mails?{query}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def until(self, reached: Callable[[dict[str, Any]], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                if reached(await self.figures()):
                    return
                await asyncio.sleep(0.02)


@dataclass
class Town:
    """A folder for the queue, and a mail server that refuses as it is told."""

    folder: Path
    sink: SmtpSink

    @asynccontextmanager
    async def shop(self) -> AsyncGenerator[Shop]:
        app = create_app(QueueSettings(f"embedded:{self.folder / 'jobs.db'}"))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as http:
                yield Shop(http, app.state.rockqueue, self.folder / "mails.jsonl")


@pytest.fixture
async def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Town]:
    sink = SmtpSink(tmp_path / "mails.jsonl", seed=1, share=0.0)
    async with open_sink(sink) as port:
        monkeypatch.setenv(MAIL_SERVER_VARIABLE, f"127.0.0.1:{port}")
        yield Town(tmp_path, sink)


async def test_a_signup_is_acknowledged_and_its_mail_arrives(town: Town) -> None:
    async with town.shop() as shop:
        job_id = await shop.ask_for("signup")
        await shop.until(lambda now: now["completed"] == 1)
        (mail,) = shop.arrivals()
        assert (mail.job_id, mail.attempt, mail.recipient) == (job_id, 1, "ann@mail.example")
        assert mail.message_id == f"<{job_id}@shop.example>"
        job = (await shop.http.get(f"/jobs/{job_id}")).json()
        assert (job["name"], job["state"], job["attempt"], job["failures"]) == ("welcome-email", "COMPLETED", 1, 0)


async def test_an_acknowledged_mail_is_still_there_after_a_restart(town: Town) -> None:
    async with town.shop() as shop:
        await shop.ask_for("signup")
        await shop.until(lambda now: now["completed"] == 1)
        await shop.queue.queues.pause(QUEUE)
        waiting = [await shop.ask_for("signup") for _ in range(3)]
    async with town.shop() as shop:
        figures = await shop.figures()
        assert (figures["waiting"], figures["completed"]) == (3, 1)
        await shop.queue.queues.resume(QUEUE)
        await shop.until(lambda now: now["completed"] == 4)
        assert {mail.job_id for mail in shop.arrivals()[1:]} == set(waiting)


async def test_a_reset_overtakes_the_welcome_mails_that_wait(town: Town) -> None:
    async with town.shop() as shop:
        await shop.ask_for("signup")
        await shop.until(lambda now: now["completed"] == 1)
        await shop.queue.queues.pause(QUEUE)
        for _ in range(3):
            await shop.ask_for("signup")
        reset = await shop.ask_for("reset-password")
        waiting = [job.id async for job in shop.queue.list(queue=QUEUE, state="WAITING")]
        assert waiting[0] == reset, "a listing of waiting jobs is in the order of delivery"
        assert len(waiting) == 4


async def test_resets_are_more_urgent_and_tried_more_often(town: Town) -> None:
    async with town.shop() as shop:
        welcome = await shop.queue.get(await shop.ask_for("signup"))
        reset = await shop.queue.get(await shop.ask_for("reset-password"))
    assert (welcome.name, welcome.queue, welcome.priority) == ("welcome-email", QUEUE, 0)
    assert (reset.name, reset.queue, reset.priority) == ("password-reset", QUEUE, 10)
    assert welcome.proto.spec.retry.max_attempts == 3
    assert reset.proto.spec.retry.max_attempts == 5


async def test_stats_of_an_empty_queue_are_zero(town: Town) -> None:
    async with town.shop() as shop:
        assert set((await shop.figures()).values()) == {0}


async def test_stats_tell_how_long_the_oldest_mail_has_waited(town: Town) -> None:
    async with town.shop() as shop:
        await shop.queue.queues.update(QUEUE, max_active=1)
        await shop.queue.queues.pause(QUEUE)
        await shop.ask_for("signup")
        await shop.until(lambda now: now["waiting"] == 1 and 0.05 < now["oldest_age_s"] < TIMEOUT_S)


async def test_a_mail_refused_at_every_attempt_is_a_dead_letter_and_can_be_sent_again(town: Town) -> None:
    town.sink.share = 1.0
    async with town.shop() as shop:
        job_id = await shop.ask_for("signup")
        await shop.until(lambda now: now["dead"] == 1)
        (letter,) = (await shop.http.get("/dead-letters")).json()
        assert (letter["job_id"], letter["state"], letter["failures"]) == (job_id, "DEAD", 3)
        assert "Try again later" in letter["last_error"]
        assert shop.arrivals() == []

        town.sink.share = 0.0
        assert (await shop.http.post(f"/jobs/{job_id}/retry")).status_code == 202
        await shop.until(lambda now: now["completed"] == 1 and now["dead"] == 0)
        assert [(mail.job_id, mail.attempt) for mail in shop.arrivals()] == [(job_id, 4)]


async def test_only_a_dead_letter_can_be_sent_again(town: Town) -> None:
    async with town.shop() as shop:
        job_id = await shop.ask_for("signup")
        await shop.until(lambda now: now["completed"] == 1)
        assert (await shop.http.post(f"/jobs/{job_id}/retry")).status_code == 409
        assert (await shop.http.post(f"/jobs/{NOBODY}/retry")).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"email": "ann"}, {"email": "a b@mail.example"}, {"email": "a" * 250 + "@m.example"}]
)
async def test_a_malformed_address_queues_nothing(town: Town, body: dict[str, str]) -> None:
    async with town.shop() as shop:
        for path in ("/signup", "/reset-password"):
            assert (await shop.http.post(path, json=body)).status_code == 422
        assert set((await shop.figures()).values()) == {0}


async def test_an_unknown_mail_is_not_found(town: Town) -> None:
    async with town.shop() as shop:
        assert (await shop.http.get(f"/jobs/{NOBODY}")).status_code == 404
        assert (await shop.http.get("/jobs/nonsense")).status_code == 422


async def test_a_mail_is_in_the_group_of_its_tenant_and_a_tenant_has_a_limit(town: Town) -> None:
    async with town.shop() as shop:
        for wish in ("signup", "reset-password"):
            assert (await shop.queue.get(await shop.ask_for(wish, tenant="flowers"))).group == "flowers"
            assert (await shop.queue.get(await shop.ask_for(wish))).group is None
        assert await shop.group_limit() == 5


async def test_a_tenant_does_not_wait_for_the_many_mails_of_another(town: Town) -> None:
    async with town.shop() as shop:
        await shop.queue.queues.update(QUEUE, max_active=1)
        await shop.queue.queues.pause(QUEUE)
        for _ in range(6):
            await shop.ask_for("signup", tenant="flowers")
        late = await shop.ask_for("signup", tenant="books")
        await shop.queue.queues.resume(QUEUE)
        await shop.until(lambda now: now["completed"] == 7)
        assert late in [mail.job_id for mail in shop.arrivals()[:2]]


@pytest.mark.parametrize("tenant", ["", "a" * 65, "line\nbreak", 7])
async def test_a_malformed_tenant_queues_nothing(town: Town, tenant: str | int) -> None:
    async with town.shop() as shop:
        answer = await shop.http.post("/signup", json={"email": "ann@mail.example", "tenant": tenant})
        assert answer.status_code == 422
        assert set((await shop.figures()).values()) == {0}


async def test_a_waiting_mail_tells_what_it_waits_for(town: Town) -> None:
    async with town.shop() as shop:
        await shop.queue.queues.update(QUEUE, max_active=1)
        await shop.queue.queues.pause(QUEUE)
        job_id = await shop.ask_for("signup")
        why = (await shop.http.get(f"/mails/{job_id}/why")).json()
        assert why["state"] == "WAITING"
        assert why["reasons"][0]["kind"] == "QUEUE_PAUSED"
        assert "paused" in why["reasons"][0]["message"]
        assert (await shop.http.get(f"/mails/{NOBODY}/why")).status_code == 404


async def test_the_worker_inside_the_app_is_listed(town: Town) -> None:
    async with town.shop() as shop:
        await shop.ask_for("signup")
        await shop.until(lambda now: now["completed"] == 1)
        (worker,) = (await shop.http.get("/workers")).json()["workers"]
        assert worker.pop("name")
        assert worker == {"state": "RUNNING", "active": 0, "stuck": []}


async def test_all_mails_of_a_tenant_are_cancelled_and_no_others(town: Town) -> None:
    async with town.shop() as shop:
        await shop.queue.queues.update(QUEUE, max_active=1)
        await shop.queue.queues.pause(QUEUE)
        for _ in range(3):
            await shop.ask_for("signup", tenant="flowers")
        kept = [await shop.ask_for("signup", tenant="books"), await shop.ask_for("signup")]
        assert await shop.cancel("tenant=flowers&dry_run=1") == {"affected": 3, "dry_run": True}
        assert (await shop.figures())["waiting"] == 5
        assert await shop.cancel("tenant=flowers") == {"affected": 3, "dry_run": False}
        assert await shop.cancel("tenant=flowers") == {"affected": 0, "dry_run": False}
        await shop.queue.queues.resume(QUEUE)
        await shop.until(lambda now: now["completed"] == 2)
        assert {mail.job_id for mail in shop.arrivals()} == set(kept)


@pytest.mark.parametrize("query", ["", "?tenant=", "?dry_run=1", "?tenant=flowers&dry_run=perhaps"])
async def test_a_cancellation_must_name_its_tenant(town: Town, query: str) -> None:
    async with town.shop() as shop:
        assert (await shop.http.delete(f"/mails{query}")).status_code == 422


async def test_without_a_queue_server_nothing_is_acknowledged(
    monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setattr("email_app.api.PUSH_TIMEOUT_S", 0.5)
    app = create_app(QueueSettings(f"rockqueue://127.0.0.1:{unused_tcp_port}"))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example") as http,
    ):
        answer = await http.post("/signup", json={"email": "ann@mail.example"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
