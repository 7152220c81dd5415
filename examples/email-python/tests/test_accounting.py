"""The verdict: what was acknowledged against what arrived, by tables of good and bad books."""

from collections.abc import Collection
from dataclasses import dataclass

import pytest

from email_app.demo.accounting import settle_accounts


@dataclass(frozen=True)
class Books:
    acknowledged: Collection[str]
    arrivals: Collection[str]
    dead: Collection[str] = ()
    unanswered: int = 0


BALANCED = {
    "every mail arrived once": Books("abc", "cab"),
    "a mail arrived twice": Books("abc", "abbc"),
    "a mail is a dead letter": Books("abc", "ac", dead="b"),
    "a mail arrived and was given up afterwards": Books("ab", "ab", dead="b"),
    "an unanswered request was stored all the same": Books("ab", "abx", unanswered=1),
    "an unanswered request was not stored": Books("ab", "ab", unanswered=1),
    "a dead letter of an unanswered request": Books("ab", "ab", dead="x", unanswered=1),
}

UNBALANCED = {
    "a mail is lost": Books("abc", "ac"),
    "a mail is lost while another came twice": Books("abc", "aac"),
    "every mail is lost": Books("abc", ""),
    "the dead letter is another one": Books("abc", "ac", dead="x", unanswered=1),
    "a mail came that nobody asked for": Books("ab", "abx"),
    "more strangers than requests without an answer": Books("ab", "abxy", unanswered=1),
    "nothing was promised, so nothing was shown": Books("", ""),
}


@pytest.mark.parametrize("books", BALANCED.values(), ids=BALANCED.keys())
def test_balanced_books_hold(books: Books) -> None:
    verdict = settle_accounts(books.acknowledged, books.arrivals, books.dead, unanswered=books.unanswered)
    assert verdict.holds, verdict


@pytest.mark.parametrize("books", UNBALANCED.values(), ids=UNBALANCED.keys())
def test_unbalanced_books_are_found(books: Books) -> None:
    verdict = settle_accounts(books.acknowledged, books.arrivals, books.dead, unanswered=books.unanswered)
    assert not verdict.holds, verdict


def test_every_job_is_in_its_column() -> None:
    verdict = settle_accounts("abcde", "abbx", "cd", unanswered=1)
    assert verdict.arrived == ("a", "b")
    assert verdict.twice == ("b",)
    assert verdict.dead == ("c", "d")
    assert verdict.missing == ("e",)
    assert verdict.unannounced == ("x",)


def test_an_id_acknowledged_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="acknowledged twice"):
        settle_accounts(["a", "a"], ["a"], [])
