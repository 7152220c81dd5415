"""Compares the outbox with itself: deliveries with the orders, and the counters with both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rockqueue_server.rules import keys
from rockqueue_server.store.base import Column, Store
from rockqueue_server.webhooks import records
from rockqueue_server.webhooks.records import Position, Record

_STEP = 1000
_MOST = 100


def verify_webhooks(store: Store) -> list[str]:
    """What does not agree, up to a hundred problems. Reads all deliveries, and keeps none."""
    settings, deliveries = store.column("webhooks"), store.column("webhook_deliveries")
    problems: list[str] = []
    ordered: Counter[tuple[int, bytes]] = Counter()
    for kind in (records.WAITING, records.OVER):
        ordered.update((records.number_of(key), kind) for key, _ in _all(deliveries, kind))
    found: Counter[tuple[int, bytes]] = Counter()
    gone = {records.number_of(key) for key, _ in _all(settings, b"g")}
    for key, value in _all(deliveries, records.DELIVERY):
        number = records.number_of(key)
        record = Record.unpack(value)
        kind = records.WAITING if record.delivery.state == records.PENDING else records.OVER
        found[number, kind] += 1
        order = records.order_key(kind, number, record.time_us, key[5:])
        if number not in gone and deliveries.get(order) is None and len(problems) < _MOST:
            problems.append(f"delivery {record.delivery.id} of webhook {number} is in no order")
    for key, value in _all(settings, b"p"):
        number, position = records.number_of(key), Position.unpack(value)
        if settings.get(records.config_key(number)) is None:
            problems.append(f"webhook {number} has a position but no settings")
        counts = {records.WAITING: position.pending, records.OVER: position.over}
        for kind, count in counts.items():
            if not count == found[number, kind] == ordered[number, kind]:
                problems.append(
                    f"webhook {number}: its counter says {count} {'waiting' if kind == records.WAITING else 'over'}, "
                    f"a scan finds {found[number, kind]}, their order {ordered[number, kind]}"
                )
    known = gone | {records.number_of(key) for key, _ in _all(settings, b"p")}
    strays = sorted({number for number, _ in ordered | found} - known)
    problems.extend(f"deliveries of webhook {number}, which does not exist" for number in strays)
    problems.extend(
        f"webhook {records.number_of(key)} has settings but no position"
        for key, _ in _all(settings, b"c")
        if records.number_of(key) not in known
    )
    return problems


def _all(column: Column, kind: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every pair whose key begins with `kind` and a number."""
    lower, upper = kind + bytes(4), kind + b"\xff" * 48
    while rows := column.scan(lower, upper, _STEP):
        yield from rows
        lower = keys.after(rows[-1][0])
