"""Order in graphs: parents come before children, and a circle is told as it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rockqueue_server.rules.graph import Cycle, ranks

graphs = st.integers(1, 12).flatmap(
    lambda count: st.lists(st.lists(st.integers(0, count - 1), max_size=4, unique=True), min_size=count, max_size=count)
)


RANKED: list[tuple[list[list[int]], list[int]]] = [
    ([[]], [0]),
    ([[], [0], [1]], [0, 1, 2]),
    ([[1], [2], []], [2, 1, 0]),
    ([[], [0], [0], [1, 2]], [0, 1, 1, 2]),
    ([[], [0], [0, 1]], [0, 1, 2]),
]


@pytest.mark.parametrize(("parents", "expected"), RANKED)
def test_a_rank_is_the_longest_way(parents: list[list[int]], expected: list[int]) -> None:
    assert ranks(parents) == expected


@pytest.mark.parametrize(
    ("parents", "circle"), [([[0]], {0}), ([[1], [0]], {0, 1}), ([[], [0, 3], [1], [2], [3]], {1, 2, 3})]
)
def test_one_circle_is_told(parents: list[list[int]], circle: set[int]) -> None:
    with pytest.raises(Cycle) as found:
        ranks(parents)
    assert set(found.value.nodes) == circle


@given(graphs)
def test_parents_come_first_or_there_is_a_circle(parents: list[list[int]]) -> None:
    try:
        rank = ranks(parents)
    except Cycle as cycle:
        nodes = cycle.nodes
        assert len(set(nodes)) == len(nodes)
        for before, after in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            assert before in parents[after]
    else:
        assert all(rank[parent] < rank[node] for node, before in enumerate(parents) for parent in before)


def test_the_biggest_graph_takes_little_time() -> None:
    count = 10_000
    parents = [list(range(max(0, node - 10), node)) for node in range(count)]
    began = time.process_time()
    assert ranks(parents)[-1] == count - 1
    parents[0] = [count - 1]
    with pytest.raises(Cycle) as found:
        ranks(parents)
    assert len(found.value.nodes) > 1
    assert time.process_time() - began < 1
