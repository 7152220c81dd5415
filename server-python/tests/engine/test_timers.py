"""Delayed jobs whose time has come begin to wait: all of them, in their order, each looked at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from queue_bench import QueueBench, bench, seconds, spec

from rockqueue_server.contract.admission import admit_at
from rockqueue_server.contract.problems import Problems
from rockqueue_server.engine import push, timers
from rockqueue_server.engine.commit import Commit
from rockqueue_server.rules.ids import id_text


async def test_a_burst_is_promoted_in_the_order_of_priority_and_push(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as b:
        ids = await b.push(
            *(spec(name=name, priority=priority, delay=seconds(60)) for name in "ab" for priority in (0, 5, 0, 9))
        )
        await b.advance(61)
        taken = [delivery.job_id for delivery in await b.pull()]
        assert taken == [ids[place] for place in (3, 7, 1, 5, 0, 2, 4, 6)]


async def test_retries_are_promoted_beside_new_jobs(tmp_path: Path) -> None:
    async with bench(tmp_path / "jobs.db") as b:
        await b.push(spec(name="old"))
        await b.fail((await b.pull())[0], retry_delay=seconds(60))
        await b.push(spec(name="new", delay=seconds(60)), spec(name="new", delay=seconds(60)))
        await b.advance(61)
        assert [(d.spec.name, d.attempt) for d in await b.pull()] == [("old", 2), ("new", 1), ("new", 1)]


async def test_a_scan_for_due_jobs_begins_behind_those_that_were_promoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "STEP", 10)
    async with bench(tmp_path / "jobs.db") as b:
        ids = await b.push(*(spec(delay=seconds(60)) for _ in range(35)))
        column = b.core.engine.columns.delayed
        scan, seen = column.scan, list[bytes]()

        def noted(lower: bytes, upper: bytes, most: int) -> list[tuple[bytes, bytes]]:
            assert not seen or lower > seen[-1], "the scan passes jobs that were promoted before"
            rows = scan(lower, upper, most)
            seen.extend(key for key, _ in rows if most > 1)
            return rows

        with monkeypatch.context() as patched:
            patched.setattr(column, "scan", noted)
            await b.advance(61)
        assert len(seen) == len(ids)
        assert len(await b.pull()) == len(ids)


async def test_a_job_that_is_stored_behind_the_last_promoted_one_is_promoted_too(tmp_path: Path) -> None:
    # An operation may carry a time a little before that of the alarm that rang in the same turn.
    async with bench(tmp_path / "jobs.db") as b:
        await b.push(spec(delay=seconds(60)))
        await b.advance(61)
        late = await b.core.engine.submit(lambda now_us: _push_into_the_past(b, now_us))
        await b.advance(1)
        assert await b.state(id_text(late)) == "WAITING"


def _push_into_the_past(b: QueueBench, now_us: int) -> bytes:
    engine = b.core.engine
    commit = Commit(engine, now_us - 40_000_000)
    one = spec(delay=seconds(1))
    job = admit_at(one, "job", commit.now_us, Problems())
    ((job_id, _, _),) = push.store(engine, commit, [job], [one])
    commit.write()
    return job_id
