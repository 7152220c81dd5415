"""What the machine may wish for: strategies of specs, outcomes and calls. What exists is named by numbers, picked then.

Durations of different kinds end on different microseconds, so that no two of them run out at the same moment by
chance: in which order two unrelated things of one moment are done is nobody's promise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st
from model.model import Model
from model.operations import Bulk, Extend, Operation, Pause, Pull, Purge, Push, Settle, Update
from model.terms import DAY, FINISHED, SECOND, STATES, Outcome, Retry, Spec, Unique

T = TypeVar("T")

QUEUES = ("a", "b")
picks = st.integers(0, 11)
request_ids = st.sampled_from(["", "", "", "", "r1", "r2", "r3", "r4"])


def _spans(code_us: int, *seconds: float) -> st.SearchStrategy[int]:
    return st.sampled_from([int(span * SECOND) + code_us for span in seconds])


delays = _spans(10_007, 0.5, 3, 40, 4000)
ttls = _spans(20_011, 1, 6, 50)
timeouts = _spans(40_031, 2, 12)
bases = st.one_of(st.just(0), _spans(80_051, 1, 7, 100))
leases = st.one_of(st.just(0), _spans(160_081, 1, 5, 60))
cancel_graces = st.one_of(st.just(0), _spans(320_107, 2, 15))
retentions = st.one_of(st.just(0), _spans(640_151, 4, 90, 5000))
windows = _spans(5_003, 3, 70)
pauses = st.one_of(st.just(0), _spans(1_301, 2, 30))

retries = st.tuples(
    st.sampled_from(["FIXED", "LINEAR", "EXPONENTIAL"]), bases, _spans(80_051, 5, 3600), st.integers(1, 3)
).map(lambda fields: Retry(*fields))
uniques = st.tuples(
    st.sampled_from(["k", "l"]),
    st.booleans(),
    st.sampled_from(["FINISHED", "STARTED"]),
    st.just(0),
    st.sampled_from(["REJECT", "RETURN_EXISTING", "REPLACE"]),
).map(lambda fields: Unique(*fields))
windowed = st.tuples(uniques, windows).map(lambda both: both[0]._replace(until="WINDOW", window_us=both[1]))
plain = st.tuples(st.sampled_from(QUEUES), st.sampled_from("xy"), st.binary(max_size=2), st.integers(-1, 1)).map(
    lambda fields: Spec(*fields)
)
_options: dict[str, st.SearchStrategy[Any]] = {
    "delay_us": delays,
    "ttl_us": ttls,
    "timeout_us": timeouts,
    "retry": retries,
    "max_crashes": st.integers(1, 2),
    "unique": st.one_of(uniques, uniques, windowed),
    "cancel_grace_us": cancel_graces,
    "retention_us": retentions,
}
rich = st.tuples(plain, st.fixed_dictionaries({}, optional=_options)).map(lambda both: both[0]._replace(**both[1]))
one_option = st.one_of(
    *[st.tuples(plain, values).map(lambda b, n=name: b[0]._replace(**{n: b[1]})) for name, values in _options.items()]
)


@st.composite
def specs_(draw: st.DrawFn) -> Spec:
    """A job: most have no option or one."""
    return draw(st.one_of(plain, one_option, one_option, rich))


specs = specs_()
all_outcomes = st.one_of(
    st.binary(max_size=1).map(lambda result: Outcome("complete", result)),
    st.lists(specs, min_size=1, max_size=2).map(lambda ups: Outcome("complete", follow_ups=tuple(ups))),
    st.just(Outcome("fail")),
    st.just(Outcome("fail", never=True)),
    pauses.map(lambda delay_us: Outcome("fail", delay_us=delay_us)),
    pauses.map(lambda delay_us: Outcome("snooze", delay_us=delay_us)),
    st.just(Outcome("snooze")),
    st.just(Outcome("release")),
    st.just(Outcome("cancelled")),
)


@st.composite
def outcomes_(draw: st.DrawFn) -> Outcome:
    """How a worker settles."""
    return draw(all_outcomes)


outcomes = outcomes_()


class Known(NamedTuple):
    """What a wish can name."""

    model: Model
    ids: Sequence[str]
    tokens: Sequence[bytes]
    """All lease tokens that were given out, the oldest first."""

    def current(self) -> list[bytes]:
        """The tokens of leases that hold."""
        return sorted((job.lease.token for job in self.model.jobs.values() if job.lease), key=self.tokens.index)


class Wish(NamedTuple):
    """A call that is wished for; `resolve` makes it one of what there is then, or None when there is nothing."""

    kind: str
    values: tuple[Any, ...]

    def resolve(self, known: Known) -> Operation | None:
        """The call."""
        return _RESOLVE[self.kind](known, *self.values)


def _wish(kind: str, *values: st.SearchStrategy[Any]) -> st.SearchStrategy[Wish]:
    return st.builds(Wish, st.just(kind), st.tuples(*values))


def _pick(choices: Sequence[T], pick: int) -> T:
    """The newest are the likeliest to be of interest."""
    return choices[-1 - pick % len(choices)]


def _push(_: Known, wanted: list[Spec], request_id: str, fsync: bool) -> Operation:
    return Push(wanted, request_id, fsync)


def _pull(_: Known, queue: str, most: int, lease_us: int) -> Operation:
    return Pull(queue, most, lease_us)


def _settle(known: Known, entries: list[tuple[int, bool, Outcome]]) -> Operation | None:
    current = known.current()
    chosen: list[tuple[bytes, Outcome]] = []
    for pick, stale, outcome in entries:
        choices = known.tokens if stale else current
        if choices:
            chosen.append((_pick(choices, pick), outcome))
    return Settle(chosen) if chosen else None


def _settle_again(known: Known, pick: int) -> Operation | None:
    settled = list(known.model.settled.items())
    if not settled:
        return None
    token, (outcome, *_) = _pick(settled, pick)
    return Settle([(token, outcome)])


def _extend(known: Known, wanted: list[int], lease_us: int) -> Operation | None:
    return Extend([_pick(known.tokens, pick) for pick in wanted], lease_us) if known.tokens else None


def _bulk(known: Known, kind: str, wanted: list[int], queue: str, request_id: str) -> Operation | None:
    if not known.ids:
        return None
    return Bulk(kind, [_pick(known.ids, pick) for pick in wanted], queue=queue, request_id=request_id)


def _filtered(_: Known, kind: str, queue: str, state: str, request_id: str) -> Operation:
    return Bulk(kind, None, of_queue=queue, of_state=state, request_id=request_id)


def _purge(_: Known, queue: str, states: list[str], request_id: str) -> Operation:
    return Purge(queue, states, request_id)


def _pause(_: Known, queue: str, paused: bool, request_id: str) -> Operation:
    return Pause(queue, paused, request_id)


def _update(_: Known, queue: str, settings: dict[str, int], reset: list[str], request_id: str) -> Operation:
    return Update(queue, settings, [name for name in reset if name not in settings], request_id)


_RESOLVE: dict[str, Any] = {
    "push": _push,
    "pull": _pull,
    "settle": _settle,
    "settle again": _settle_again,
    "extend": _extend,
    "bulk": _bulk,
    "filtered": _filtered,
    "purge": _purge,
    "pause": _pause,
    "update": _update,
}

queues = st.sampled_from(QUEUES)
kinds = st.sampled_from(["cancel", "retry", "delete"])
settings = st.fixed_dictionaries(
    {},
    optional={
        "default_lease": _spans(160_081, 1, 5, 60),
        "completed_retention": retentions,
        "dead_retention": retentions,
        "cancelled_retention": retentions,
        "max_active": st.integers(1, 3),
        "max_backlog_jobs": st.integers(1, 5),
    },
)
pushes = _wish("push", st.lists(specs, min_size=1, max_size=4), request_ids, st.booleans())
pulls = _wish("pull", queues, st.sampled_from([1, 2, 10]), leases)
settlements = _wish(
    "settle", st.lists(st.tuples(picks, st.sampled_from([False] * 4 + [True]), outcomes), min_size=1, max_size=3)
)
repeats = _wish("settle again", picks)
extensions = _wish("extend", st.lists(picks, min_size=1, max_size=3), leases)
bulks = _wish("bulk", kinds, st.lists(picks, min_size=1, max_size=3), st.sampled_from(["", "", *QUEUES]), request_ids)
filtered = _wish("filtered", kinds, st.sampled_from(["", *QUEUES]), st.sampled_from(["", *STATES]), request_ids)
purges = _wish("purge", queues, st.lists(st.sampled_from(["WAITING", "DELAYED", *FINISHED]), max_size=2), request_ids)
pausings = _wish("pause", queues, st.booleans(), request_ids)
updates = _wish(
    "update", queues, settings, st.lists(st.sampled_from(["max_active", "max_backlog_jobs"]), max_size=1), request_ids
)
calls = st.one_of(pushes, pushes, pulls, settlements, bulks, pausings, updates)
"""Calls that a crash may meet: each is one commit. Of a purge or a change by filter any part may be done."""
steps = st.sampled_from([0, SECOND, 5 * SECOND, 45 * SECOND, 11 * 60 * SECOND, 2 * 3600 * SECOND, 8 * DAY, 100 * DAY])
