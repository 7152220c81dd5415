"""The network does what it is told to, byte by byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest

from rockqueue_torture.environment.network.proxy import Proxy, proxy

LIMIT_S = 10.0


@pytest.fixture
async def net() -> AsyncGenerator[Proxy]:
    """A proxy before a server that sends back what it hears."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1000):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with proxy(f"127.0.0.1:{port}") as opened:
        yield opened
    server.close()


async def connected(net: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = net.address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def say(net: Proxy, text: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection over which `text` went there and back."""
    reader, writer = await connected(net)
    writer.write(text)
    async with asyncio.timeout(LIMIT_S):
        assert await reader.readexactly(len(text)) == text
    return reader, writer


async def test_bytes_pass(net: Proxy) -> None:
    _, writer = await say(net, b"hello" * 10_000)
    writer.close()


async def test_a_cut_lets_a_part_of_a_frame_through(net: Proxy) -> None:
    reader, writer = await say(net, b"hello")
    net.cut_after(8)
    writer.write(b"12345")
    async with asyncio.timeout(LIMIT_S):
        assert await reader.read(-1) == b"123"
    writer.close()


async def test_a_reset_is_a_reset_for_the_client(net: Proxy) -> None:
    reader, writer = await say(net, b"hello")
    net.reset_all()
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(LIMIT_S):
            await reader.read(1)
    writer.close()


async def test_a_dead_connection_stays_open_and_says_nothing_and_new_ones_work_after_the_healing(net: Proxy) -> None:
    reader, writer = await say(net, b"hello")
    net.swallow()
    writer.write(b"anybody?")
    net.heal()
    _, other = await say(net, b"I am new")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)
    writer.close()
    other.close()


async def test_new_connections_are_refused_and_then_taken_again(net: Proxy) -> None:
    net.refusing = True
    reader, writer = await connected(net)
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(LIMIT_S):
            await reader.read(1)
    writer.close()
    net.heal()
    _, writer = await say(net, b"hello")
    writer.close()


async def test_a_delay_delays(net: Proxy) -> None:
    net.delay_s = 0.1
    began = time.monotonic()
    _, writer = await say(net, b"hello")
    assert time.monotonic() - began >= 0.2
    writer.close()


async def test_a_throttle_throttles(net: Proxy) -> None:
    net.bytes_per_s = 10_000
    began = time.monotonic()
    _, writer = await say(net, b"x" * 1_000)
    assert time.monotonic() - began >= 0.2
    writer.close()
