"""The runner against servers that keep the contract, and against servers that break it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fake_server import FIRST_ID, FakeServer, Refusal

from rockqueue_conformance.language.model import Case, Variant, step_from_data
from rockqueue_conformance.runner.execute import Result
from rockqueue_conformance.runner.suite import Target, run_variants
from rockqueue_conformance.steps.registry import KINDS

Data = dict[str, Any]


def a_case(*steps: Data, **options: Any) -> Case:
    return Case("demo", "one", "", ("PUSH-001",), tuple(step_from_data(step, KINDS) for step in steps), **options)


async def judge(fake: FakeServer, case: Case, delivery: str | None = None) -> Result:
    server, address = await fake.start()
    try:
        (result,) = await run_variants([Variant(case, delivery)], Target(address=address), 1, lambda _: None)
    finally:
        await server.stop(None)
    return result


PUSH_AND_READ = (
    {"push": [{"priority": 3}], "save": ["a"]},
    {"job": "${a}", "expect": {"state": "JOB_STATE_WAITING", "spec": {"priority": 3, "queue": "${queue}"}}},
)


async def test_a_server_that_keeps_the_contract_passes() -> None:
    result = await judge(FakeServer(), a_case(*PUSH_AND_READ))
    assert (result.outcome, result.problems) == ("passed", [])


def lose_priority(fake: FakeServer) -> None:
    push = fake.answers["JobService.PushJobs"]

    def forgetful(request: Data) -> Data:
        return push({"jobs": [{**job, "priority": 0} for job in request["jobs"]]})

    fake.answers["JobService.PushJobs"] = forgetful


def lose_jobs(fake: FakeServer) -> None:
    fake.answers["JobService.PushJobs"] = lambda _: {"jobs": [{"job_id": FIRST_ID % 7}]}


def answer_too_few(fake: FakeServer) -> None:
    fake.answers["JobService.PushJobs"] = lambda _: {"jobs": []}


def break_the_books(fake: FakeServer) -> None:
    fake.answers["StoreService.VerifyStore"] = lambda _: {"problems": ["waiting is 3, should be 2"]}


@pytest.mark.parametrize(
    ("defect", "complaint"),
    [
        (lose_priority, "at spec.priority: expected 3, got 0"),
        (lose_jobs, "JOB_NOT_FOUND"),
        (answer_too_few, "1 jobs were pushed, 0 entries came back"),
        (break_the_books, "the books do not balance: waiting is 3, should be 2"),
    ],
)
async def test_a_server_that_breaks_it_fails(defect: Callable[[FakeServer], None], complaint: str) -> None:
    fake = FakeServer()
    defect(fake)
    result = await judge(fake, a_case(*PUSH_AND_READ))
    assert result.outcome == "failed"
    assert complaint in "\n".join(result.problems)


@pytest.mark.parametrize(
    ("refusal", "complaint"),
    [
        (Refusal("NOT_FOUND", "JOB_NOT_FOUND"), None),
        (Refusal("NOT_FOUND", "QUEUE_NOT_FOUND"), "error.reason: expected 'JOB_NOT_FOUND'"),
        (Refusal("INTERNAL", "JOB_NOT_FOUND"), "the contract pairs it with NOT_FOUND"),
        (Refusal("NOT_FOUND", "JOB_NOT_FOUND", domain="example.org"), "the error domain is 'example.org'"),
        (Refusal("UNAVAILABLE", "SHUTTING_DOWN"), "came without RetryInfo"),
        (Refusal("INVALID_ARGUMENT", "INVALID_FIELD"), "INVALID_FIELD names 0 fields"),
        (Refusal("INVALID_ARGUMENT", "INVALID_FIELD", fields=("job_id",)), "expected 'NOT_FOUND'"),
    ],
)
async def test_errors_are_judged_by_the_contract(refusal: Refusal, complaint: str | None) -> None:
    fake = FakeServer()

    def refuse(_: Data) -> Data:
        raise refusal

    fake.answers["JobService.GetJob"] = refuse
    result = await judge(fake, a_case({"job": FIRST_ID % 1, "error": "JOB_NOT_FOUND"}))
    if complaint is None:
        assert result.outcome == "passed"
    else:
        assert result.outcome == "failed"
        assert complaint in "\n".join(result.problems)


async def test_an_expected_error_that_does_not_come_fails() -> None:
    fake = FakeServer()
    result = await judge(fake, a_case(PUSH_AND_READ[0], {"job": "${a}", "error": "JOB_NOT_FOUND"}))
    assert "expected the error" in result.problems[0]


async def test_a_request_that_should_be_refused_and_is_not() -> None:
    rows = [{"set": {"jobs[0].name": ""}, "field": "jobs[0].name"}]
    step = {"rejects": "JobService.PushJobs", "request": {"jobs": [{"queue": "q", "name": "n"}]}, "rows": rows}
    result = await judge(FakeServer(), a_case(step))
    assert "was accepted" in result.problems[0]


def delivery(number: int, attempt: int = 1, token: str = "") -> Data:
    return {"job_id": FIRST_ID % number, "lease_token": token or f"AAA{number}", "attempt": attempt, "lease": "30s"}


def serve_pulls(fake: FakeServer, *answers: list[Data]) -> None:
    left = list(answers)
    fake.answers["WorkService.PullJobs"] = lambda _: {"deliveries": left.pop(0) if left else []}


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ([[delivery(1)], [delivery(2)]], None),
        ([[delivery(2)], [delivery(1)]], "deliveries[0].job_id"),
        ([[delivery(1)]], "expected 2 entries, got 1"),
        ([[delivery(1), delivery(2, token="AAA1")]], "a lease token that was used before"),
        ([[delivery(1), delivery(1, token="AAA2")]], "as attempt 1 after 1"),
        ([[delivery(1), delivery(2, token="A" * 92)]], "not 1 to 64 bytes long"),
    ],
)
async def test_deliveries_are_judged(answers: list[list[Data]], complaint: str | None) -> None:
    fake = FakeServer()
    serve_pulls(fake, *answers)
    expected = [{"job_id": FIRST_ID % 1}, {"job_id": FIRST_ID % 2}]
    result = await judge(fake, a_case({"take": 3, "expect": expected}, deliveries=("pull",)), "pull")
    if complaint is None:
        assert (result.outcome, result.problems) == ("passed", [])
    else:
        assert complaint in "\n".join(result.problems)


def a_session(*after_credits: Data) -> Callable[[AsyncIterator[Data]], AsyncIterator[Data]]:
    """A server's side of a session: opens, answers heartbeats, and says `after_credits` when it is granted some."""

    async def serve(requests: AsyncIterator[Data]) -> AsyncIterator[Data]:
        async for request in requests:
            if "open" in request:
                yield {"opened": {"session_id": "s", "heartbeat_interval": "10s"}}
            elif "heartbeat" in request:
                yield {"heartbeat": {"sequence": request["heartbeat"]["sequence"]}}
            elif "credits" in request:
                for message in after_credits:
                    yield message
            elif "goodbye" in request:
                return

    return serve


SAID: list[tuple[list[Data], str | None]] = [
    ([{"deliveries": {"deliveries": [delivery(1)]}}], None),
    ([], "expected 1 entries, got 0"),
    ([{"deliveries": {"deliveries": [delivery(1), delivery(2)]}}], "expected nothing, got deliveries"),
    ([{"deliveries": {"deliveries": [delivery(1)]}}, {"cancels": {"cancels": [{}]}}], "and cancels"),
]


@pytest.mark.parametrize(("said", "complaint"), SAID)
async def test_sessions_are_judged(said: list[Data], complaint: str | None) -> None:
    fake = FakeServer()
    fake.on_work = a_session(*said)
    steps = (
        {"open": "w"},
        {"send": "w", "message": {"credits": {"credits": 1}}},
        {"receive": "w", "deliveries": [{"attempt": 1}], "within": "0.5s"},
        {"none": "w"},
        {"goodbye": "w"},
    )
    result = await judge(fake, a_case(*steps))
    if complaint is None:
        assert (result.outcome, result.problems) == ("passed", [])
    else:
        assert complaint in "\n".join(result.problems)


async def test_a_delivery_that_no_step_expected_fails() -> None:
    fake = FakeServer()
    fake.on_work = a_session({"deliveries": {"deliveries": [delivery(1)]}}, {"settled": {"sequence": 1}})
    steps: tuple[Data, ...] = (
        {"open": "w"},
        {"send": "w", "message": {"credits": {"credits": 1}}},
        {"receive": "w", "settled": {"sequence": 1, "failures": []}},
    )
    result = await judge(fake, a_case(*steps))
    assert "that no step expected" in result.problems[0]


async def test_a_case_that_needs_what_the_server_lacks_is_skipped() -> None:
    fake = FakeServer()
    fake.answers["ServerService.GetServerInfo"] = lambda _: {"server_time": "2026-01-01T00:00:00Z", "capabilities": {}}
    plain = await judge(fake, a_case(*PUSH_AND_READ))
    assert plain.outcome == "passed"
    assert "StoreService.VerifyStore" not in fake.calls
    clock = await judge(fake, a_case({"advance": "1s"}, needs=frozenset({"clock"})))
    assert (clock.outcome, clock.problems) == ("skipped", ["the server does not serve the testing clock"])
    crash = await judge(fake, a_case({"kill_server": True}, needs=frozenset({"process"})))
    assert crash.outcome == "skipped"
    pull = await judge(fake, a_case({"take": 1}, deliveries=("pull",)), "pull")
    assert pull.problems == ["the server does not claim pull_jobs"]


async def test_no_server_at_all_is_trouble_and_not_a_verdict() -> None:
    target = Target(command="/no/such/program {dir} {ready_file}")
    (result,) = await run_variants([Variant(a_case(*PUSH_AND_READ))], target, 1, lambda _: None)
    assert result.outcome == "failed"
    assert result.trouble


async def test_a_broken_case_is_named_as_such() -> None:
    result = await judge(FakeServer(), a_case({"job": "${nobody}"}))
    assert result.problems[0].startswith("the case is broken: UnknownVariable")
