"""Histories written by hand. Times are milliseconds; a job is called by its tag, and its id is `job-TAG`."""

from __future__ import annotations

from typing import Any

from rockqueue_torture.checker import check
from rockqueue_torture.history import Event, History, Outcome

MS = 1_000_000


def ns(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else int(milliseconds * MS)


class Written:
    """A history in the making. Every method adds one event and gives the story back, so that calls can be chained."""

    def __init__(self) -> None:
        self.history = History()

    def push(
        self,
        began: float,
        ended: float | None,
        *tags: str,
        outcome: Outcome = "ok",
        request: str = "",
        ids: tuple[str, ...] = (),
        durability: str = "FSYNC",
        existing: bool = False,
        **spec: Any,
    ) -> Written:
        jobs = [job(tag, **spec) for tag in tags]
        args: dict[str, Any] = {
            "request_id": request or f"request-{tags[0]}",
            "durability": f"DURABILITY_{durability}",
            "jobs": jobs,
        }
        if outcome == "ok":
            args |= {"ids": list(ids) or [f"job-{tag}" for tag in tags], "existing": [existing] * len(tags)}
        return self._add("push", began, ended if outcome != "unknown" else None, outcome, args, "pusher")

    def grant(
        self,
        began: float | None,
        ended: float,
        tag: str,
        attempt: int = 1,
        *,
        id: str = "",  # noqa: A002 - reads best
        lease: float = 1000,
        place: int = 0,
        by: str = "worker",
        **changed: Any,
    ) -> Written:
        job_id = id or f"job-{tag}"
        args = {"job": job_id, "tag": tag, "check": f"sum-{tag}", "queue": "q", "attempt": attempt, "place": place}
        args |= {"token": token(job_id, attempt), "lease_ns": ns(lease), "how": "pull" if began is not None else "work"}
        return self._add("grant", began, ended, "ok", args | changed, by)

    def settle(
        self,
        began: float,
        ended: float | None,
        tag: str,
        attempt: int = 1,
        kind: str = "complete",
        body: str = "done",
        outcome: Outcome = "ok",
    ) -> Written:
        job_id = f"job-{tag}"
        args = {"job": job_id, "attempt": attempt, "token": token(job_id, attempt), "kind": kind, "body": body}
        return self._add("settle", began, ended if outcome != "unknown" else None, outcome, args, "worker")

    def extend(self, began: float, ended: float, tag: str, attempt: int = 1, lease: float = 1000) -> Written:
        job_id = f"job-{tag}"
        args = {"job": job_id, "attempt": attempt, "token": token(job_id, attempt), "lease_ns": ns(lease)}
        return self._add("extend", began, ended, "ok", args, "worker")

    def cancel(self, began: float, ended: float, tag: str, outcome: Outcome = "ok") -> Written:
        return self._add("cancel", began, ended, outcome, {"job": f"job-{tag}"}, "canceller")

    def power_cut(self, at: float) -> Written:
        return self._add("power_cut", at, at, "ok", {}, "harness")

    def final(self, tag: str, state: str = "COMPLETED", attempt: int = 1, *, id: str = "", **changed: Any) -> Written:  # noqa: A002
        args = {"job": id or f"job-{tag}", "tag": tag, "check": f"sum-{tag}", "queue": "q", "state": state}
        args |= {"attempt": attempt, "failures": 0, "crashes": 0, "dead_reason": "UNSPECIFIED", "worker": "worker"}
        args |= {"result": "done" if state == "COMPLETED" else ""}
        return self._add("final", 90_000, 90_000, "ok", args | changed, "harness")

    def books(self, counters: Any, scan: Any, problems: tuple[str, ...] = ()) -> Written:
        args = {"counters": counters, "scan": scan, "problems": list(problems)}
        return self._add("books", 91_000, 91_000, "ok", args, "harness")

    def read(self) -> Written:
        self._add("healed", 80_000, 80_000, "ok", {"within_ns": 10_000 * MS}, "harness")
        return self._add("read", 92_000, 92_000, "ok", {"drained": True, "jobs": 0}, "harness")

    def broken(self) -> set[str]:
        """The properties that the checker finds broken."""
        return {violation.property for violation in check(self.history)}

    def _add(
        self, op: Any, began: float | None, ended: float | None, outcome: Outcome, args: dict[str, Any], client: str
    ) -> Written:
        self.history.add(Event(client, op, ns(began), ns(ended), outcome, args))
        return self


def job(tag: str, **changed: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"tag": tag, "queue": "q", "fate": "ok", "check": f"sum-{tag}", "priority": 0}
    spec |= {"delay_ms": 0, "unique": "", "max_attempts": 3, "max_crashes": 3}
    return spec | changed


def token(job_id: str, attempt: int) -> str:
    return f"{job_id}/{attempt}"


def a_good_life(tag: str = "a") -> Written:
    """Pushed, delivered, completed, and there at the end."""
    return Written().push(0, 1, tag).grant(2, 3, tag).settle(4, 5, tag).final(tag).read()
