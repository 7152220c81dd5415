"""Celery on Redis: `celery_load.py produce|consume`, told what the other peers' loads are told, in lines of JSON."""

# ruff: noqa: INP001 - a program that runs in an environment of its own, with what requirements.txt pins
# pyright: basic, reportMissingImports=false
from __future__ import annotations

import json
import logging
import math
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from celery import Celery
from celery.signals import worker_ready

DIGITS = 20
FRAME_BYTES = 22 + DIGITS
WARM_UP_S = 0.3
LOOK_EVERY_S = 0.005
IDLE_QUEUE = "idle"
# Redis keeps here what was delivered and is not acknowledged yet.
UNACKNOWLEDGED = "unacked"

# A worker writes to the standard output what it likes; the harness gets a line of its own.
HARNESS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def application(params: dict[str, Any]) -> Celery:
    """An application that keeps no results, and acknowledges a job when it is done."""
    app = Celery("bench", broker=f"redis://{params['address']}/0", backend=None)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=params["window"],
        broker_pool_limit=params["clients"],
        broker_connection_retry_on_startup=True,
        worker_hijack_root_logger=False,
        task_default_queue=IDLE_QUEUE,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
    )
    return app


def payload(size: int) -> dict[str, str]:
    """A payload of a fixed size that carries the moment in which it was made."""
    return {"at": f"{time.monotonic_ns():0{DIGITS}d}", "filler": "x" * max(0, size - FRAME_BYTES)}


def produce(params: dict[str, Any]) -> dict[str, Any]:
    """Each client is a thread with a connection of the pool. Celery has no call for several jobs."""
    app = application(params)
    pushed = 0
    claimed = 0
    lock = threading.Lock()

    def push(queue: str) -> None:
        app.send_task("noop", kwargs=payload(params["payload_bytes"]), queue=queue)

    def lane(until: float) -> None:
        nonlocal pushed, claimed
        while time.monotonic() < until:
            with lock:
                if params["jobs"] and claimed >= params["jobs"]:
                    return
                claimed += 1
            push(params["queue"])
            with lock:
                pushed += 1
            if params["pause_ms"]:
                time.sleep(params["pause_ms"] / 1000)

    warm_until = time.monotonic() + WARM_UP_S
    while time.monotonic() < warm_until:
        push(f"{params['queue']}-warm")
    ready()
    began_ns = time.monotonic_ns()
    with ThreadPoolExecutor(params["clients"]) as pool:
        for lane_run in [pool.submit(lane, time.monotonic() + params["seconds"]) for _ in range(params["clients"])]:
            lane_run.result()
    return {"jobs": pushed, "began_ns": began_ns, "ended_ns": time.monotonic_ns(), "p50_ms": 0.0, "p99_ms": 0.0}


class Consumer:
    """One worker process that runs the tasks itself: the quickest pool for tasks that do nothing."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._delays_ns: list[int] = []
        self._started = threading.Event()
        host, port = params["address"].split(":")
        self._store = redis.Redis(host, int(port))
        app = application(params)
        app.task(self._noop, name="noop")
        app.finalize()
        self._worker = app.Worker(
            pool="solo",
            queues=[IDLE_QUEUE],
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            loglevel="ERROR",
        )

    def run(self) -> None:
        """Works until the harness ends the process: a worker that stops in good order takes seconds."""
        worker_ready.connect(self._on_ready, weak=False)
        threading.Thread(target=self._watch, daemon=True).start()
        self._worker.start()

    def _noop(self, at: str, filler: str) -> None:  # noqa: ARG002 - a part of the payload
        self._delays_ns.append(time.monotonic_ns() - int(at))

    def _on_ready(self, **_: Any) -> None:
        self._started.set()

    def _watch(self) -> None:
        """Lets the worker begin, and looks how far it is."""
        self._started.wait()
        ready()
        began_ns = time.monotonic_ns()
        wanted = self._params["jobs"] or int(self._store.llen(self._params["queue"]))
        self._worker.consumer.call_soon(self._worker.consumer.add_task_queue, self._params["queue"])
        until = time.monotonic() + self._params["seconds"]
        done = ended_ns = 0
        while time.monotonic() < until and done < wanted:
            time.sleep(LOOK_EVERY_S)
            # What had run and is not among those that wait for their acknowledgment: never more than there are.
            run = len(self._delays_ns)
            acknowledged = run - int(self._store.hlen(UNACKNOWLEDGED))
            if acknowledged > done:
                done, ended_ns = acknowledged, time.monotonic_ns()
        say({"jobs": done, "began_ns": began_ns, "ended_ns": ended_ns, **percentiles(self._delays_ns)})


def percentiles(delays_ns: list[int]) -> dict[str, float]:
    """The delays from push to start, in milliseconds; 0: none known."""
    ordered = sorted(delays_ns)
    if not ordered:
        return {"p50_ms": 0.0, "p99_ms": 0.0}
    p50, p99 = (ordered[max(math.ceil(share * len(ordered)), 1) - 1] / 1e6 for share in (0.5, 0.99))
    return {"p50_ms": p50, "p99_ms": p99}


def ready() -> None:
    """Tells that the load is warm, and returns when it may go."""
    say({})
    if not sys.stdin.readline():
        raise SystemExit("the harness is gone")


def say(message: dict[str, Any]) -> None:
    """Sends a line to the harness."""
    HARNESS.write(json.dumps(message) + "\n")
    HARNESS.flush()


def main() -> None:
    """Runs the role that the command line names."""
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    params = json.loads(sys.stdin.readline())
    if sys.argv[1] == "produce":
        say(produce(params))
    else:
        Consumer(params).run()


if __name__ == "__main__":
    main()
