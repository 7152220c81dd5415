"""Which failed attempts of a call are repeated, and when: decided by the contract, never by the text of an error."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import grpc

from rockqueue._durations import Seconds, seconds
from rockqueue._errors import DeadlineExceeded, RockQueueError
from rockqueue._methods import Method, Request, Response

# Codes after which nobody on this side knows whether a mutating call took effect (see error_reason.proto).
UNKNOWN_OUTCOME = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRetry:
    """How calls are repeated. Only calls that the contract allows to repeat are, always with the same request id.

    Attributes:
        max_attempts: All attempts of a call, the first included. Default: 10.
        initial_delay: The pause after the first failure, doubled by each further one. Default: 0.1 s.
        max_delay: The longest pause before jitter. Default: 5 s.
        attempt_timeout: The longest one attempt may take while the call's own timeout lasts. Default: 10 s.
        max_server_delay: A pause that the server asks for is honoured up to this. Default: 10 s.

    Each pause is multiplied by a random factor from 0.5 to 1.5.
    """

    max_attempts: int = 10
    initial_delay: Seconds = 0.1
    max_delay: Seconds = 5.0
    attempt_timeout: Seconds = 10.0
    max_server_delay: Seconds = 10.0

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be 1 or more, not {self.max_attempts}")
        for option in ("initial_delay", "max_delay", "attempt_timeout", "max_server_delay"):
            seconds(getattr(self, option), option)


def backoff(failures: int, initial: float, longest: float, factor: float) -> float:
    """Seconds to wait after the n-th failure in a row (1 for the first); `factor` is drawn from [0.5, 1.5]."""
    return min(initial * 2.0 ** min(failures - 1, 60), longest) * factor


def spread() -> float:
    """A random factor that keeps callers who failed together from coming back together."""
    return random.uniform(0.5, 1.5)  # noqa: S311 - nothing secret


def pause_before_retry(policy: CallRetry, failures: int, error: RockQueueError, factor: float) -> float | None:
    """Seconds to wait before the next attempt; None when `error` is final."""
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        if error.retry_after is None:
            return None
    elif error.code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return None
    own = backoff(failures, seconds(policy.initial_delay, ""), seconds(policy.max_delay, ""), factor)
    asked = min(error.retry_after or 0.0, seconds(policy.max_server_delay, ""))
    return max(own, asked)


@dataclass(slots=True)
class Calling:
    """What one logical call brings along.

    Attributes:
        timeout_s: For all attempts together.
        policy: None makes one attempt.
        request_id: As in the request; for the error.
        attempt_timeout_s: Instead of the policy's, for calls that wait at the server.
        final_reasons: Reasons that are not retried although the policy would.
    """

    timeout_s: float
    policy: CallRetry | None
    request_id: str = ""
    attempt_timeout_s: float | None = None
    final_reasons: frozenset[str] = frozenset()


Attempt = Callable[[Method[Request, Response], Request, float], Awaitable[Response]]


async def call_with_retry(
    attempt_once: Attempt[Request, Response], method: Method[Request, Response], request: Request, calling: Calling
) -> Response:
    """Makes a call, repeating what may be repeated. Raises the last error; it knows if the outcome is unknown."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + calling.timeout_s
    policy = calling.policy if method.repeatable and (calling.request_id or not method.mutating) else None
    unknown = False
    failures = 0
    while True:
        remaining = deadline - loop.time()
        try:
            if remaining <= 0:
                raise DeadlineExceeded(f"{method.name}: the timeout of {calling.timeout_s:g} s has passed")
            return await attempt_once(method, request, _attempt_timeout(policy, calling, remaining))
        except RockQueueError as error:
            failures += 1
            unknown = unknown or error.code in UNKNOWN_OUTCOME
            error.request_id = calling.request_id
            error.outcome_unknown = method.mutating and unknown and _leaves_unknown(error)
            pause = None
            if policy is not None and failures < policy.max_attempts and error.reason not in calling.final_reasons:
                pause = pause_before_retry(policy, failures, error, spread())
            if pause is None or loop.time() + pause >= deadline:
                raise
        await asyncio.sleep(pause)


def _attempt_timeout(policy: CallRetry | None, calling: Calling, remaining: float) -> float:
    if policy is None:
        return remaining
    longest = calling.attempt_timeout_s or seconds(policy.attempt_timeout, "")
    return min(remaining, longest)


def _leaves_unknown(error: RockQueueError) -> bool:
    # A definite refusal of a repeated request id settles the matter, except one for lack of room: that one may have
    # been said before the server looked for the earlier answer.
    return error.code in UNKNOWN_OUTCOME or error.code is grpc.StatusCode.RESOURCE_EXHAUSTED
