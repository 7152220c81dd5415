"""Addresses and durations, as people write them."""

from __future__ import annotations

import pytest

from rockqueue_server.config import TcpAddress, UnixAddress, parse_address, parse_duration


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:7655", TcpAddress("127.0.0.1", 7655)),
        ("localhost:0", TcpAddress("localhost", 0)),
        ("0.0.0.0:65535", TcpAddress("0.0.0.0", 65535)),
        ("[::1]:7655", TcpAddress("::1", 7655)),
        ("unix:/run/rq.sock", UnixAddress("/run/rq.sock")),
    ],
)
def test_addresses_are_read_and_written_back(text: str, address: TcpAddress | UnixAddress) -> None:
    assert parse_address(text) == address
    assert str(address) == text


def test_a_relative_socket_path_becomes_absolute() -> None:
    address = parse_address("unix:rq.sock")
    assert isinstance(address, UnixAddress)
    assert address.path.startswith("/")


@pytest.mark.parametrize(
    "text",
    [
        *("", "localhost", ":7655", "::1:7655", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:x", "http://x:1"),
        *("a b:1", "[::1]", "unix:", "unix:/" + "x" * 200, "unix:/a\0b", "1.2.3.4:70 "),
    ],
)
def test_what_is_no_address_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|port|socket"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.8.8.8:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("unix:/x", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.0.2.7:1", False),
        ("example.test:1", False),
    ],
)
def test_only_loopback_needs_no_warning(text: str, *, loopback: bool) -> None:
    assert parse_address(text).is_loopback() is loopback


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("1.5s", 1.5), ("7", 7), ("0", 0)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "-1s", "1d", "1 s", "one", "nan", "inf", "1e3"])
def test_what_is_no_duration_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match="write 30s"):
        parse_duration(text)
