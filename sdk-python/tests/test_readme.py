"""Every program of the README runs, in the order in which a newcomer meets them."""

from __future__ import annotations

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


def test_middleware_and_traces(folder: Path) -> None:
    printed = run(folder, "middleware.py")
    assert "welcome_email: attempt 1 took 0." in printed
    assert "sent to ada@example.com" in printed
    assert "pushed " in run(folder, "tracing.py")


def test_every_program_of_the_readme_is_run(tmp_path: Path) -> None:
    # Here, or by being imported as jobs.py is.
    tested = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in write_programs(tmp_path) if name.removesuffix(".py") not in tested] == []
