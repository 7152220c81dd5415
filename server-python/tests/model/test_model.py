"""The server and the model do the same, whatever is done to them.

`ROCKQUEUE_MODEL=long` searches for ROCKQUEUE_MODEL_MINUTES (30), from ROCKQUEUE_MODEL_SEED on (printed).
"""

from __future__ import annotations

import os
import secrets
import time

import pytest
from hypothesis.stateful import run_state_machine_as_test
from model.machine import QueueMachine
from model.profiles import LONG, QUICK, SEARCH, STORIES_PER_SEED


@pytest.mark.timeout(300)
def test_server_and_model_agree() -> None:
    run_state_machine_as_test(QueueMachine, settings=QUICK)


@pytest.mark.skipif(not LONG, reason="set ROCKQUEUE_MODEL=long; it takes half an hour")
@pytest.mark.timeout(0)
def test_server_and_model_agree_for_long() -> None:
    minutes = float(os.environ.get("ROCKQUEUE_MODEL_MINUTES", "30"))
    seed = int(os.environ.get("ROCKQUEUE_MODEL_SEED") or secrets.randbits(32))
    until = time.monotonic() + 60 * minutes
    while time.monotonic() < until:
        print(f"ROCKQUEUE_MODEL_SEED={seed}: {STORIES_PER_SEED} stories", flush=True)  # noqa: T201 - to search again

        class Seeded(QueueMachine):
            _hypothesis_internal_use_seed = seed

        run_state_machine_as_test(Seeded, settings=SEARCH)
        seed += 1
