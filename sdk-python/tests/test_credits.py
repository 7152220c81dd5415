"""The credit algorithm, without a stream."""

from __future__ import annotations

import random

import pytest

from rockqueue._worker.credits import CreditLedger


def test_the_whole_window_is_granted_at_first() -> None:
    ledger = CreditLedger(10, 10)
    assert ledger.grant() == 20
    assert ledger.grant() == 0


def test_a_window_of_one_never_stalls() -> None:
    ledger = CreditLedger(1, 0)
    for number in range(5):
        token = b"%d" % number
        assert ledger.grant() == 1
        ledger.delivered(token)
        assert ledger.grant() == 0
        ledger.settled(token)


@pytest.mark.parametrize(
    ("concurrency", "prefetch", "settled", "granted"),
    [
        # 8 deliveries, window 8: a quarter of it has to be free while deliveries wait.
        (4, 4, 1, 0),
        (4, 4, 2, 2),
        # window 6: 6 / 4 = 1.5, so one is not enough and two are.
        (3, 3, 1, 0),
        (3, 3, 2, 2),
        # Nothing waits: any free credit is granted.
        (8, 0, 1, 1),
        (4, 4, 4, 4),
    ],
)
def test_credits_are_granted_in_quarters_or_when_nothing_waits(
    concurrency: int, prefetch: int, settled: int, granted: int
) -> None:
    ledger = CreditLedger(concurrency, prefetch)
    ledger.grant()
    tokens = [b"%d" % number for number in range(concurrency + prefetch)]
    for token in tokens:
        ledger.delivered(token)
    for token in tokens[:settled]:
        ledger.settled(token)
    assert ledger.grant() == granted


def test_a_new_stream_is_granted_the_window_without_what_is_held() -> None:
    ledger = CreditLedger(10, 0)
    ledger.grant()
    ledger.delivered(b"a")
    ledger.stream_ended()
    assert ledger.grant() == 9


def test_the_window_is_never_overdrawn_and_never_stalls() -> None:
    chance = random.Random(7)
    for _ in range(200):
        ledger = CreditLedger(chance.randint(1, 9), chance.randint(0, 9))
        number = 0
        for _ in range(100):
            ledger.grant()
            assert ledger.held <= ledger.window
            assert ledger.held > 0
            if ledger.granted and chance.random() < 0.6:
                number += 1
                ledger.delivered(b"%d" % number)
            elif ledger.tokens:
                ledger.settled(chance.choice(ledger.tokens))
