"""Faults of the network and crowds of bad clients: others are served, no job is lost, no worker stays deaf."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from rockqueue_torture.environment import books
from rockqueue_torture.environment.network import crowds
from rockqueue_torture.environment.network.endurance import face, site
from rockqueue_torture.environment.network.faults import audit_all, cut, half_open, network, play, reset, throttle

FAULT_S = 0.3

# Processes are started here, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(240)


async def test_workers_and_clients_survive_cuts_resets_and_a_trickle(tmp_path: Path) -> None:
    chance = random.Random(1)
    async with network(tmp_path, 1) as there:
        for fault in (cut, reset, throttle):
            suffered = await play(there, fault, chance, seconds=FAULT_S)
            assert suffered.wrong == []
            assert suffered.pushed_by_others
        assert await audit_all(there) == []
        await there.worker.stop()
        await there.server.stop()
        assert await books.problems(there.server) == []


async def test_a_worker_on_a_dead_connection_works_again_as_soon_as_there_is_a_network(tmp_path: Path) -> None:
    async with network(tmp_path, 2) as there:
        suffered = await play(there, half_open, random.Random(2), seconds=FAULT_S, within_s=6)
        assert suffered.wrong == []


async def test_crowds_of_bad_clients_disturb_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {
        "CONNECTIONS": 200, "IDLE_S": 0.1, "UNREAD_S": 0.2, "UNREAD_EVENTS": 1_000, "UNREAD_JOBS": 1_000,
        "CANCELLED_CALLS": 60, "FLOOD_MESSAGES": 100, "JUNK_CONNECTIONS": 20, "FLOOD_PUSHES": 3,
    }  # fmt: skip
    for name, value in small.items():
        monkeypatch.setattr(crowds, name, value)
    chance = random.Random(3)
    async with site(tmp_path, 3) as there:
        for name, crowd in crowds.CROWDS.items():
            endured = await face(there, crowd, chance)
            assert endured.wrong == [], name
            assert endured.served, name
        await there.worker.stop()
        await there.server.stop()
        assert await books.problems(there.server) == []
