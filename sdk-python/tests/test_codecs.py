"""Typed payloads: pydantic models and msgspec structs go through a job and come back as they were."""

from __future__ import annotations

import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field

import rockqueue
from rockqueue import Client, JobContext, JobState, PayloadError, TypedCodec, Worker
from rockqueue.codecs import MsgspecCodec, PydanticCodec
from rockqueue.testing import RockQueueServer

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Mail(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: str = Field(alias="recipient")
    at: datetime

    @computed_field
    @property
    def length(self) -> int:
        return len(self.to)


class Receipt(BaseModel):
    mail: Mail
    id: uuid.UUID


class Parcel(msgspec.Struct):
    to: str
    at: datetime
    weight: float | None = None


@dataclass
class Label:
    parcel: Parcel
    id: uuid.UUID


@rockqueue.job(queue="q")
async def send_mail(ctx: JobContext, mail: Mail, copies: int = 1) -> Receipt:
    assert isinstance(mail, Mail)
    assert copies == 2
    return Receipt(mail=mail, id=uuid.UUID(ctx.id))


@rockqueue.job(queue="q")
def send_parcel(parcel: Parcel, **marks: str) -> Label:
    assert isinstance(parcel, Parcel)
    assert marks == {"colour": "red"}
    return Label(parcel, uuid.UUID(int=7))


def mail() -> Mail:
    return Mail(recipient="ada", at=NOON)


CODECS = pytest.mark.parametrize("codec", [PydanticCodec(), MsgspecCodec()], ids=["pydantic", "msgspec"])


async def test_pydantic_models_go_through_a_job(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client(codec=PydanticCodec()) as client, Worker(client, jobs=[send_mail]):
        pushed = await send_mail.push(client, mail=mail(), copies=2)
        assert await send_mail.result(client, pushed.id, timeout=10) == Receipt(mail=mail(), id=uuid.UUID(pushed.id))
        job = await client.get(pushed.id)
        assert job.payload == {"mail": {"recipient": "ada", "at": "2026-06-01T12:00:00Z"}, "copies": 2}
        assert job.proto.spec.content_type == "application/json"
        assert (await client.result(pushed.id))["mail"]["recipient"] == "ada"


async def test_msgspec_structs_go_through_a_job(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client(codec=MsgspecCodec()) as client, Worker(client, jobs=[send_parcel]):
        parcel = Parcel("ada", NOON)
        pushed = await send_parcel.push(client, parcel, colour="red")
        assert await send_parcel.result(client, pushed.id, timeout=10) == Label(parcel, uuid.UUID(int=7))
        assert (await client.get(pushed.id)).payload["parcel"] == {
            "to": "ada",
            "at": "2026-06-01T12:00:00Z",
            "weight": None,
        }


async def test_a_sync_client_reads_typed_results_too(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client(codec=PydanticCodec()) as client, Worker(client, jobs=[send_mail]):
        pushed = await send_mail.push(client, mail=mail(), copies=2)
        await client.wait(pushed.id, timeout=10)
        sync: rockqueue.SyncClient = rockqueue_server.sync_client(codec=PydanticCodec())
        assert send_mail.result(sync, pushed.id, timeout=10).mail == mail()
        sync.close()


@pytest.mark.parametrize(
    ("codec", "payload", "words"),
    [
        (PydanticCodec(), {"mail": {"recipient": 1, "at": "noon"}}, ["mail.recipient", "mail.at"]),
        (PydanticCodec(), {"mail": {"recipient": "ada", "at": NOON, "bcc": "eve"}}, ["mail.bcc"]),
        (MsgspecCodec(), {"mail": {"to": "ada"}}, ["mail"]),
        (PydanticCodec(), {"copies": 1}, ["missing mail"]),
        (PydanticCodec(), {"mail": mail(), "bcc": "eve"}, ["unknown bcc"]),
    ],
)
async def test_a_payload_that_does_not_fit_is_dead_at_once(
    rockqueue_server: RockQueueServer, codec: Any, payload: Any, words: list[str]
) -> None:
    async def send(mail: Mail | Parcel, copies: int = 1) -> None:
        raise AssertionError(f"must not run: {mail} {copies}")

    send.__annotations__ = {"mail": Mail if isinstance(codec, PydanticCodec) else Parcel, "copies": int}
    job = rockqueue.job(queue="q")(send)
    async with rockqueue_server.client(codec=codec) as client, Worker(client, jobs=[job]):
        pushed = await client.push("q", "send", payload)
        found = await client.wait(pushed.id, timeout=10)
    assert (found.state, found.dead_reason, found.failures) == (JobState.DEAD, "NON_RETRYABLE", 1)
    assert found.errors[0].type == "PAYLOAD_ERROR"
    assert all(word in found.errors[0].message for word in words), found.errors[0].message


async def whole(payload: Mail) -> str:
    return f"{type(payload).__name__} {payload.to}"


def bare(payload: Any) -> str:
    return f"{type(payload).__name__}"


def raw(payload: bytes) -> int:
    return len(payload)


async def test_handlers_by_name_get_their_annotated_payload(rockqueue_server: RockQueueServer) -> None:
    handlers = {"whole": whole, "bare": bare, "raw": raw}
    async with (
        rockqueue_server.client(codec=PydanticCodec()) as client,
        Worker(client, handlers=handlers, queues=["q"]),
    ):
        jobs = [await client.push("q", "whole", mail()), await client.push("q", "bare", mail())]
        jobs.append(await client.push("q", "raw", b"\xff\x00"))
        assert [await client.result(job.id, timeout=10) for job in jobs] == ["Mail ada", "dict", 2]


@CODECS
@pytest.mark.parametrize("value", [None, 1, "é null NaN Infinity", [1, {"a": None}], b"\x00raw"])
def test_plain_values_come_back_as_they_were(codec: Any, value: object) -> None:
    assert isinstance(codec, TypedCodec)
    assert codec.decode(*codec.encode(value)) == value


@CODECS
@pytest.mark.parametrize("value", [object(), float("nan"), [float("inf")], {"a": None, "b": float("-inf")}])
def test_what_json_cannot_say_is_a_payload_error(codec: Any, value: object) -> None:
    with pytest.raises(PayloadError):
        codec.encode(value)


@CODECS
def test_pydantic_and_msgspec_write_what_other_languages_read(codec: Any) -> None:
    data, kind = codec.encode({"a": "é", "at": NOON, "id": uuid.UUID(int=1)})
    assert kind == "application/json"
    assert codec.decode(data, kind) == {
        "a": "é",
        "at": "2026-06-01T12:00:00Z",
        "id": "00000000-0000-0000-0000-000000000001",
    }


def test_errors_name_the_fields() -> None:
    with pytest.raises(PayloadError) as caught:
        PydanticCodec().decoder(Mail)(b'{"recipient": 1}', "application/json")
    assert [path for path, _ in caught.value.violations] == ["recipient", "at"]
    with pytest.raises(PayloadError, match="parcel"):
        MsgspecCodec().decoder(Label)(b'{"parcel": {"to": 1}}', "application/json")


def test_annotations_that_do_not_exist_are_refused_when_the_worker_is_made() -> None:
    async def later(thing: object) -> None: ...

    later.__annotations__ = {"thing": "Nowhere"}  # as a name imported under TYPE_CHECKING
    job = rockqueue.job(queue="q")(later)
    Worker(Client(), jobs=[job])
    with pytest.raises(TypeError, match="Nowhere"):
        Worker(Client(codec=PydanticCodec()), jobs=[job])


def test_types_that_cannot_be_checked_are_refused_when_the_worker_is_made() -> None:
    def odd(thing: object) -> None: ...

    odd.__annotations__ = {"thing": Client}
    with pytest.raises(TypeError, match="Client"):
        Worker(Client(codec=PydanticCodec()), jobs=[rockqueue.job(queue="q")(odd)])


class Rot13:
    """A codec of a user's, which raises what it likes."""

    def encode(self, value: object, /) -> tuple[bytes, str]:
        if not isinstance(value, str):
            raise KeyError(value)
        return value.swapcase().encode(), "text/swapped"

    def decode(self, data: bytes, content_type: str, /) -> Any:
        if content_type != "text/swapped":
            raise LookupError(content_type)
        return data.decode().swapcase()


async def test_whatever_a_codec_raises_is_a_payload_error(rockqueue_server: RockQueueServer) -> None:
    async with rockqueue_server.client(codec=Rot13()) as client:
        assert (await client.get((await client.push("q", "n", "Hi")).id)).payload == "Hi"
        with pytest.raises(PayloadError, match="encoded"):
            await client.push("q", "n", 1)
        foreign = await rockqueue_server.client().push("q", "n", 1)
        with pytest.raises(PayloadError, match="decoded"):
            (await client.get(foreign.id)).payload  # noqa: B018


@pytest.mark.parametrize(("name", "extra"), [("PydanticCodec", "pydantic"), ("MsgspecCodec", "msgspec")])
def test_a_missing_extra_says_what_to_install(name: str, extra: str) -> None:
    program = f"import sys; sys.modules['{extra}'] = None\nfrom rockqueue.codecs import {name}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert f'pip install "rockqueue[{extra}]"' in done.stderr
