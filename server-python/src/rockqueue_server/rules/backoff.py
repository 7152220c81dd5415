"""The pause before a retry. The formula is the contract's (`RetryPolicy` in `rockqueue/v1/job.proto`)."""

from __future__ import annotations

from dataclasses import dataclass

from rockqueue.v1 import job_pb2

_SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Backoff:
    """A retry policy with every default filled in. Times in microseconds."""

    kind: int = job_pb2.BACKOFF_KIND_EXPONENTIAL
    base_us: int = _SECOND_US
    max_delay_us: int = 3600 * _SECOND_US
    jitter: float = 0.1
    max_attempts: int = 3


def pause_us(policy: Backoff, failures: int, chance: float) -> int:
    """The pause before the next attempt after `failures` failures (1 or more); `chance` is drawn evenly from [0, 1)."""
    if policy.kind == job_pb2.BACKOFF_KIND_FIXED:
        pause = policy.base_us
    elif policy.kind == job_pb2.BACKOFF_KIND_LINEAR:
        pause = policy.base_us * failures
    else:
        pause = policy.base_us << min(failures - 1, 64)
    capped = min(pause, policy.max_delay_us)
    return round(capped * (1 - policy.jitter + 2 * policy.jitter * chance))
