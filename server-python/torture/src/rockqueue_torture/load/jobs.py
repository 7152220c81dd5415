"""The jobs of the load: each carries a tag that no other push uses, a filling, and what is to become of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from google.protobuf.duration_pb2 import Duration

from rockqueue.v1 import job_pb2

NAME = "torment"
_FATES = ("ok",) * 12 + ("fail_once", "fail", "snooze_once", "release_once", "never", "hang_once", "slow")
PRIORITIES = (-5, 0, 0, 0, 5, 9)


def checksum(filling: str) -> str:
    """What proves that a payload came back as it was pushed."""
    return hashlib.sha256(filling.encode()).hexdigest()[:16]


def duration(milliseconds: int) -> Duration:
    """A span of time for the contract."""
    return Duration(seconds=milliseconds // 1000, nanos=milliseconds % 1000 * 1_000_000)


@dataclass(frozen=True, slots=True)
class TormentJob:
    """One job as it is pushed. It goes into the history as it is here, without its filling."""

    tag: str
    queue: str
    fate: str
    check: str
    priority: int = 0
    delay_ms: int = 0
    unique: str = ""
    max_attempts: int = 3
    max_crashes: int = 3

    def recorded(self) -> dict[str, Any]:
        """For the history."""
        return asdict(self)

    def spec(self, filling: str) -> job_pb2.JobSpec:
        """For the server."""
        spec = job_pb2.JobSpec(
            queue=self.queue,
            name=NAME,
            payload=json.dumps({"tag": self.tag, "fate": self.fate, "filling": filling}).encode(),
            content_type="application/json",
            priority=self.priority,
            max_crashes=self.max_crashes,
            cancel_grace=duration(300),
            retry=job_pb2.RetryPolicy(
                kind=job_pb2.BACKOFF_KIND_FIXED, base=duration(50), jitter=0.0, max_attempts=self.max_attempts
            ),
        )
        if self.delay_ms:
            spec.delay.CopyFrom(duration(self.delay_ms))
        if self.unique:
            spec.unique.CopyFrom(job_pb2.UniqueKey(key=self.unique))
        return spec


def make_job(random: Random, tag: str, queue: str) -> tuple[TormentJob, job_pb2.JobSpec]:
    """A job of chance, and its message."""
    filling = f"{tag}." * random.choice((1, 4, 40, 400))
    plain = random.random() < 0.7  # noqa: PLR2004 - most jobs are ready at once and share an order
    job = TormentJob(
        tag=tag,
        queue=queue,
        fate=random.choice(_FATES),
        check=checksum(filling),
        priority=0 if plain else random.choice(PRIORITIES),
        delay_ms=0 if plain else random.choice((0, 60, 200, 400)),
        unique="" if plain or random.randrange(3) else f"key-{random.randrange(12)}",
        max_attempts=random.choice((1, 2, 3)),
    )
    return job, job.spec(filling)


def read_payload(payload: bytes) -> tuple[str, str, str]:
    """Tag, fate and checksum of a payload that came back; a payload that nobody pushed gives its own text as tag."""
    try:
        found = json.loads(payload)
        return found["tag"], found["fate"], checksum(found["filling"])
    except (ValueError, KeyError, TypeError):
        return payload[:80].decode(errors="replace"), "ok", ""


def result_of(tag: str, attempt: int, worker: str) -> str:
    """What a handler returns: it names the attempt, so that two completions cannot be mistaken for one."""
    return f"{tag}/{attempt}/{worker}"


def result_bytes(tag: str, attempt: int, worker: str) -> bytes:
    """The same as every SDK writes it."""
    return json.dumps(result_of(tag, attempt, worker)).encode()
