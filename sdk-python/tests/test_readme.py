"""Every program of the README runs, in the order in which a newcomer meets them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from readme import write_programs

TIMEOUT_S = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_programs(tmp_path)
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def work_until(folder: Path, *wanted: str) -> str:
    """Runs worker.py until it has printed each of `wanted`, in any order, and stops it as a service manager would."""
    command = [sys.executable, "worker.py"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as worker:
        try:
            assert worker.stdout is not None
            printed = ""
            for line in worker.stdout:
                printed += line
                if all(one in printed for one in wanted):
                    break
            worker.send_signal(signal.SIGTERM)
            printed += worker.stdout.read()
            assert worker.wait(TIMEOUT_S) == 0, printed
        finally:
            worker.kill()
    return printed


@pytest.mark.timeout(120)
def test_the_programs_tell_the_story(folder: Path) -> None:
    assert "on disk:" in run(folder, "push.py")
    assert "WAITING" in run(folder, "sync_push.py")

    to_users = [f"mail to user{n}@example.com" for n in range(3)]
    worked = work_until(folder, "mail to grace@example.com", "mail to ada@example.com: welcome, Ada!", *to_users)
    assert worked.count("mail to user") == 3

    watched = run(folder, "watch.py")
    assert "JOB_PUSHED welcome_email" in watched
    assert "JOB_DEAD welcome_email" in watched

    dead = run(folder, "dead_letters.py")
    assert "dead: {'to': 'nobody'} NON_RETRYABLE 'nobody' is not an address" in dead
    assert "put back: 1" in dead

    assert "1 passed" in run(
        folder, "-m", "pytest", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "--rootdir=.", "test_mail.py"
    )


def test_typed_payloads(folder: Path) -> None:
    printed = run(folder, "typed.py")
    assert "order 7 costs 90.0" in printed
    assert "order.number: Input should be a valid integer" in printed
    assert "order.placed: Field required" in printed


FASTAPI_VISIT = """
import asyncio, httpx, web

async def visit():
    async with web.app.router.lifespan_context(web.app):
        transport = httpx.ASGITransport(web.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as browser:
            answer = await browser.post("/signup", params={"email": "ada@example.com"})
        print(answer.status_code, await web.app.state.rockqueue.result(answer.json(), timeout=10))

asyncio.run(visit())
"""

FLASK_VISIT = """
import flask_app

app = flask_app.create_app()
answer = app.test_client().post("/signup", data={"email": "ada@example.com"})
with app.app_context():
    print(answer.status_code, flask_app.queue.client.get(answer.text).state)
"""


def test_web_apps(folder: Path) -> None:
    assert "202 sent to ada@example.com" in run(folder, "-c", FASTAPI_VISIT)
    assert "202 WAITING" in run(folder, "-c", FLASK_VISIT)


def test_options_and_errors(folder: Path) -> None:
    printed = run(folder, "options.py")
    assert "DELAYED until 20" in printed
    assert "the same job: True" in printed
    assert "refused: UNIQUE_CONFLICT held by " in run(folder, "errors.py")


def test_many_jobs_at_once(folder: Path) -> None:
    assert run(folder, "cleanup.py") == "would be cancelled: 3\ncancelled: 3\ndeleted: 3\n"


def test_schedules(folder: Path) -> None:
    printed = run(folder, "schedules.py")
    assert re.search(r"next: \d{4}-\d\d-\d\d 0[23]:00:00\+00:00", printed)
    assert re.search(r"(a Monday: .* 00:00:00\+00:00\n){2}", printed)
    assert re.search(r"fired by hand: [0-9a-f-]{36}\n", printed)


def test_flows(folder: Path) -> None:
    printed = run(folder, "flow.py")
    assert "flow: COMPLETED 5 of 5" in printed
    assert "3 pages to ada@example.com, the last a page about 2026" in printed


def test_limits_and_groups(folder: Path) -> None:
    printed = run(folder, "limits.py")
    assert "tenant-7 waiting: 1" in printed
    assert "not running: NO_WORKER - " in printed


def test_workers(folder: Path) -> None:
    assert "mail-1 RUNNING on " in run(folder, "workers.py")


HOOK_VISIT = """
import asyncio, datetime, os, httpx, standardwebhooks
import receiver
secret = os.environ["WEBHOOK_SECRET"]

async def visit(body, **other):
    sent = datetime.datetime.now(datetime.UTC)
    signature = standardwebhooks.Webhook(secret).sign("msg_1", sent, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(sent.timestamp())), "webhook-signature": signature}
    transport = httpx.ASGITransport(receiver.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as sender:
        answer = await sender.post("/hook", content=body, headers={**headers, **other})
    print(answer.status_code, answer.text)

body = '{"type":"job.completed","timestamp":"2026-11-22T11:00:00Z","data":{"job_id":"j-1"}}'
asyncio.run(visit(body))
asyncio.run(visit(body, **{"webhook-id": "msg_2"}))
"""


def test_webhooks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = run(folder, "put_webhook.py")
    secret = printed.split("keep this secret: ")[1].split()[0]
    assert secret.startswith("whsec_")
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    answers = run(folder, "-c", HOOK_VISIT)
    assert '200 "job.completed of j-1"' in answers
    assert "400" in answers


def test_middleware_and_traces(folder: Path) -> None:
    printed = run(folder, "middleware.py")
    assert "welcome_email: attempt 1 took 0." in printed
    assert "sent to ada@example.com" in printed
    assert "pushed " in run(folder, "tracing.py")


def test_every_program_of_the_readme_is_run(tmp_path: Path) -> None:
    # Here, or by being imported as jobs.py is.
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in write_programs(tmp_path) if name.removesuffix(".py") not in tested] == []
