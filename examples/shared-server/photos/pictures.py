"""Pictures as PNG files, written and measured with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB, RGBA = 2, 6
CHANNELS = {RGB: 3, RGBA: 4}
HEADER = struct.Struct(">IIBBBBB")


class BadPicture(Exception):
    """The file is no complete PNG file of 8 bits a channel."""


def draw(number: int, width: int, height: int) -> bytes:
    """Returns a PNG file: a colour gradient with stripes, another one for each number."""
    red, green = bytes(x * 255 // width for x in range(width)), (number * 37) % 256
    rows = bytearray()
    for y in range(height):
        blue = y * 255 // height
        row = bytearray(4 * width)
        row[0::4] = red if (y // 20 + number) % 5 else bytes(width)
        row[1::4] = bytes([green]) * width
        row[2::4] = bytes([blue]) * width
        row[3::4] = b"\xff" * width
        rows += b"\0" + row
    header = HEADER.pack(width, height, 8, RGBA, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")


def measure(path: Path) -> tuple[int, int]:
    """Returns the width and the height of a PNG file. Raises BadPicture when it is not there or not complete."""
    try:
        chunks = _chunks(path.read_bytes())
        width, height, depth, colour, *_ = HEADER.unpack(chunks[b"IHDR"])
        pixels = zlib.decompress(chunks[b"IDAT"])
        whole = depth == 8 and len(pixels) == height * (1 + width * CHANNELS[colour])  # noqa: PLR2004  bits a channel
    except (OSError, struct.error, zlib.error, KeyError) as error:
        raise BadPicture(f"{path.name}: {error!r}") from error
    if not whole:
        raise BadPicture(f"{path.name}: pixels are missing")
    return width, height


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(content: bytes) -> dict[bytes, bytes]:
    """The chunks by kind; those of the same kind are joined, as the data of a picture may be cut into several."""
    found: dict[bytes, bytes] = {}
    position = len(SIGNATURE)
    while position < len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        found[kind] = found.get(kind, b"") + content[position + 8 : position + 8 + length]
        position += length + 12
    return found
