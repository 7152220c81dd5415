"""The webhook vectors are signed as the contract says, and refused for the reason that their names give."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rockqueue_conformance.folders import data_folder


def vectors() -> list[dict[str, Any]]:
    folder = data_folder("vectors")
    data = json.loads((folder / "webhooks.json").read_text())
    validator: Any = Draft202012Validator(json.loads((folder / "webhooks.schema.json").read_text()))
    validator.validate(data)
    return data["vectors"]


def is_signed(vector: dict[str, Any]) -> bool:
    """Whether one of its signatures is that of one of the secrets."""
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.{vector['body']}".encode()
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in vector["secrets"]]
    macs = {f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys}
    return not macs.isdisjoint(headers.get("webhook-signature", "").split())


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_what_is_accepted_is_signed_in_time_and_an_event(vector: dict[str, Any]) -> None:
    if vector["event"] is None:
        return
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    assert is_signed(vector)
    assert abs(vector["now_s"] - int(headers["webhook-timestamp"])) <= vector["tolerance_s"]
    assert json.loads(vector["body"]) == vector["event"]


def test_a_good_signature_alone_is_not_enough() -> None:
    """Vectors that only their time, their headers or their body can refuse are there."""
    refused = {vector["name"] for vector in vectors() if vector["event"] is None and is_signed(vector)}
    assert {"too old", "too far ahead", "a timestamp with a sign", "signed, but not JSON"} <= refused
    assert {"another secret", "the body was changed", "no secret"}.isdisjoint(refused)
