"""`python -m rockqueue_bench.peers.loads.rockqueue produce|consume`: raw clients, told what the peers' are."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

import uvloop
from grpc import aio

from rockqueue.v1 import job_pb2, work_service_pb2
from rockqueue_bench.latency import percentile
from rockqueue_bench.loads.batch_stream import BatchStream
from rockqueue_bench.loads.wire import CHANNEL_OPTIONS, NAME, WORK, PushRequests, completions
from rockqueue_bench.peers.load import LoadParams, LoadResult

WorkRequest, WorkResponse = work_service_pb2.WorkRequest, work_service_pb2.WorkResponse
WARM_UP_S = 0.3
_HEAD, _DIGITS, _MIDDLE, _TAIL = b'{"at":"', 20, b'","filler":"', b'"}'
_UNSTAMPED = b"0" * _DIGITS
_ACK_BATCH = 1000


class Pushes:
    """The bytes of push requests. Their jobs carry the moment in which they were made."""

    def __init__(self, queue: str, batch: int, payload_bytes: int) -> None:
        filler = b"x" * (payload_bytes - len(_HEAD) - _DIGITS - len(_MIDDLE) - len(_TAIL))
        payload = _HEAD + _UNSTAMPED + _MIDDLE + filler + _TAIL
        spec = job_pb2.JobSpec(queue=queue, name=NAME, payload=payload, content_type="application/json")
        self._requests = PushRequests(batch, spec)

    def new(self) -> bytes:
        """A request that is made now, with an id of its own."""
        return self._requests.new().replace(_UNSTAMPED, b"%0*d" % (_DIGITS, time.monotonic_ns()))


def made_at_ns(payload: bytes) -> int:
    """The moment in which a job was made."""
    return int(payload[len(_HEAD) : len(_HEAD) + _DIGITS])


class Tally:
    """Counts completions, and says when there were enough."""

    def __init__(self, wanted: int) -> None:
        self.enough = asyncio.Event()
        self.count = 0
        self.last_ns = 0
        self.delays_ns: list[int] = []
        self._wanted = wanted

    def acked(self, jobs: int) -> None:
        """So many more are on the server's disk."""
        self.count += jobs
        self.last_ns = time.monotonic_ns()
        if self._wanted and self.count >= self._wanted:
            self.enough.set()


async def produce(params: LoadParams) -> None:
    """Each client has a connection with a stream of pushes, and one batch in flight."""
    channels = [aio.insecure_channel(params.address, options=CHANNEL_OPTIONS) for _ in range(params.clients)]
    pushes = Pushes(params.queue, params.batch, params.payload_bytes)
    claimed = pushed = 0

    async def lane(stream: BatchStream, requests: Pushes, seconds: float, most: int) -> None:
        nonlocal claimed, pushed
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and (not most or claimed < most):
            size = params.batch if not most else min(params.batch, most - claimed)
            claimed += size
            chosen = requests if size == params.batch else Pushes(params.queue, size, params.payload_bytes)
            answer = await stream.push(chosen.new())
            if len(answer.jobs) != size or answer.durability < job_pb2.DURABILITY_FSYNC:
                raise RuntimeError(f"{len(answer.jobs)} of {size} jobs, durability {answer.durability}")
            pushed += size
            if params.pause_ms:
                await asyncio.sleep(params.pause_ms / 1000)

    warm = Pushes(f"{params.queue}-warm", params.batch, params.payload_bytes)
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(BatchStream(channel)) for channel in channels]
        await asyncio.gather(*(lane(stream, warm, WARM_UP_S, 0) for stream in streams))
        claimed = pushed = 0
        await _ready()
        began_ns = time.monotonic_ns()
        await asyncio.gather(*(lane(stream, pushes, params.seconds, params.jobs) for stream in streams))
        ended_ns = time.monotonic_ns()
    _say(LoadResult(pushed, began_ns, ended_ns, 0.0, 0.0))


async def consume(params: LoadParams) -> None:
    """Each client has a connection with a session, which keeps `window` credits with the server."""
    channels = [aio.insecure_channel(params.address, options=CHANNEL_OPTIONS) for _ in range(params.clients)]
    tally = Tally(params.jobs)
    sessions = [await _Session.opened(channel, params, tally) for channel in channels]
    await _ready()
    began_ns = time.monotonic_ns()
    working = [asyncio.create_task(session.work()) for session in sessions]
    waiting = asyncio.create_task(tally.enough.wait())
    done, _ = await asyncio.wait([waiting, *working], timeout=params.seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    ordered = sorted(tally.delays_ns)
    p50_ms, p99_ms = (percentile(ordered, share) / 1e6 if ordered else 0.0 for share in (0.5, 0.99))
    _say(LoadResult(tally.count, began_ns, tally.last_ns, p50_ms, p99_ms))
    for task in (waiting, *working):
        task.cancel()


class _Session:
    """Takes deliveries, and completes them in the batches in which they come."""

    def __init__(self, channel: aio.Channel, params: LoadParams, tally: Tally) -> None:
        self._stream: Any = channel.stream_stream(WORK, response_deserializer=WorkResponse.FromString)()
        self._params = params
        self._tally = tally
        self._sequence = 0
        self._sent: dict[int, int] = {}

    @classmethod
    async def opened(cls, channel: aio.Channel, params: LoadParams, tally: Tally) -> _Session:
        session = cls(channel, params, tally)
        open_ = work_service_pb2.OpenSession(queues=[params.queue], worker="bench")
        await session._stream.write(WorkRequest(open=open_).SerializeToString())
        answer = await session._stream.read()
        if answer.WhichOneof("message") != "opened":
            raise RuntimeError(f"expected `opened`, got {answer}")
        return session

    async def work(self) -> None:
        credits_ = work_service_pb2.AddCredits(credits=self._params.window)
        await self._stream.write(WorkRequest(credits=credits_).SerializeToString())
        while True:
            answer = await self._stream.read()
            if answer is aio.EOF:
                raise RuntimeError("the server ended the stream")
            kind = answer.WhichOneof("message")
            if kind == "deliveries":
                await self._complete(answer.deliveries.deliveries)
            elif kind == "settled":
                if answer.settled.failures:
                    raise RuntimeError(f"a completion was refused: {answer.settled.failures[0]}")
                self._tally.acked(self._sent.pop(answer.settled.sequence))

    async def _complete(self, deliveries: Any) -> None:
        if self._params.pause_ms:
            at_ns = time.monotonic_ns()
            self._tally.delays_ns += (at_ns - made_at_ns(delivery.spec.payload) for delivery in deliveries)
        tokens = [delivery.lease_token for delivery in deliveries]
        for at in range(0, len(tokens), _ACK_BATCH):
            part = tokens[at : at + _ACK_BATCH]
            self._sequence += 1
            self._sent[self._sequence] = len(part)
            await self._stream.write(completions(self._sequence, part, len(part)))


async def _ready() -> None:
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    if not await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        raise SystemExit("the harness is gone")


def _say(result: LoadResult) -> None:
    fields = {name: getattr(result, name) for name in LoadResult.__slots__}
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Runs the load that the command line names."""
    roles = {"produce": produce, "consume": consume}
    params = LoadParams(**json.loads(sys.stdin.readline()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(roles[sys.argv[1]](params))


if __name__ == "__main__":
    main()
