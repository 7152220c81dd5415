"""What a handler raises to say what becomes of its job, and how every outcome becomes a settlement."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from rockqueue._durations import Seconds, seconds, to_duration
from rockqueue.v1.job_pb2 import JobError, JobSpec
from rockqueue.v1.work_service_pb2 import Cancelled, Complete, Fail, Settlement
from rockqueue.v1.work_service_pb2 import Release as ReleaseMessage
from rockqueue.v1.work_service_pb2 import Snooze as SnoozeMessage

# The server cuts at 256 characters, 8 KiB and 32 KiB; cut here, they do not swell a batch on its way.
TYPE_CHARACTERS = 256
MESSAGE_CHARACTERS = 8_000
STACK_CHARACTERS = 32_000


class Outcome(Exception):
    """Base of what a handler raises on purpose."""


class NonRetryable(Outcome):
    """The job failed and trying again is of no use: it is DEAD at once, reason NON_RETRYABLE."""


class RetryAfter(Outcome):
    """The attempt failed; try again after this long, if attempts are left: `raise RetryAfter(60, "rate limited")`."""

    def __init__(self, delay: Seconds, message: str = "") -> None:
        super().__init__(message or "asked to be retried")
        self.delay_s = seconds(delay, "delay")


class Snooze(Outcome):
    """Not now: run the job again after this long. Counts against nothing."""

    def __init__(self, delay: Seconds) -> None:
        super().__init__("snoozed")
        self.delay_s = seconds(delay, "delay")


class Release(Outcome):
    """Give the job back as it was, with its place in the order. Counts against nothing."""


class JobCancelled(Outcome):
    """The handler stopped because `ctx.cancelled` was set; how a sync handler says so. Otherwise a failed attempt."""


def completed(token: bytes, result: bytes, content_type: str, follow_ups: Sequence[JobSpec]) -> Settlement:
    """The handler succeeded."""
    if not (result or content_type or follow_ups):
        # What most jobs end with; filled in from outside it costs three times as much.
        settlement = Settlement(lease_token=token)
        settlement.complete.SetInParent()
        return settlement
    return Settlement(
        lease_token=token,
        complete=Complete(result=result, result_content_type=content_type, follow_ups=follow_ups),
    )


def failed(token: bytes, error: BaseException) -> Settlement:
    """The handler raised: what that means for its job."""
    if isinstance(error, Snooze):
        return snoozed(token, error.delay_s)
    if isinstance(error, Release):
        return released(token)
    fail = Fail(error=describe(error))
    if isinstance(error, RetryAfter):
        fail.retry_delay.CopyFrom(to_duration(error.delay_s))
    elif isinstance(error, NonRetryable):
        fail.never = True
    return Settlement(lease_token=token, fail=fail)


def refused(token: bytes, reason: str, message: str, *, for_good: bool) -> Settlement:
    """The outcome itself cannot be stored: the attempt has failed for that reason."""
    fail = Fail(error=JobError(type=reason, message=message[:MESSAGE_CHARACTERS]))
    if for_good:
        fail.never = True
    return Settlement(lease_token=token, fail=fail)


def snoozed(token: bytes, delay_s: float) -> Settlement:
    """Not now."""
    return Settlement(lease_token=token, snooze=SnoozeMessage(delay=to_duration(delay_s)))


def released(token: bytes) -> Settlement:
    """Given back."""
    return Settlement(lease_token=token, release=ReleaseMessage())


def cancelled(token: bytes) -> Settlement:
    """Stopped because it was asked to."""
    return Settlement(lease_token=token, cancelled=Cancelled())


def describe(error: BaseException) -> JobError:
    """Class, message and stack of an exception; for `raise NonRetryable(...) from cause` the cause is in the stack."""
    stack = "".join(traceback.format_exception(error))
    return JobError(
        type=type(error).__qualname__[:TYPE_CHARACTERS],
        message=str(error)[:MESSAGE_CHARACTERS],
        stack=stack[-STACK_CHARACTERS:],
    )
