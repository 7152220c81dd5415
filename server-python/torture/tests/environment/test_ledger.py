"""The audit finds what is lost, doubled, changed, and done without having been said, or the other way round."""

from __future__ import annotations

from rockqueue.v1 import job_pb2
from rockqueue_torture.environment.ledger import audit

PUSHED = {"one": b"1", "two": b"2"}


def job(payload: bytes, *, done: bool = False) -> job_pb2.Job:
    state = job_pb2.JOB_STATE_COMPLETED if done else job_pb2.JOB_STATE_WAITING
    return job_pb2.Job(spec=job_pb2.JobSpec(payload=payload), state=state)


def test_what_was_said_and_is_there_is_right() -> None:
    assert audit(PUSHED, {"two"}, set(), {"one": job(b"1"), "two": job(b"2", done=True)}) == []


def test_a_lost_job_is_found() -> None:
    (wrong,) = audit(PUSHED, set(), set(), {"one": job(b"1")})
    assert "1 acknowledged jobs are lost" in wrong


def test_a_job_that_is_there_twice_is_found() -> None:
    (wrong,) = audit(PUSHED, set(), set(), {"one": job(b"1"), "two": job(b"2"), "again": job(b"2")})
    assert "twice" in wrong


def test_a_changed_payload_is_found() -> None:
    (wrong,) = audit(PUSHED, set(), set(), {"one": job(b"1"), "two": job(b"!")})
    assert "payloads have changed" in wrong


def test_a_lost_completion_is_found() -> None:
    (wrong,) = audit(PUSHED, {"one"}, set(), {"one": job(b"1"), "two": job(b"2")})
    assert "JOB_STATE_WAITING" in wrong


def test_a_completion_without_an_answer_may_be_there_or_not() -> None:
    for done in (True, False):
        assert audit(PUSHED, set(), {"one"}, {"one": job(b"1", done=done), "two": job(b"2")}) == []
