"""Signatures, pauses, addresses, bodies: functions of values."""

from __future__ import annotations

import base64
import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier

from rockqueue.v1 import event_service_pb2
from rockqueue_server.webhooks.addresses import parse_network, permitted
from rockqueue_server.webhooks.payload import event_body, type_name
from rockqueue_server.webhooks.records import delivery_id, place, place_of_id
from rockqueue_server.webhooks.schedule import ATTEMPTS, MOST_ASKED_US, STEPS_US, asked_us, pause_us
from rockqueue_server.webhooks.signing import new_secret, secret_bytes, signatures

S = 1_000_000


def secret_of(count: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(count))).decode()


@given(body=st.binary(max_size=200), secret=st.binary(min_size=24, max_size=64))
def test_signatures_are_those_of_standard_webhooks(body: bytes, secret: bytes) -> None:
    now = datetime.now(UTC)
    text = body.decode("utf-8", "replace")
    ours = signatures([secret], "msg_1", int(now.timestamp()), text.encode())
    theirs = Verifier("whsec_" + base64.b64encode(secret).decode()).sign("msg_1", now, text)
    assert ours == theirs


def test_two_secrets_make_two_signatures() -> None:
    keys = [bytes(24), bytes(32)]
    assert signatures(keys, "m", 7, b"x").split(" ") == [signatures([key], "m", 7, b"x") for key in keys]


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (secret_of(24), True),
        (secret_of(64), True),
        (secret_of(23), False),
        (secret_of(65), False),
        (secret_of(32).removeprefix("whsec_"), False),
        ("whsec_", False),
        ("whsec_****", False),
        ("whsec_é", False),
        (secret_of(32) + "\n", False),
    ],
)
def test_secrets_have_a_form(text: str, *, valid: bool) -> None:
    assert (secret_bytes(text) is not None) == valid


def test_a_made_secret_has_32_bytes_and_is_never_the_same() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(secret_bytes(one) or b"") for one in made} == {32}


@given(failed=st.integers(1, ATTEMPTS - 1), chance=st.floats(0, 1, exclude_max=True))
def test_a_pause_is_a_step_give_or_take_a_fifth(failed: int, chance: float) -> None:
    pause = pause_us(failed, chance)
    assert pause is not None
    assert 0.8 * STEPS_US[failed - 1] <= pause <= 1.2 * STEPS_US[failed - 1]


def test_ten_attempts_are_made() -> None:
    hours = [step / 3600 / S for step in STEPS_US]
    assert [round(hour, 4) for hour in hours] == [0.0014, 0.0833, 0.5, 2, 5, 10, 14, 20, 24]
    assert pause_us(ATTEMPTS, 0.5) is None


NOW_US = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()) * S


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("", 0),
        ("120", 120 * S),
        (" 7 ", 7 * S),
        ("999999999", MOST_ASKED_US),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60 * S),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Sun, 22 Nov 2099 11:00:00 GMT", MOST_ASKED_US),
        ("Sun, 99 Nov 2026 11:00:00 GMT", 0),
        ("9" * 1000, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, pause: int) -> None:
    assert asked_us(header, NOW_US) == pause


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    assert 0 <= asked_us(header, NOW_US) <= MOST_ASKED_US


PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:800::200e"]
EMBEDDED_PUBLIC = ["::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]
REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::",
    "2001::1", "2001:db8::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "100::1", "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC + EMBEDDED_PUBLIC)
def test_public_addresses_are_permitted(text: str) -> None:
    assert permitted(ipaddress.ip_address(text), ())


@pytest.mark.parametrize("text", REFUSED)
def test_other_addresses_are_refused(text: str) -> None:
    assert not permitted(ipaddress.ip_address(text), ())


@given(st.ip_addresses(v=4))
def test_an_address_in_another_is_judged_as_itself(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    assert permitted(mapped, ()) == permitted(address, ())


@pytest.mark.parametrize(
    ("address", "network", "allowed"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", True),  # public anyway
        ("192.168.0.1", "10.0.0.0/8", False),
        ("fd00::1", "fd00::/8", True),
        ("127.0.0.1", "::/0", False),
        ("::1", "::1", True),
    ],
)
def test_the_operator_allows_networks(address: str, network: str, *, allowed: bool) -> None:
    assert permitted(ipaddress.ip_address(address), [parse_network(network)]) == allowed


@pytest.mark.parametrize("text", ["", "10.0.0.0/33", "10.0.0.1/8", "example.com", "*"])
def test_what_is_no_network_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="is no network"):
        parse_network(text)


@pytest.mark.parametrize("type_", event_service_pb2.EventType.values()[1:])
def test_every_type_has_a_dotted_name(type_: int) -> None:
    subject, _, what = type_name(type_).partition(".")
    assert subject in ("job", "queue", "worker", "flow", "schedule")
    assert what.isidentifier()
    assert what.islower()


def test_a_body_is_compact_json_in_utf_8() -> None:
    event = event_service_pb2.Event(type=event_service_pb2.EVENT_TYPE_JOB_FAILED, queue="q")
    event.error.message = "größer"
    event.time.FromSeconds(0)
    assert (
        event_body(event)
        == (
            '{"type":"job.failed","timestamp":"1970-01-01T00:00:00Z","data":{"type":"EVENT_TYPE_JOB_FAILED",'
            '"time":"1970-01-01T00:00:00Z","queue":"q","error":{"message":"größer"}}}'
        ).encode()
    )


@given(st.integers(0, 2**63), st.integers(0, 2**32 - 1), st.integers(0, 2**63))
def test_the_place_of_an_event_is_in_its_id(commit: int, index: int, time_us: int) -> None:
    made = delivery_id(b"saltsalt", time_us, commit, index)
    assert place_of_id(made) == place(commit, index)
    assert made != delivery_id(b"other...", time_us, commit, index)
    assert made != delivery_id(b"saltsalt", time_us + 1, commit, index)


@given(st.text())
def test_what_is_no_id_has_no_place(text: str) -> None:
    assert place_of_id(text) is None
