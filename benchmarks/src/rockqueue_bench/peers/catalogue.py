"""The setups that are measured side by side, in the order of the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version as package_version
from pathlib import Path

from rockqueue_bench.peers import versions
from rockqueue_bench.peers.places import (
    GO_LOAD,
    NATS_SERVER,
    NODE_LOADS,
    PYTHON,
    PYTHON_LOADS,
    RUSTQUEUE,
    built,
    installed,
    node,
    postgres_folder,
)
from rockqueue_bench.peers.result import FSYNC, INTERVAL, MEMORY
from rockqueue_bench.peers.servers.beanstalkd import beanstalkd_server
from rockqueue_bench.peers.servers.nats import nats_server
from rockqueue_bench.peers.servers.postgres import postgres_server
from rockqueue_bench.peers.servers.rabbitmq import rabbitmq_server
from rockqueue_bench.peers.servers.redis import redis_server
from rockqueue_bench.peers.servers.rockqueue import rockqueue_server
from rockqueue_bench.peers.servers.rustqueue import rustqueue_server
from rockqueue_bench.peers.setup import LONG_LOADS, Setup


def _go(system: str) -> Callable[[str], Sequence[str | Path]]:
    return lambda role: (built(GO_LOAD), system, role)


def _node(script: str) -> Callable[[str], Sequence[str | Path]]:
    return lambda role: (node(), NODE_LOADS / script, role)


def _python(script: str) -> Callable[[str], Sequence[str | Path]]:
    return lambda role: (built(PYTHON), PYTHON_LOADS / script, role)


def _own(role: str) -> Sequence[str | Path]:
    return sys.executable, "-m", "rockqueue_bench.peers.loads.rockqueue", role


def _redis_version() -> str:
    return versions.said((installed("redis-server", "redis-server"), "--version"))


ROCKQUEUE = Setup(
    key="rockqueue",
    name="RockQueue",
    durability=FSYNC,
    configuration="`rockqueue serve` with its defaults; a raw client in Python, `PushJobs` with fsync, `Work`",
    server=rockqueue_server,
    command=_own,
    version=lambda: package_version("rockqueue-server"),
    prepares=False,
)


def _rustqueue(durability: str, name: str, storage: str, configuration: str, caveat: str) -> Setup:
    return Setup(
        key="rustqueue",
        name=f"RustQueue, {name}",
        durability=durability,
        configuration=f"{configuration}; JSON lines over TCP, `push_batch`, then `ack_batch` and `pull` in one write",
        server=partial(rustqueue_server, storage=storage),
        command=_go("rustqueue"),
        version=lambda: versions.said((built(RUSTQUEUE), "--version")),
        caveat=caveat,
        prepares=False,
        most_backlog=5000,
    )


def _redis(kind: str, system: str, fsync: str, how: str) -> Setup:
    return Setup(
        key="redis",
        name=f"Redis {kind}",
        durability=FSYNC if fsync == "always" else INTERVAL,
        configuration=f"append-only file, `appendfsync {fsync}`, no snapshots; {how}, pipelined in batches",
        server=partial(redis_server, fsync=fsync),
        command=_go(system),
        version=_redis_version,
        prepares=kind == "Streams",
    )


def _bullmq(fsync: str) -> Setup:
    return Setup(
        key="bullmq",
        name="BullMQ",
        durability=FSYNC if fsync == "always" else INTERVAL,
        configuration=(
            f"Redis with `appendfsync {fsync}`; `addBulk`, `removeOnComplete`; a worker with concurrency 32 (1 where "
            "one by one) for each client, all in one process"
        ),
        server=partial(redis_server, fsync=fsync),
        command=_node("bullmq.js"),
        version=lambda: f"{versions.npm_version('bullmq')} on Redis {_redis_version()}",
        prepares=False,
    )


def _celery(fsync: str) -> Setup:
    return Setup(
        key="celery",
        name="Celery",
        durability=FSYNC if fsync == "always" else INTERVAL,
        configuration=(
            f"Redis with `appendfsync {fsync}`; threads that push one task a call; one worker process, pool `solo`, "
            "late acknowledgments, prefetch 250 (1 where one by one), no results"
        ),
        server=partial(redis_server, fsync=fsync),
        command=_python("celery_load.py"),
        version=lambda: f"{versions.python_version('celery')} on Redis {_redis_version()}",
        caveat="no call for several jobs: a batch is pushed one by one",
        loads=(LONG_LOADS[0], LONG_LOADS[-1]),
        prepares=False,
    )


def _postgres_version() -> str:
    return versions.said((postgres_folder() / "postgres", "--version"))


def _rabbitmq(kind: str) -> Setup:
    return Setup(
        key="rabbitmq",
        name=f"RabbitMQ {kind}",
        durability=FSYNC,
        configuration=(
            f"one node, durable {kind} queue, persistent messages, publisher confirms; `basic.consume` with a prefetch "
            "of 250 (1 where one by one), acknowledgments for several deliveries at once"
        ),
        server=rabbitmq_server,
        keeps_server=True,
        command=_go("rabbitmq"),
        version=versions.rabbitmq_version,
        kind=kind,
        caveat="AMQP does not answer an acknowledgment; it is counted when sent, and read when the clock stops",
    )


SETUPS: tuple[Setup, ...] = (
    ROCKQUEUE,
    _rustqueue(
        FSYNC,
        "durable",
        'backend = "redb"\ndurability = "immediate"',
        "redb, `durability = immediate`",
        "",
    ),
    _rustqueue(
        FSYNC,
        "batched",
        'backend = "redb"',
        "redb with its defaults: `durability = batched`, a commit at most every 10 ms or 100 items",
        "",
    ),
    _rustqueue(
        MEMORY,
        "hybrid",
        'backend = "hybrid"',
        "`backend = hybrid`, its documented fast mode, on 32 threads: on two, it locks up when two connections push",
        "waiting jobs do not come back after a restart",
    ),
    _redis("list", "redis-list", "always", "LPUSH, LMOVE to a list of the consumer, LREM"),
    _redis("Streams", "redis-streams", "always", "XADD, XREADGROUP, XACK and XDEL"),
    _redis("list", "redis-list", "everysec", "LPUSH, LMOVE to a list of the consumer, LREM"),
    _redis("Streams", "redis-streams", "everysec", "XADD, XREADGROUP, XACK and XDEL"),
    _bullmq("always"),
    _bullmq("everysec"),
    _celery("always"),
    _celery("everysec"),
    _rabbitmq("quorum"),
    _rabbitmq("classic"),
    Setup(
        key="nats",
        name="NATS JetStream",
        durability=FSYNC,
        configuration=(
            "one server, `sync_interval: always`, work-queue stream in files; asynchronous publishing, a durable pull "
            "consumer, an explicit acknowledgment of each message"
        ),
        server=partial(nats_server, sync="always"),
        command=_go("nats"),
        version=lambda: versions.said((built(NATS_SERVER), "--version")),
        caveat="acknowledgments have no answer; the last one of each client asks for one",
    ),
    Setup(
        key="beanstalkd",
        name="beanstalkd",
        durability=FSYNC,
        configuration="write-ahead log with `-f0`; put, reserve, delete, as many on their way as a batch has jobs",
        server=partial(beanstalkd_server, sync_ms=0),
        command=_go("beanstalkd"),
        version=lambda: versions.said((installed("beanstalkd", "beanstalkd"), "-v")),
        prepares=False,
    ),
    Setup(
        key="river",
        name="River",
        durability=FSYNC,
        configuration=(
            "PostgreSQL with fsync and `synchronous_commit`; `InsertManyFast`, one client with up to 2,000 workers "
            "that fetches every 2 ms at most and completes in batches, as in its own benchmark"
        ),
        server=postgres_server,
        command=_go("river"),
        version=lambda: f"{versions.go_version('github.com/riverqueue/river')} on PostgreSQL {_postgres_version()}",
        loads=LONG_LOADS,
        keeps_server=True,
    ),
    Setup(
        key="graphile",
        name="Graphile Worker",
        durability=FSYNC,
        configuration=(
            "PostgreSQL with fsync and `synchronous_commit`; `addJobs`, one worker process with 96 jobs at once, a "
            "local queue of 500, completions in batches"
        ),
        server=postgres_server,
        command=_node("graphile.js"),
        version=lambda: f"{versions.npm_version('graphile-worker')} on PostgreSQL {_postgres_version()}",
        caveat="completions are gathered in memory; all are written when the clock stops",
        loads=LONG_LOADS,
        keeps_server=True,
    ),
)
