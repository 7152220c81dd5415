"""Job ids: UUIDv7 (RFC 9562), strictly growing, with the shard in fixed bits.

Layout, from the highest bit: 48 bits of milliseconds, version (4), sequence high (12), variant (2), sequence low (10),
shard (12), random (40). The sequence counts within a millisecond, so ids of one server sort in the order in which they
were made.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

_SEQUENCE_END = 1 << 22
_LOWS = 1 << 10
"""Values of the low part of the sequence."""
_VERSION = 7 << 12


class JobIds:
    """Makes ids of one shard. `entropy(bits)` is where their random part comes from."""

    def __init__(self, shard: int = 0, entropy: Callable[[int], int] = secrets.randbits) -> None:
        self._shard = shard & 0xFF
        self._entropy = entropy
        self._ms = 0
        self._sequence = 0
        lows = [0x8000 | low << 4 | shard >> 8 for low in range(_LOWS)]
        self._lows = [low.to_bytes(2, "big") for low in lows]
        """Bytes 8 and 9 of an id, all that differs between most ids of one call, by the low part of the sequence."""
        self._low_texts = [f"{low:04x}" for low in lows]

    def take(self, now_us: int, count: int) -> list[bytes]:
        """`count` ids of 16 bytes, each greater than all before. `now_us` is in microseconds since 1970."""
        return self.take_with_texts(now_us, count)[0]

    def floor(self, now_us: int) -> bytes:
        """A key that is not greater than any id that will be made at `now_us` or later."""
        return lowest_id(max(now_us // 1000, self._ms))

    def take_with_texts(self, now_us: int, count: int) -> tuple[list[bytes], list[str]]:
        """The same, with the canonical text of each."""
        ms = now_us // 1000
        if ms > self._ms:
            self._ms, self._sequence = ms, 0
        tail = ((self._shard << 40) | self._entropy(40)).to_bytes(6, "big")
        tail_text = "-" + tail.hex()
        ids: list[bytes] = []
        texts: list[str] = []
        while len(ids) < count:
            high, low = divmod(self._sequence, _LOWS)
            end = min(_LOWS, low + count - len(ids))
            head = ((self._ms << 16) | _VERSION | high).to_bytes(8, "big")
            digits = head.hex()
            head_text = f"{digits[:8]}-{digits[8:12]}-{digits[12:]}-"
            ids += [head + middle + tail for middle in self._lows[low:end]]
            texts += [head_text + middle + tail_text for middle in self._low_texts[low:end]]
            self._sequence += end - low
            if self._sequence == _SEQUENCE_END:
                self._ms, self._sequence = self._ms + 1, 0
        return ids, texts


def id_text(job_id: bytes) -> str:
    """The canonical text of an id: 36 characters, lower case."""
    digits = job_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def parse_id(text: str) -> bytes | None:
    """The 16 bytes of a UUID in its canonical text, or None when it is not one."""
    if len(text) != 36:  # noqa: PLR2004 - the length of a UUID's text
        return None
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return None
    return parsed.bytes if str(parsed) == text.lower() else None


def created_ms(job_id: bytes) -> int:
    """The millisecond in which an id was made."""
    return int.from_bytes(job_id[:6], "big")


def lowest_id(ms: int) -> bytes:
    """A key that is not greater than any id of this millisecond or later, and greater than all earlier ones."""
    return max(0, min(ms, (1 << 48) - 1)).to_bytes(6, "big") + bytes(10)
