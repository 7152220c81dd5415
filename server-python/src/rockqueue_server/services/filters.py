"""Filters of jobs: what may be asked for, and what fits.

The one place where a `JobFilter` becomes a test. What the head of a job tells is tested first: most jobs that do not
fit are known by it, and cost no more than reading their record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rockqueue.v1 import job_pb2, job_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.admission import FLOW, GROUP, ORIGIN, TAGS, check_group
from rockqueue_server.contract.problems import Problems
from rockqueue_server.engine.records import JobHead, unpack_job
from rockqueue_server.rules.ids import parse_id

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine

SpecTest = Callable[[job_pb2.JobSpec], bool]


def check_filter(wanted: job_service_pb2.JobFilter, path: str, problems: Problems) -> None:
    """Notes what is wrong with a filter."""
    if wanted.queue:
        problems.queue(f"{path}.queue", wanted.queue)
    problems.known_enum(f"{path}.state", wanted.state, job_pb2.JobState)
    if wanted.group:
        check_group(wanted.group, f"{path}.group", problems)
    if wanted.flow_id and parse_id(wanted.flow_id) is None:
        problems.add(f"{path}.flow_id", "must be a flow id: a UUID as text")
    if len(wanted.tags) > limits.TAGS:
        problems.over(f"{path}.tags", limits.TAGS, len(wanted.tags), "tags")
    for field in ("created_from", "created_before"):
        if wanted.HasField(field):  # type: ignore[arg-type]
            problems.timestamp(f"{path}.{field}", getattr(wanted, field))


class Matcher:
    """A filter, ready to be held against many jobs. Times in microseconds, None where the filter sets no bound."""

    def __init__(self, engine: Engine, wanted: job_service_pb2.JobFilter) -> None:
        self.state = wanted.state
        self.from_us = wanted.created_from.ToMicroseconds() if wanted.HasField("created_from") else None
        self.before_us = wanted.created_before.ToMicroseconds() if wanted.HasField("created_before") else None
        self.tags = list(dict.fromkeys(wanted.tags))
        queue = engine.queues.get(wanted.queue) if wanted.queue else None
        self.queue = queue
        self.impossible = bool(wanted.queue) and queue is None
        """It asks for a queue that does not exist."""
        self.group = wanted.group
        self.flow_id = parse_id(wanted.flow_id) if wanted.flow_id else None
        self._name = wanted.name
        self._flags, self._of_spec = _spec_tests(wanted)

    def fits(self, value: bytes) -> bool:
        """Whether the job of a record fits, its state aside: that does not stand in the record."""
        head, spec = unpack_job(value)
        return self._fits_head(head) and self._fits_spec(spec)

    def _fits_head(self, head: JobHead) -> bool:
        if self.queue is not None and head.queue != self.queue.number:
            return False
        if self._name and head.name != self._name:
            return False
        if self.from_us is not None and head.create_us < self.from_us:
            return False
        if self.before_us is not None and head.create_us >= self.before_us:
            return False
        return head.flags & self._flags == self._flags

    def _fits_spec(self, raw: bytes) -> bool:
        if not self._of_spec:
            return True
        spec = job_pb2.JobSpec.FromString(raw)
        return all(test(spec) for test in self._of_spec)


def _spec_tests(wanted: job_service_pb2.JobFilter) -> tuple[int, list[SpecTest]]:
    """What only the spec of a job tells: the flags of jobs whose specs are worth a look, and the tests."""
    flags, tests = 0, list[SpecTest]()
    if wanted.tags:
        tags = set(wanted.tags)
        flags |= TAGS
        tests.append(lambda spec: tags.issubset(spec.tags))
    if wanted.group:
        flags |= GROUP
        tests.append(lambda spec: spec.group == wanted.group)
    if wanted.flow_id:
        flags |= FLOW
        flow_id = wanted.flow_id.lower()
        tests.append(lambda spec: spec.origin.flow_id == flow_id)
    if wanted.schedule:
        flags |= ORIGIN
        tests.append(lambda spec: spec.origin.schedule == wanted.schedule)
    return flags, tests
