"""RabbitMQ on one node."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from rockqueue_bench.peers.child import free_port, running, says
from rockqueue_bench.peers.places import installed

_READY_WITHIN_S = 60.0
_QUESTION, _ANSWER = b"AMQP\x00\x00\x09\x01", b"\x01\x00\x00"


@asynccontextmanager
async def rabbitmq_server(home: Path) -> AsyncGenerator[str]:
    """The node's names, files and ports are its own, also that of the port mapper, which it would leave running."""
    port, dist_port, mapper_port = free_port(), free_port(), free_port()
    (home / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\n"
        "disk_free_limit.absolute = 100MB\n"
        "log.console = true\nlog.console.level = warning\nlog.file = false\n"
    )
    environment = {
        "HOME": str(home),
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"bench{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(dist_port),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "no-environment.conf"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(home / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
    }
    (home / "plugins").write_text("[].\n")
    # Not the wrapper on the path: that one becomes the user `rabbitmq`, and forgets the environment.
    node = installed("rabbitmq-server", "rabbitmq-server")
    mapper = installed("epmd", "erlang-base")
    async with (
        running((mapper, "-port", str(mapper_port), "-address", "127.0.0.1"), home / "epmd.log"),
        running((node,), home / "rabbitmq-server.log", environment=environment) as server,
    ):
        await server.until(partial(says, port, _QUESTION, _ANSWER), _READY_WITHIN_S)
        yield f"127.0.0.1:{port}"
