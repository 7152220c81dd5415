"""The visitors: they count each answer for what it is."""

from collections import Counter

import httpx
import pytest

from email_app.demo.traffic import Promises, Visitors, mixed


@pytest.mark.parametrize(
    ("status", "expected"),
    [(202, (1, 0, 0)), (422, (0, 1, 0)), (200, (0, 1, 0)), (503, (0, 0, 1)), (500, (0, 0, 1)), (None, (0, 0, 1))],
)
async def test_answers_are_counted(status: int | None, expected: tuple[int, int, int]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ReadError("the app was killed", request=request)
        return httpx.Response(status, json={"job_id": "job-1"})

    promises = Promises()
    await Visitors(promises, httpx.MockTransport(answer)).visit("http://app.example", ["signup"])
    assert (len(promises.acknowledged), promises.refused, promises.unanswered) == expected
    assert promises.answered_s.keys() == promises.acknowledged.keys()


async def test_each_visitor_is_another_person() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path + request.content.decode())
        return httpx.Response(202, json={"job_id": str(len(asked))})

    visitors = Visitors(Promises(), httpx.MockTransport(answer))
    await visitors.visit("http://app.example", ["signup", "reset-password"])
    await visitors.visit("http://app.example", ["signup"])
    assert len(visitors.promises.acknowledged) == 3
    assert Counter(path.split("{")[0] for path in asked) == {"/signup": 2, "/reset-password": 1}
    assert len(set(asked)) == 3


def test_the_mix_depends_on_the_seed_alone() -> None:
    assert mixed(20, 15, seed=1) == mixed(20, 15, seed=1)
    assert mixed(20, 15, seed=1) != mixed(20, 15, seed=2)
    assert Counter(mixed(20, 15, seed=1)) == {"signup": 20, "reset-password": 15}
