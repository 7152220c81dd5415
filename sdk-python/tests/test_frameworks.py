"""Starlette, FastAPI and Flask: the app's client opens, is found, and closes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

import rockqueue
from rockqueue import Client, ClientClosed, Worker
from rockqueue.fastapi import QueueClient, lifespan
from rockqueue.flask import RockQueue
from rockqueue.starlette import get_client


@rockqueue.job(queue="mail")
async def send_mail(to: str) -> str:
    return f"sent to {to}"


def http(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example")


def fastapi_app(url: str) -> FastAPI:
    app = FastAPI(lifespan=lifespan(url, worker=lambda client: Worker(client, jobs=[send_mail]), timeout=9))

    @app.post("/signup")
    async def signup(to: str, queue: QueueClient) -> str:
        return (await send_mail.push(queue, to=to)).id

    return app


async def test_a_fastapi_route_asks_for_the_client_and_a_worker_runs_in_the_app(tmp_path: Path) -> None:
    app = fastapi_app(f"embedded:{tmp_path}/jobs.db")
    for name in ("ada", "grace"):  # an app may start again
        async with app.router.lifespan_context(app):
            client: Client = app.state.rockqueue
            async with http(app) as browser:
                job_id = (await browser.post("/signup", params={"to": name})).json()
            assert await client.result(job_id, timeout=10) == f"sent to {name}"
        with pytest.raises(ClientClosed):
            await client.get(job_id)
        assert not hasattr(app.state, "rockqueue")


async def test_a_websocket_asks_for_the_client_too(tmp_path: Path) -> None:
    found: list[Client] = []
    app = FastAPI(lifespan=lifespan(f"embedded:{tmp_path}/jobs.db"))

    @app.websocket("/live")
    async def live(socket: WebSocket, queue: QueueClient) -> None:
        found.append(queue)
        await socket.close()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        assert message["type"] == "websocket.close"

    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/live",
        "headers": [],
        "query_string": b"",
        "subprotocols": [],
    }
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
        assert found == [app.state.rockqueue]


async def test_a_mounted_starlette_app_finds_the_client_by_the_state_of_the_lifespan(tmp_path: Path) -> None:
    async def signup(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await send_mail.push(get_client(request), to="ada")).id)

    inner = Starlette(routes=[Route("/signup", signup, methods=["POST"])])
    app = Starlette(routes=[Mount("/shop", inner)], lifespan=lifespan(f"embedded:{tmp_path}/jobs.db"))
    async with app.router.lifespan_context(app) as state:
        assert state is not None

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "state": dict(state)}, receive, send)  # as servers do

        async with http(with_state) as browser:
            job_id = (await browser.post("/shop/signup")).text
        assert (await state["rockqueue"].get(job_id)).name == "send_mail"


async def test_without_the_lifespan_the_error_says_what_is_missing() -> None:
    app = FastAPI()

    @app.get("/")
    async def home(queue: QueueClient) -> str:
        return queue.url

    async with http(app) as browser:
        with pytest.raises(RuntimeError, match=r"lifespan=rockqueue\.starlette\.lifespan"):
            await browser.get("/")


async def test_an_app_does_not_start_on_a_store_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").write_text("not a folder")
    app = fastapi_app(f"embedded:{tmp_path}/jobs.db")
    with pytest.raises(rockqueue.EmbeddedError):
        async with asyncio.timeout(10), app.router.lifespan_context(app):
            pass


def flask_app(queue: RockQueue, url: str) -> flask.Flask:
    app = flask.Flask(__name__)
    app.config["ROCKQUEUE_URL"] = url
    queue.init_app(app)

    @app.post("/signup/<to>")
    def signup(to: str) -> str:
        return send_mail.push(queue.client, to=to).id

    assert signup
    return app


def test_a_flask_view_pushes(tmp_path: Path) -> None:
    queue = RockQueue(timeout=9)
    app = flask_app(queue, f"embedded:{tmp_path}/jobs.db")
    job_id = app.test_client().post("/signup/ada").text
    with app.app_context():
        client = queue.client
        assert queue.client is client
        assert client.get(job_id).payload == {"to": "ada"}
        queue.close()
        queue.close()
        with pytest.raises(ClientClosed):
            client.get(job_id)
        assert queue.client.get(job_id).id == job_id
        queue.close()


def test_one_flask_extension_serves_several_apps(tmp_path: Path) -> None:
    queue = RockQueue()
    apps = [flask_app(queue, f"embedded:{tmp_path}/{number}.db") for number in range(2)]
    for app in apps:
        assert app.test_client().post("/signup/ada").status_code == 200
    for app in apps:
        with app.app_context():
            assert [job.payload for job in queue.client.list(include_payload=True)] == [{"to": "ada"}]
            queue.close()


def test_flask_takes_the_url_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCKQUEUE_URL", "rockqueue://elsewhere")
    app = flask.Flask(__name__)
    queue = RockQueue(app)
    with app.app_context():
        assert queue.client.url == "rockqueue://elsewhere"
        queue.close()


def test_a_flask_app_without_the_extension_says_so() -> None:
    with flask.Flask(__name__).app_context(), pytest.raises(RuntimeError, match="init_app"):
        RockQueue().client  # noqa: B018
