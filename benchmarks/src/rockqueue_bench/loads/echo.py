"""Load `echo`: the calls of the load `push`, to a server that only echoes them."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from rockqueue_bench.loads.batch_stream import ANSWER_TIMEOUT_S
from rockqueue_bench.loads.connections import connect
from rockqueue_bench.loads.echo_serve import METHOD, SERVICE
from rockqueue_bench.loads.link import Link, Samples
from rockqueue_bench.loads.raw_pusher import Pushed
from rockqueue_bench.loads.wire import PushRequests, spec_of


async def run(link: Link) -> None:
    """Parameters: address, batch, in_flight, payload_bytes, seconds, warm_up_seconds."""
    params = link.params
    requests = PushRequests(params["batch"], spec_of(params["payload_bytes"]))
    async with connect(params["address"]) as channel:
        call: Any = channel.unary_unary(f"/{SERVICE}/{METHOD}")  # pyright: ignore[reportUnknownVariableType]

        async def lane(until: float, echoed: Pushed) -> None:
            while time.perf_counter() < until:
                message = requests.new()
                began_ns = time.perf_counter_ns()
                if await call(message, timeout=ANSWER_TIMEOUT_S) != message:
                    raise RuntimeError("an echo was not what was sent")
                echoed.latencies_ns.append(time.perf_counter_ns() - began_ns)
                echoed.jobs += requests.batch

        async def echo_for(seconds: float, echoed: Pushed) -> float:
            began = time.perf_counter()
            await asyncio.gather(*(lane(began + seconds, echoed) for _ in range(params["in_flight"])))
            return time.perf_counter() - began

        await echo_for(params["warm_up_seconds"], Pushed())
        await link.ready()
        echoed = Pushed()
        async with Samples(lambda: echoed.jobs) as samples:
            seconds = await echo_for(params["seconds"], echoed)
        link.done(jobs=echoed.jobs, seconds=seconds, latencies_ns=echoed.latencies_ns, samples=samples.taken)
