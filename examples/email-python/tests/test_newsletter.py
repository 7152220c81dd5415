"""The newsletter and the digest, on an embedded queue with a real mail server on loopback."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from email_app.api import create_app
from email_app.settings import MAIL_SERVER_VARIABLE, QueueSettings
from email_app.smtp_sink import SmtpSink, open_sink, read_arrivals
from rockqueue import Client

SECRET = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
READERS = [f"reader{number}@mail.example" for number in range(3)]


class Shop:
    def __init__(self, http: httpx.AsyncClient, queue: Client, mails: Path) -> None:
        self.http = http
        self.queue = queue
        self.mails = mails

    def recipients(self) -> list[str]:
        return [mail.recipient for mail in read_arrivals(self.mails)]


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Shop]:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    async with open_sink(SmtpSink(tmp_path / "mails.jsonl", seed=1, share=0.0)) as port:
        monkeypatch.setenv(MAIL_SERVER_VARIABLE, f"127.0.0.1:{port}")
        app = create_app(QueueSettings(f"embedded:{tmp_path / 'jobs.db'}"))
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as http:
                yield Shop(http, app.state.rockqueue, tmp_path / "mails.jsonl")


async def test_a_newsletter_is_rendered_sent_to_all_and_reported(shop: Shop) -> None:
    issue = {"subject": "Spring", "readers": READERS, "editor": "editor@shop.example"}
    answer = await shop.http.post("/newsletter", json=issue)
    assert answer.status_code == 202, answer.text
    flow_id = answer.json()["flow_id"]
    finished = await shop.queue.flows.wait(flow_id, timeout=20)
    assert (await shop.http.get(f"/newsletter/{flow_id}")).json() == {
        "flow_id": flow_id,
        "state": "COMPLETED",
        "completed": 5,
        "of": 5,
    }
    recipients = shop.recipients()
    assert sorted(recipients[:3]) == READERS
    assert recipients[3:] == ["editor@shop.example"]
    assert finished.jobs is not None
    assert await shop.queue.result(finished.jobs[-1].job_id) == "3 of 3 copies were sent"


async def test_the_digest_has_its_slots_and_comes_at_once_when_asked_for(shop: Shop) -> None:
    wanted = {"email": "ann@mail.example", "cron": "0 3 * * *", "time_zone": "Europe/London"}
    due = (await shop.http.put("/digest", json=wanted)).json()["slots"]
    slots = [datetime.fromisoformat(slot) for slot in due]
    assert len(slots) == 3
    assert all(slot > datetime.now(UTC) for slot in slots)
    job_id = (await shop.http.post("/digest/now")).json()["job_id"]
    job = await shop.queue.wait(job_id, timeout=20)
    assert (job.state, job.origin.schedule) == ("COMPLETED", "nightly-digest")
    assert shop.recipients() == ["ann@mail.example"]


async def test_a_webhook_is_taken_and_a_forged_one_is_not(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    body = '{"type":"job.dead","timestamp":"2026-11-22T11:00:00Z","data":{"job_id":"j-1"}}'
    sent = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", sent, body),
    }
    taken = await shop.http.post("/hook", content=body, headers=headers)
    assert (taken.status_code, taken.json()) == (200, {"took": "job.dead"})
    assert "webhook msg_1: job.dead j-1" in capsys.readouterr().out
    forged = await shop.http.post("/hook", content=body.replace("j-1", "j-2"), headers=headers)
    assert forged.status_code == 400
