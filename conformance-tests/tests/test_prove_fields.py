"""Fields that are taken out of messages: what is taken, and what is said of it."""

from __future__ import annotations

import pytest

from rockqueue.v1 import job_service_pb2 as jobs
from rockqueue_conformance.prove_fields import FieldVerdict
from rockqueue_conformance.wire.mutation import FieldUse, Mutation, Recorder, all_fields

PRIORITY = FieldUse("request", "rockqueue.v1.JobSpec", "priority")


def a_push() -> jobs.PushJobsRequest:
    request = jobs.PushJobsRequest(request_id="r")
    request.jobs.add(queue="q", name="a", priority=7)
    request.jobs.add(queue="q", name="b", priority=8)
    return request


def test_a_field_is_taken_out_of_every_entry_and_nothing_else_is() -> None:
    request = a_push()
    Mutation(PRIORITY).apply("request", request)
    assert [(one.name, one.priority) for one in request.jobs] == [("a", 0), ("b", 0)]
    assert request.request_id == "r"


def test_a_field_of_requests_stays_in_responses() -> None:
    request = a_push()
    Mutation(PRIORITY).apply("response", request)
    assert request == a_push()


def test_the_recorder_notes_fields_of_fields() -> None:
    recorder = Recorder()
    recorder.apply("request", a_push())
    assert {str(one) for one in recorder.seen} == {
        "request PushJobsRequest.request_id",
        "request PushJobsRequest.jobs",
        "request JobSpec.queue",
        "request JobSpec.name",
        "request JobSpec.priority",
    }


def test_fields_are_those_of_the_contract_in_the_direction_in_which_they_travel() -> None:
    names = {str(one) for one in all_fields()}
    assert {"request JobSpec.priority", "response JobSpec.priority", "response ParentJob.result"} <= names
    assert not [one for one in names if "AdvanceClock" in one or one.startswith("request ParentJob.")]


@pytest.mark.parametrize(
    ("missed_by", "excuse", "survived", "in_vain"),
    [("", "", True, False), ("a/case", "", False, False), ("", "why", False, False), ("a/case", "why", False, True)],
)
def test_an_excuse_holds_only_for_a_field_that_no_case_misses(
    missed_by: str, excuse: str, *, survived: bool, in_vain: bool
) -> None:
    verdict = FieldVerdict(PRIORITY, missed_by, excuse)
    assert (verdict.survived, verdict.excused_in_vain) == (survived, in_vain)
    assert ("IN VAIN" in str(verdict)) == in_vain
