"""Load `echo_serve`: a gRPC server that answers each message with the same bytes.

The real server could be no faster, if it did nothing at all. Its loop and its options are those of the real one.
"""

from __future__ import annotations

from typing import Any

import grpc
from grpc import aio

from rockqueue_bench.loads.link import Link
from rockqueue_bench.loads.wire import CHANNEL_OPTIONS

SERVICE, METHOD = "bench.Echo", "Echo"


async def run(link: Link) -> None:
    """No parameters; says its `address` when it is ready. Told anything after the go, it ends, with what it used."""
    server = aio.server(options=CHANNEL_OPTIONS)
    handler: Any = grpc.unary_unary_rpc_method_handler(_echo)  # pyright: ignore[reportUnknownVariableType]
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await link.ready(address=f"127.0.0.1:{port}")
    await link.hear()
    link.done(jobs=0, seconds=0.0)
    await server.stop(grace=None)


async def _echo(request: bytes, context: Any) -> bytes:  # noqa: ARG001 - gRPC hands both over
    return request
