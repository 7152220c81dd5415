"""A driver without an SDK: answers commands from a table, well or badly, as its argument says."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from rockqueue_conformance.protocol import driver_pb2 as pb

HELLO = pb.Report(hello=pb.Hello(sdk="rockqueue-fake", version="0", pid=os.getpid(), features=["cancel_cause"]))


def commands() -> Iterator[pb.Command]:
    while len(head := sys.stdin.buffer.read(4)) == 4:
        yield pb.Command.FromString(sys.stdin.buffer.read(int.from_bytes(head)))


def say(report: pb.Report) -> None:
    data = report.SerializeToString()
    sys.stdout.buffer.write(len(data).to_bytes(4) + data)
    sys.stdout.buffer.flush()


def answer(number: int, **what: Any) -> None:
    say(pb.Report(answer=pb.Answer(id=number, **what)))


def observe(sequence: int) -> None:
    began = pb.HandlerBegan(worker="w", job_id="j", attempt=1, payload=pb.Value(json='{"n": 1}'))
    say(pb.Report(observation=pb.Observation(sequence=sequence, began=began)))


def carry_out(command: pb.Command, manner: str) -> None:
    kind = command.WhichOneof("command")
    if kind == "get_job":
        answer(command.id, job=pb.Job(id=command.get_job.job_id, state="WAITING", payload=pb.Value(json="[1]")))
    elif kind == "get_queue":
        answer(command.id, error=pb.Error(kinds=["RockQueueError", "NotFound"], reason="QUEUE_NOT_FOUND"))
    elif kind == "list_queues":
        answer(command.id, unsupported=pb.Done())
    elif kind == "get_worker":
        observe(1)
        observe(3 if manner == "skips" else 2)
        answer(command.id, worker=pb.WorkerStatus(worker="w", state="RUNNING"))
    else:
        answer(command.id, done=pb.Done())


def main(manner: str) -> None:
    if manner == "mute":
        time.sleep(60)
    if manner == "babbles":
        print("hello, I am a driver")  # noqa: T201
    say(HELLO)
    for command in commands():
        asked = command.WhichOneof("command") == "get_job"
        if asked and manner == "dies":
            sys.exit("no more")
        if not (asked and manner == "silent"):
            carry_out(command, manner)
        if manner == "twice":
            answer(command.id, done=pb.Done())


main(sys.argv[1] if len(sys.argv) > 1 else "")
