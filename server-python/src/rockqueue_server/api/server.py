"""The gRPC server around a core: its options, its addresses, and how it starts, drains and stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from rockqueue_server.api import methods
from rockqueue_server.api.boundary import MAX_MESSAGE_BYTES
from rockqueue_server.api.core_port import ServedCore
from rockqueue_server.api.sockets import BindError, bind
from rockqueue_server.config import Address, parse_address

__all__ = ["BindError", "RunningServer", "ServerSettings", "serve"]

logger = logging.getLogger(__name__)

# A health watcher that does not read must not hold up a shutdown.
HEALTH_UPDATE_S = 1.0

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 1000),
    # Two servers on one port would share its connections at random.
    ("grpc.so_reuseport", 0),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # The contract allows a ping every 10 s; a little less here, so that a client's unsteady timer is no offence.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 9_000),
)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Times in seconds. `write_timeout_s`: how long one message of a stream may wait for its client to read."""

    reflection: bool = False
    write_timeout_s: float = 30.0
    stop_grace_s: float = 1.0


class RunningServer:
    """A gRPC server that takes calls. `address` is what a client connects to, with the real port."""

    def __init__(
        self, server: grpc.aio.Server, health: HealthServicer, address: Address, settings: ServerSettings
    ) -> None:
        self.address = str(address)
        self._server = server
        self._health = health
        self._settings = settings
        self._draining = False
        self._stopped = False

    @property
    def draining(self) -> bool:
        """True once the server has said that it is about to stop."""
        return self._draining

    async def announce_shutdown(self) -> None:
        """Health checks say NOT_SERVING from now on. Calls are still taken: workers have settlements to send."""
        self._draining = True
        try:
            async with asyncio.timeout(HEALTH_UPDATE_S):
                await self._health.enter_graceful_shutdown()
        except TimeoutError:
            logger.warning("a health watcher does not read; shutting down without it")

    async def stop(self, grace_s: float | None = None) -> None:
        """Takes no more calls, gives running ones `grace_s` seconds (1 unless set), then cuts them. Idempotent."""
        if self._stopped:
            return
        self._stopped = True
        await self.announce_shutdown()
        await self._server.stop(self._settings.stop_grace_s if grace_s is None else grace_s)


@asynccontextmanager
async def serve(
    core: ServedCore, listen: str = "127.0.0.1:0", settings: ServerSettings | None = None
) -> AsyncGenerator[RunningServer]:
    """Serves `core` on `listen` (HOST:PORT, [IPV6]:PORT or unix:PATH) until the block ends. The core stays open.

    Raises ValueError for a malformed address and BindError for one that cannot be had.

        async with serve(core, listen="127.0.0.1:0") as running:
            channel = grpc.aio.insecure_channel(running.address)
    """
    chosen = settings or ServerSettings()
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    health = HealthServicer()
    await _register(server, health, core, chosen)
    address = bind(server, parse_address(listen))
    await server.start()
    running = RunningServer(server, health, address, chosen)
    try:
        yield running
    finally:
        await running.stop()


async def _register(
    server: grpc.aio.Server, health: HealthServicer, core: ServedCore, settings: ServerSettings
) -> None:
    names = [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name]
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for service, implementation in methods.served(core):
        table = methods.handlers(service, implementation, settings.write_timeout_s)
        # Not as registered methods: grpc.aio would wait for one future for each of them, anew at every call.
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, table),))
        await health.set(service.full_name, health_pb2.HealthCheckResponse.SERVING)
        names.append(service.full_name)
    if settings.reflection:
        from grpc_reflection.v1alpha import reflection  # most servers never need it

        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
