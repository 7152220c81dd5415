"""The model catches what is wrong with a server: each seeded defect ends a story that a sound server survives.

Ten of them in each run, all with `ROCKQUEUE_MODEL=long`. A test of fairness among queues and of a session that is taken
over is no business of the model: `first_queue_first` and `session_taken_keeps_both` are not among them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from model.profiles import LONG
from model.stories import Story, story
from model.terms import SECOND, Outcome, Retry, Spec, Unique

from rockqueue_server.engine import commit
from rockqueue_server.engine.engine import Engine
from rockqueue_server.engine.records import pack_counts

A = Spec("a")
COMPLETE = Outcome("complete")


def priorities(tale: Story) -> None:
    tale.push(A, A._replace(priority=1))
    tale.pull()


def a_repeated_request(tale: Story) -> None:
    tale.push(A, request_id="r1")
    tale.push(A, request_id="r1")


def a_delay(tale: Story) -> None:
    tale.push(A._replace(delay_us=3 * SECOND))
    tale.advance(2.9)


def retention(tale: Story) -> None:
    tale.push(A._replace(retention_us=4 * SECOND))
    tale.pull()
    tale.settle(COMPLETE)
    tale.advance(5)


def a_stale_lease(tale: Story) -> None:
    tale.push(A)
    tale.pull(lease_s=1)
    tale.advance(2)
    tale.pull()
    tale.settle_stale(COMPLETE, 1)


def a_pause_over_a_restart(tale: Story) -> None:
    tale.push(A)
    tale.pause()
    tale.kill()


def attempts(tale: Story) -> None:
    tale.push(A)
    tale.pull()
    tale.settle(Outcome("release"))
    tale.pull()


def a_snooze(tale: Story) -> None:
    tale.push(A)
    tale.pull()
    tale.settle(Outcome("snooze", delay_us=SECOND))


def an_expiry(tale: Story) -> None:
    tale.push(A._replace(ttl_us=SECOND))
    tale.advance(2)


def a_timeout(tale: Story) -> None:
    tale.push(A._replace(timeout_us=2 * SECOND))
    tale.pull()
    tale.advance(3)


def a_push(tale: Story) -> None:
    tale.push(A, A)


def a_follow_up_that_is_refused(tale: Story) -> None:
    tale.push(A)
    tale.pull()
    bad = A._replace(delay_us=2 * SECOND, ttl_us=SECOND)
    tale.settle(Outcome("complete", follow_ups=(A, bad)))


def a_key_of_a_delayed_job(tale: Story) -> None:
    keyed = A._replace(unique=Unique("k"))
    tale.push(keyed._replace(delay_us=SECOND))
    tale.push(keyed)


def a_release(tale: Story) -> None:
    tale.push(A)
    tale.pull()
    tale.settle(Outcome("release"))


def a_long_backoff(tale: Story) -> None:
    tale.push(A._replace(retry=Retry("EXPONENTIAL", 100 * SECOND, 5 * SECOND, 3)))
    tale.pull()
    tale.settle(Outcome("fail"))


def counters_over_a_restart(tale: Story) -> None:
    tale.push(A)
    tale.kill()


def two_pages(tale: Story) -> None:
    tale.push(*[A] * 9)


def two_reads_of_the_feed(tale: Story) -> None:
    tale.push(A)
    tale.push(A)


def many_events(tale: Story) -> None:
    tale.push(*[A] * 110)


def heartbeats(tale: Story) -> None:
    tale.open_session(credits_=2, lease_s=6)
    tale.push(A, A)
    tale.advance(3)
    tale.beat()
    tale.advance(4)


def a_reconnect(tale: Story) -> None:
    tale.open_session(credits_=1)
    tale.push(A)
    tale.break_and_resume()


def a_cancel_and_a_reconnect(tale: Story) -> None:
    tale.open_session(credits_=1)
    tale.push(A)
    tale.bulk("cancel")
    tale.break_and_resume()


def a_goodbye(tale: Story) -> None:
    tale.open_session(credits_=1)
    tale.push(A)
    tale.say_goodbye()


STORIES: dict[str, Callable[[Story], None]] = {
    "ignore_priority": priorities,
    "forget_request_id": a_repeated_request,
    "early_delay": a_delay,
    "retention_ignored": retention,
    "accept_stale_lease": a_stale_lease,
    "pause_lost_on_restart": a_pause_over_a_restart,
    "reuse_attempt_number": attempts,
    "snooze_counts_failure": a_snooze,
    "ttl_ignored": an_expiry,
    "timeout_ignored": a_timeout,
    "ack_before_write": a_push,
    "batch_not_atomic": a_push,
    "follow_ups_not_atomic": a_follow_up_that_is_refused,
    "unique_check_ignores_delayed": a_key_of_a_delayed_job,
    "charge_crash_on_release": a_release,
    "no_jitter_cap": a_long_backoff,
    "counters_drift": counters_over_a_restart,
    "page_token_skips_one": two_pages,
    "watch_repeats_on_resume": two_reads_of_the_feed,
    "event_skips_every_100th": many_events,
    "heartbeat_extends_one_lease": heartbeats,
    "lose_lease_on_resume": a_reconnect,
    "cancel_lost_on_resume": a_cancel_and_a_reconnect,
    "drain_charges_crash": a_goodbye,
}


QUICK = (
    "ignore_priority", "forget_request_id", "early_delay", "accept_stale_lease", "reuse_attempt_number",
    "follow_ups_not_atomic", "unique_check_ignores_delayed", "counters_drift", "heartbeat_extends_one_lease",
    "cancel_lost_on_resume",
)  # fmt: skip
DEFECTS = [name for name in STORIES if LONG or name in QUICK]


@pytest.mark.parametrize("tell", dict.fromkeys(STORIES[name] for name in DEFECTS))
def test_a_sound_server_survives_the_story_of(tell: Callable[[Story], None]) -> None:
    with story() as tale:
        tell(tale)


def a_push_before_a_power_cut(tale: Story) -> None:
    tale.push(A)
    tale.cut_the_power(A)


def test_a_sound_server_survives_a_power_cut() -> None:
    with story() as tale:
        a_push_before_a_power_cut(tale)


def test_the_model_catches_an_answer_before_the_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = Engine.submit

    def too_soon(engine: Engine, operation: Callable[[int], object], *, durable: bool = True) -> object:
        del durable
        return submit(engine, operation, durable=False)

    monkeypatch.setattr(Engine, "submit", too_soon)
    with story() as tale, pytest.raises(AssertionError, match="holds none of the 1 states"):
        a_push_before_a_power_cut(tale)


def test_the_model_catches_counters_that_are_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(counts: list[int]) -> bytes:
        return bytes(len(pack_counts(counts)))

    monkeypatch.setattr(commit, "pack_counts", nothing)
    with story() as tale, pytest.raises(AssertionError, match="a check of the store"):
        counters_over_a_restart(tale)


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_model_catches(defect: str) -> None:
    with story(defect) as tale, pytest.raises(Exception) as caught:  # noqa: PT011 - a crash of the server is caught too
        STORIES[defect](tale)
    assert not isinstance(caught.value, (TypeError, AttributeError, NameError))
