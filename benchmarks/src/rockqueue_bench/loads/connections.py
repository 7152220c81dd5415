"""Connections of raw clients to the server."""

from __future__ import annotations

from grpc import aio

from rockqueue_bench.loads.wire import CHANNEL_OPTIONS


def connect(address: str) -> aio.Channel:
    """A connection of its own: channels made by this share none."""
    return aio.insecure_channel(address, options=CHANNEL_OPTIONS)
