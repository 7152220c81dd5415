"""What the outbox keeps: over kills and restarts, without the events, with too much waiting, without space."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from queue_bench import spec
from receiver import LIMIT_S, Answer, receiver
from webhook_bench import FAILED, PENDING, SUCCEEDED, webhook_bench

from rockqueue.v1 import webhook_service_pb2
from rockqueue_server.errors import ServiceError
from rockqueue_server.store.base import StorageFull
from rockqueue_server.verify import verify_store
from rockqueue_server.webhooks import courier, outbox, records

SCRIPT = """
import asyncio, os, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from queue_bench import spec
from receiver import Receiver
from webhook_bench import webhook_bench
async def main():
    to = Receiver()
    to.port = {port}
    async with webhook_bench(Path({path!r}), to) as hooks:
        await hooks.put()
        await hooks.queues.push(*[spec()] * 20)
        await hooks.until(lambda found: len(found) == 20)
        print("in", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_what_a_killed_process_sent_and_did_not_note_is_sent_again(tmp_path: Path) -> None:
    async with receiver() as to:
        to.answers = [Answer(gate=asyncio.Event())]
        here = Path(__file__).parent
        script = SCRIPT.format(paths=[str(here), str(here.parent)], port=to.port, path=str(tmp_path / "jobs.db"))
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)  # noqa: ASYNC220 - kill -9
        try:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == b"in\n"
            before = {request.id for request in await to.wait(8)}
        finally:
            process.kill()
            process.communicate()
        to.answers = [Answer()]
        async with webhook_bench(tmp_path / "jobs.db", to) as hooks:
            log = await hooks.over(20)
            assert len({one.event.job_id for one in log}) == 20
            again = {request.id for request in to.requests[8:]}
            assert before <= again == {one.id for one in log}
            assert {len(one.attempts) for one in log} == {1}


async def test_the_same_event_has_the_same_id_when_the_outbox_lost_it(tmp_path: Path) -> None:
    """As after a power cut that took the outbox's commit, but not the request that had left."""
    async with receiver() as to:
        async with webhook_bench(tmp_path / "jobs.db", to) as hooks:
            await hooks.put()
            before = (await hooks.get()).cursor
            await hooks.queues.push()
            await hooks.over(1)
            webhook = hooks.core.courier.book.get("w")
            _, commit, within = before.split(".")
            back = records.Position(int(commit, 16), int(within, 16))
            engine = hooks.core.engine

            def lose(now_us: int) -> None:
                written = engine.commit(now_us)
                for key, _ in engine.columns.webhook_deliveries.scan(b"", b"\xff", 10):
                    written.delete(key, engine.columns.webhook_deliveries_h)
                hooks.core.courier.book.move(written, webhook, back)
                written.write()

            await engine.submit(lose)
        async with webhook_bench(tmp_path / "jobs.db", to) as hooks:
            await hooks.over(1)
            assert len(to.requests) >= 2
            assert len({request.id for request in to.requests}) == 1


async def test_a_webhook_that_slept_too_long_goes_on_with_what_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        await hooks.put(disabled=True)
        await hooks.queues.push(*[spec()] * 5)
        await hooks.queues.advance(25 * 3600)
        await hooks.queues.advance(120)
        await hooks.queues.push(spec(name="late"))
        await hooks.put()
        await hooks.over(1)
        assert [request.json["data"]["name"] for request in hooks.receiver.requests] == ["late"]
        assert "missed events" in caplog.text


async def test_a_delivery_outlives_its_event(tmp_path: Path) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        day = {"retry-after": "86400"}
        hooks.receiver.answers = [Answer(500, day), Answer(500, day), Answer()]
        await hooks.put()
        job_id = (await hooks.queues.push())[0]
        for times in (1, 2):
            await hooks.tried(times)
            await hooks.queues.advance(86_400)
        await hooks.queues.advance(120)
        assert hooks.core.engine.feed.gone > 0
        assert (await hooks.over(1))[0].event.job_id == job_id


async def test_with_too_much_waiting_events_stay_in_the_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "MOST_PENDING", 20)
    monkeypatch.setattr(courier, "STEP", 5)
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        gate = asyncio.Event()
        hooks.receiver.answers = [Answer(gate=gate)]
        await hooks.put()
        ids = await hooks.queues.push(*[spec()] * 100)
        await hooks.until(lambda found: len(found) == 20)
        await hooks.queues.push()
        assert (await hooks.get()).pending == 20
        gate.set()
        log = await hooks.over(101)
        assert {one.event.job_id for one in log} > set(ids)
        assert len(hooks.receiver.requests) == 101


async def test_one_commit_with_more_events_than_a_step_is_taken_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "STEP", 7)
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        await hooks.put()
        ids = await hooks.queues.push(*[spec()] * 40)
        log = await hooks.over(40)
        assert [one.event.job_id for one in reversed(log)] == ids
        assert len({request.id for request in hooks.receiver.requests}) == 40


async def test_the_log_keeps_so_many_that_are_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "KEEP_OVER", 10)
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        await hooks.put()
        for _ in range(5):
            await hooks.queues.push(*[spec()] * 5)
            await hooks.queues.advance(1)
        await hooks.receiver.wait(25)
        await hooks.until(lambda found: len(found) == 10 and {one.state for one in found} == {SUCCEEDED})


async def test_a_log_is_forgotten_after_seven_days_also_over_a_restart(tmp_path: Path) -> None:
    async with receiver() as to:
        async with webhook_bench(tmp_path / "jobs.db", to) as hooks:
            await hooks.put()
            await hooks.queues.push(*[spec()] * 3)
            await hooks.over(3)
            await hooks.queues.advance(6 * 86_400)
            await hooks.queues.push()
            await hooks.over(4)
        async with webhook_bench(tmp_path / "jobs.db", to) as hooks:
            await hooks.queues.advance(86_300)
            assert len(await hooks.deliveries()) == 4
            await hooks.queues.advance(200)
            assert len(await hooks.deliveries()) == 1
            await hooks.queues.advance(6 * 86_400)
            assert await hooks.deliveries() == []


async def test_what_was_sent_again_is_forgotten_by_its_new_end(tmp_path: Path) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        await hooks.put()
        await hooks.queues.push()
        first = (await hooks.over(1))[0].id
        await hooks.queues.advance(5 * 86_400)
        request = webhook_service_pb2.ResendWebhookDeliveryRequest(name="w", delivery_id=first)
        await hooks.core.webhooks.resend_webhook_delivery(request)
        await hooks.tried(2)
        await hooks.queues.advance(5 * 86_400)
        assert len(await hooks.deliveries()) == 1
        await hooks.queues.advance(3 * 86_400)
        assert await hooks.deliveries() == []


async def test_a_full_disk_costs_a_repeated_request_and_no_delivery(tmp_path: Path) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        gate = asyncio.Event()
        hooks.receiver.answers = [Answer(gate=gate), Answer()]
        await hooks.put()
        await hooks.queues.push()
        await hooks.receiver.wait(1)
        store = hooks.core.engine.store
        write, failed = store.write, asyncio.Event()

        def full(_: object) -> None:
            failed.set()
            raise StorageFull("no space left")

        store.write = full  # type: ignore[method-assign,assignment]
        gate.set()
        async with asyncio.timeout(LIMIT_S):
            await failed.wait()
        store.write = write  # type: ignore[method-assign]
        await asyncio.sleep(0)
        await hooks.queues.advance(0.9)
        assert len(hooks.receiver.requests) == 1
        await hooks.queues.advance(0.2)
        log = await hooks.over(1)
        assert [request.id for request in hooks.receiver.requests] == [log[0].id] * 2


async def test_a_webhook_is_deleted_while_its_requests_are_under_way(tmp_path: Path) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        hooks.receiver.answers = [Answer(gate=asyncio.Event())]
        await hooks.put()
        await hooks.queues.push(*[spec()] * 20)
        await hooks.receiver.wait(8)
        await hooks.core.webhooks.delete_webhook(webhook_service_pb2.DeleteWebhookRequest(name="w"))
        hooks.receiver.answers = [Answer()]
        await hooks.put()
        assert (await hooks.get()).pending == 0
        await hooks.queues.push()
        assert len(await hooks.over(1)) == 1


async def test_there_are_only_so_many_webhooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rockqueue_server.services.webhooks.MOST_WEBHOOKS", 3)
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        for number in range(3):
            await hooks.put(str(number))
        with pytest.raises(ServiceError, match="LIMIT_EXCEEDED") as refused:
            await hooks.put("3")
        assert refused.value.metadata == {"field": "webhook.name", "limit": "3", "actual": "4"}
        await hooks.put("2", disabled=True)


async def test_secrets_are_on_disk_and_nowhere_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        secret = (await hooks.put(secret="")).secret
        await hooks.queues.push()
        await hooks.over(1)
        webhook = hooks.core.courier.book.get("w")
        assert secret in webhook.config.pack().decode("latin-1")
        assert secret not in repr(webhook)
        assert secret not in str(await hooks.get())
    assert secret not in caplog.text


@pytest.mark.parametrize("kind", records.KINDS)
async def test_damage_is_found(tmp_path: Path, kind: bytes) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        hooks.receiver.answers = [Answer(), Answer(500)]
        await hooks.put()
        await hooks.queues.push()
        await hooks.over(1)
        await hooks.queues.push()
        await hooks.until(lambda found: [len(one.attempts) for one in found] == [1, 1])
        store = hooks.core.engine.store
        assert verify_store(store).problems == []
        column = store.column("webhook_deliveries")
        key, value = column.scan(kind, kind + b"\xff" * 40, 1)[0]
        batch = store.batch()
        batch.delete(key, column.handle)
        store.write(batch)
        assert verify_store(store).problems
        batch = store.batch()
        batch.put(key, value, column.handle)
        store.write(batch)


async def test_all_that_waits_is_sent_after_a_restart(tmp_path: Path) -> None:
    async with receiver() as to:
        to.answers = [Answer(500)]
        async with webhook_bench(tmp_path / "jobs.db", to) as hooks:
            await hooks.put()
            await hooks.queues.push(*[spec()] * 100)
            await hooks.until(lambda found: len(found) == 100 and all(one.attempts for one in found))
        to.answers = [Answer()]
        async with webhook_bench(tmp_path / "jobs.db", to) as hooks:
            assert {one.state for one in await hooks.deliveries(page_size=1000)} == {PENDING}
            await hooks.queues.advance(7)
            log = await hooks.over(100)
            assert FAILED not in {one.state for one in log}


async def test_metrics_tell_what_became_of_requests(tmp_path: Path) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        hooks.receiver.answers = [Answer(), Answer(500)]
        await hooks.put()
        await hooks.queues.push()
        await hooks.over(1)
        await hooks.queues.push()
        await hooks.until(lambda found: [len(one.attempts) for one in found] == [1, 1])
        core = hooks.core
        assert core.stats.webhook_requests == {"succeeded": 1, "rejected": 1, "unanswered": 0, "refused": 0}
        assert sum(core.stats.webhook_s.buckets) == 2
        assert (core.gauges().webhooks.pending, core.gauges().webhooks.late_s) == (1, 0)
        await hooks.put(disabled=True)
        await hooks.queues.advance(100)
        assert core.gauges().webhooks.late_s == 0


async def test_a_page_of_the_log_looks_at_so_many_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        await hooks.put()
        await hooks.queues.push()
        await hooks.over(1)
        hooks.receiver.answers = [Answer(500)]
        await hooks.queues.push(*[spec()] * 250)
        await hooks.until(lambda found: len(found) == 251 and all(one.attempts for one in found))
        monkeypatch.setattr("rockqueue_server.contract.limits.SCAN_ENTRIES", 100)
        token, count, pages = "", 0, 0
        while token or not pages:
            request = webhook_service_pb2.ListWebhookDeliveriesRequest(name="w", state=SUCCEEDED, page_token=token)
            answer = await hooks.core.webhooks.list_webhook_deliveries(request)
            count += len(answer.deliveries)
            token, pages = answer.next_page_token, pages + 1
        assert (count, pages) == (1, 3)


async def test_nothing_runs_without_webhooks(tmp_path: Path) -> None:
    async with webhook_bench(tmp_path / "jobs.db") as hooks:
        await hooks.queues.push()
        assert hooks.core.engine.feed.watchers == 0
        assert not [task for task in asyncio.all_tasks() if "webhook" in task.get_name()]
