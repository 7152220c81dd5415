"""What one request may do and what may be done to it: addresses, redirects, receivers that misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpcore2
import pytest
from receiver import LIMIT_S, Answer, Receiver, receiver
from webhook_bench import LOOPBACK

from rockqueue_server.webhooks import transport as transport_module
from rockqueue_server.webhooks.addresses import Network
from rockqueue_server.webhooks.transport import Answer as Outcome
from rockqueue_server.webhooks.transport import Transport

BODY = b'{"a":1}'


@pytest.fixture
async def to() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiver() as made:
        yield made


async def post(url: str, allowed: tuple[Network, ...] = LOOPBACK, tls: ssl.SSLContext | None = None) -> Outcome:
    """One request on connections of its own."""
    transport = Transport(allowed, user_agent="rockqueue/test")
    try:
        async with transport.pool(tls) as pool:
            return await transport.post(pool, url, {"content-type": "application/json"}, BODY)
    finally:
        transport.close()


def names_are(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[list[str]]:
    """Every name has these addresses: one answer after the other, the last one for ever."""
    left = list(answers)

    def addresses(_host: str, _port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(transport_module, "_addresses", addresses)
    return left


async def test_a_request_arrives_as_it_was_meant(to: Receiver) -> None:
    answer = await post(to.url + "?a=b%20c")
    assert (answer.status, answer.error, answer.outcome) == (204, "", "succeeded")
    got = to.requests[0]
    assert (got.target, got.body) == ("/hook?a=b%20c", BODY)
    assert got.headers["host"] == f"127.0.0.1:{to.port}"
    assert got.headers["user-agent"] == "rockqueue/test"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
async def test_two_hundreds_are_success(to: Receiver, status: int) -> None:
    to.answers = [Answer(status)]
    assert (await post(to.url)).error == ""


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 599])
async def test_other_answers_are_failures(to: Receiver, status: int) -> None:
    to.answers = [Answer(status)]
    answer = await post(to.url)
    assert (answer.status, answer.outcome) == (status, "rejected")
    assert str(status) in answer.error


async def test_a_redirect_is_not_followed(to: Receiver) -> None:
    to.answers = [Answer(308, {"location": to.url + "/elsewhere"})]
    answer = await post(to.url)
    assert answer.status == 308
    assert "redirects are not followed" in answer.error
    assert len(to.requests) == 1


async def test_a_private_address_gets_no_connection(to: Receiver) -> None:
    answer = await post(to.url, ())
    assert (answer.status, answer.outcome, to.connections) == (0, "refused", 0)
    assert "--webhook-allow" in answer.error


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"])
async def test_a_private_address_in_disguise_gets_none_either(to: Receiver, host: str) -> None:
    answer = await post(f"http://{host}:{to.port}/", ())
    assert answer.outcome == "refused"
    assert to.connections == 0


async def test_a_name_is_looked_up_once_and_the_checked_address_is_used(
    to: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that tells a permitted address first and another one after that gains nothing."""
    left = names_are(monkeypatch, ["127.0.0.1"], ["10.0.0.1"], ["10.0.0.2"])
    assert (await post(f"http://hook.example:{to.port}/")).status == 204
    assert to.requests[0].headers["host"] == f"hook.example:{to.port}"
    assert left == [["10.0.0.1"], ["10.0.0.2"]]


async def test_of_several_addresses_only_permitted_ones_are_tried(
    to: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names_are(monkeypatch, ["10.0.0.1", "fd00::1", "127.0.0.1"])
    assert (await post(f"http://hook.example:{to.port}/")).status == 204


async def test_a_name_without_addresses_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(transport_module, "_addresses", unknown)
    answer = await post("http://nowhere.example/")
    assert (answer.status, answer.error) == (0, "no answer: the name nowhere.example was not found")


async def test_equal_look_ups_share_a_thread(monkeypatch: pytest.MonkeyPatch, to: Receiver) -> None:
    asked: list[str] = []
    begun, gate = threading.Event(), threading.Event()

    def slow(host: str, _port: int) -> list[str]:
        asked.append(host)
        begun.set()
        gate.wait(LIMIT_S)
        return ["127.0.0.1"]

    monkeypatch.setattr(transport_module, "_addresses", slow)
    transport = Transport(LOOPBACK, user_agent="u")
    async with transport.pool(None) as pool:
        url = f"http://hook.example:{to.port}/"
        calls = [asyncio.create_task(transport.post(pool, url, {}, b"")) for _ in range(5)]
        assert await asyncio.to_thread(begun.wait, LIMIT_S)
        gate.set()
        answers = await asyncio.gather(*calls)
    transport.close()
    assert [answer.status for answer in answers] == [204] * 5
    assert asked == ["hook.example"]


async def test_nobody_there_is_a_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        answer = await post(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert (answer.status, answer.outcome) == (0, "unanswered")
    assert answer.error.startswith("no answer: ")


async def say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await say(writer, b"\x00\xff not http at all\r\n\r\n")


async def half_a_header(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await say(writer, b"HTTP/1.1 200 OK\r\nx-a: 1")


async def headers_without_end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await say(writer, b"HTTP/1.1 200 OK\r\n")
    while True:
        await say(writer, b"x-more: " + b"a" * 1000 + b"\r\n")


async def interim_answers_without_end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await say(writer, b"HTTP/1.1 100 Continue\r\n\r\n")
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("raw", [hang_up, garbage, half_a_header, headers_without_end])
async def test_an_answer_that_is_none_is_a_failure(to: Receiver, raw: object) -> None:
    to.answers = [Answer(raw=raw)]  # type: ignore[arg-type]
    answer = await post(to.url)
    assert (answer.status, answer.outcome) == (0, "unanswered")


@pytest.mark.parametrize("raw", [interim_answers_without_end, None])
async def test_who_does_not_answer_in_time_has_not_answered(
    to: Receiver, raw: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "TIMEOUT_S", 0.2)
    to.answers = [Answer(raw=raw, gate=None if raw else asyncio.Event())]  # type: ignore[arg-type]
    answer = await post(to.url)
    assert (answer.status, answer.error) == (0, "no answer within 0.2 s")
    assert answer.took_s >= 0.2


async def body_without_end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await say(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
    while True:
        await say(writer, b"x" * 65536)


async def body_that_drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await say(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        await say(writer, b"x")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("raw", [body_without_end, body_that_drips])
async def test_the_status_counts_and_the_body_is_cut_off(
    to: Receiver, raw: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "_READ_S", 0.1)
    to.answers = [Answer(raw=raw)]  # type: ignore[arg-type]
    async with asyncio.timeout(LIMIT_S):
        answer = await post(to.url)
    assert (answer.status, answer.error) == (200, "")


async def test_connections_are_used_again(to: Receiver) -> None:
    transport = Transport(LOOPBACK, user_agent="u")
    async with transport.pool(None) as pool:
        for _ in range(5):
            assert (await transport.post(pool, to.url, {}, BODY)).status == 204
    transport.close()
    assert to.connections == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hook.example, signed by itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=a -addext subjectAltName=DNS:hook.example"
    made = path.with_suffix(".crt")
    subprocess.run([*command.split(), "-keyout", path, "-out", made], check=True, capture_output=True)
    path.write_text(path.read_text() + made.read_text())
    return path


@pytest.mark.parametrize(
    ("host", "trusted", "works"),
    [("hook.example", True, True), ("hook.example", False, False), ("other.example", True, False)],
)
async def test_tls_speaks_of_the_name_and_not_of_the_address(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, *, trusted: bool, works: bool
) -> None:
    names_are(monkeypatch, ["127.0.0.1"])
    mine = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    mine.load_cert_chain(certificate)
    async with receiver(mine) as to:
        context = httpcore2.default_ssl_context()
        if trusted:
            context.load_verify_locations(certificate)
        answer = await post(f"https://{host}:{to.port}/", tls=context)
    assert (answer.status == 204) is works
    assert works or "certificate" in answer.error.lower()
