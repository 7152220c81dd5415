"""Pushes one job for each picture. Who works them, and in which language, is no concern of this program."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path

from rockqueue import Client

from .pictures import draw

QUEUE, NAME = "images", "resize"
SOURCE_SIZE = (960, 720)


@dataclass(frozen=True, slots=True)
class Resize:
    """What a worker is told. Both sides know these names; a worker in another language reads them as JSON."""

    source: str
    """The PNG file to read."""
    target: str
    """The PNG file to write."""
    width: int
    """Of the new picture, in pixels; its height follows."""


async def push_picture(client: Client, folder: Path, number: int) -> tuple[str, Resize]:
    """Makes a picture and has it shrunk. Returns the job's id when it is on disk, and the job."""
    source = folder / f"picture-{number:02}.png"
    source.write_bytes(await asyncio.to_thread(draw, number, *SOURCE_SIZE))
    return await push(client, Resize(str(source), str(folder / f"small-{number:02}.png"), 40 + 20 * (number % 8)))


async def push_broken_picture(client: Client, folder: Path) -> tuple[str, Resize]:
    """Asks for what no worker can do: the file is no picture."""
    source = folder / "broken.png"
    source.write_bytes(b"this is no picture")
    return await push(client, Resize(str(source), str(folder / "small-broken.png"), 100))


# shown in the README: [push]
async def push(client: Client, job: Resize) -> tuple[str, Resize]:
    """Pushes one job."""
    pushed = await client.push(QUEUE, NAME, asdict(job))
    return pushed.id, job


# shown in the README: [/push]
