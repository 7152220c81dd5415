"""Order in a graph of jobs that wait for each other, without recursion: a chain may be as long as the graph is big."""

from __future__ import annotations


class Cycle(Exception):
    """Some nodes wait for each other in a circle. `nodes` is one circle: each waits for the one before it."""

    def __init__(self, nodes: list[int]) -> None:
        super().__init__(nodes)
        self.nodes = nodes


def ranks(parents: list[list[int]]) -> list[int]:
    """For each node how many nodes the longest way to it passes: 0 for one without parents.

    `parents[i]` are the nodes that node i waits for. Every parent has a lower rank than its child. Raises Cycle.
    """
    waiting = [len(before) for before in parents]
    children: list[list[int]] = [[] for _ in parents]
    for node, before in enumerate(parents):
        for parent in before:
            children[parent].append(node)
    rank = [0] * len(parents)
    free = [node for node, count in enumerate(waiting) if not count]
    for node in free:
        below = rank[node] + 1
        for child in children[node]:
            rank[child] = max(rank[child], below)
            waiting[child] -= 1
            if not waiting[child]:
                free.append(child)
    if len(free) < len(parents):
        raise Cycle(_circle(parents, waiting))
    return rank


def _circle(parents: list[list[int]], waiting: list[int]) -> list[int]:
    """One circle among the nodes that never became free. Each of them has a parent that did not either."""
    node = next(node for node, count in enumerate(waiting) if count)
    seen: dict[int, int] = {}
    way: list[int] = []
    while node not in seen:
        seen[node] = len(way)
        way.append(node)
        node = next(parent for parent in parents[node] if waiting[parent])
    # The way leads from children to parents; told is who waits for whom, from parent to child.
    return way[seen[node] :][::-1]
