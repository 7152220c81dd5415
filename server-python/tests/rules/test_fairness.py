"""Whose turn it is: shares as the weights say, nobody starved, nothing gained by being away."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from rockqueue_server.rules.fairness import Ring

# Serving is slow where machines are busy, and the slowest example is not what is looked for.
patient = settings(deadline=None, max_examples=50)
WEIGHTS = st.dictionaries(st.integers(0, 20), st.integers(1, 1000), min_size=1, max_size=6)


def serve(ring: Ring[int], weights: dict[int, int], count: int) -> list[int]:
    """Serves members that always have more."""
    served: list[int] = []
    for _ in range(count):
        member, tag = ring.next()
        served.append(member)
        ring.join(member, weights[member], ring.served(tag, weights[member]))
    return served


def ring_of(weights: dict[int, int]) -> Ring[int]:
    """A ring in which all are new."""
    ring: Ring[int] = Ring()
    for member, weight in weights.items():
        ring.join(member, weight)
    return ring


@patient
@given(weights=WEIGHTS, rounds=st.integers(1, 3))
def test_over_whole_rounds_shares_are_exactly_the_weights(weights: dict[int, int], rounds: int) -> None:
    served = Counter(serve(ring_of(weights), weights, rounds * sum(weights.values())))
    # What the rounding of a step can cost is a job in a million.
    assert all(abs(served[member] - rounds * weight) <= 1 for member, weight in weights.items())


@patient
@given(weights=WEIGHTS, count=st.integers(1, 2000))
def test_at_any_moment_nobody_is_behind_by_more_than_a_turn(weights: dict[int, int], count: int) -> None:
    served = Counter(serve(ring_of(weights), weights, count))
    whole = sum(weights.values())
    for member, weight in weights.items():
        assert served[member] >= count * weight / whole - len(weights)


def test_equal_ones_take_turns() -> None:
    weights = dict.fromkeys(range(5), 1)
    assert serve(ring_of(weights), weights, 15) == [*range(5)] * 3


@patient
@given(before=st.integers(0, 500), weight=st.integers(1, 50))
def test_a_newcomer_gets_its_share_from_then_on_and_no_more(before: int, weight: int) -> None:
    weights = {0: 1, 1: weight}
    ring: Ring[int] = Ring()
    ring.join(0, 1)
    serve(ring, weights, before)
    ring.join(1, weight)
    served = Counter(serve(ring, weights, 4 * (1 + weight)))
    assert abs(served[1] - 4 * weight) <= 1


def test_who_comes_and_goes_gains_nothing() -> None:
    """One with a job at a time, new each time, beside one of weight 10 that always has more."""
    weights = {0: 10, 1: 1}
    ring = ring_of(weights)
    served: list[int] = []
    for _ in range(1100):
        member, tag = ring.next()
        served.append(member)
        came_back = ring.served(tag, weights[member])
        ring.join(member, weights[member], came_back if member == 0 else 0)
    assert Counter(served) == {0: 1000, 1: 100}


def test_who_was_held_up_has_at_most_one_turn_to_make_up() -> None:
    weights = {0: 1, 1: 1}
    ring = ring_of(weights)
    first, first_tag = ring.next()
    held, tag = ring.next()
    ring.join(first, 1, first_tag)
    serve(ring, weights, 100)
    ring.join(held, 1, tag)
    assert Counter(serve(ring, weights, 10)) == {0: 5, 1: 5}


@patient
@given(newcomers=st.integers(1, 20))
def test_a_stream_of_heavy_newcomers_starves_nobody(newcomers: int) -> None:
    ring: Ring[int] = Ring()
    ring.join(-1, 1)
    others = 0
    for number in range(newcomers):
        ring.join(number, 100)
    while True:
        member, tag = ring.next()
        ring.served(tag, 1 if member < 0 else 100)
        if member < 0:
            break
        others += 1
        ring.join(newcomers + others, 100)
    assert others <= newcomers * 100 + 100
