"""How many deliveries a worker asks for: the contract's credit algorithm, without I/O."""

from __future__ import annotations

MAX_WINDOW = 10_000


class CreditLedger:
    """Credits granted and not used, and deliveries not settled.

    `held` is their sum. `free = window - held` credits are granted as soon as there are `max(1, window / 4)`, or any
    at all while no delivery waits for a handler. So a window of 1 never stalls, and the window is never overdrawn.
    """

    def __init__(self, concurrency: int, prefetch: int) -> None:
        self.concurrency = concurrency
        self.window = concurrency + prefetch
        self.granted = 0
        self._deliveries: dict[bytes, None] = {}

    @property
    def held(self) -> int:
        """Credits granted and not used, and deliveries not settled."""
        return self.granted + len(self._deliveries)

    @property
    def tokens(self) -> list[bytes]:
        """The leases of the deliveries not settled, oldest first."""
        return list(self._deliveries)

    def __contains__(self, token: bytes) -> bool:
        return token in self._deliveries

    def delivered(self, token: bytes) -> None:
        """A delivery came; it used a credit."""
        self.granted = max(0, self.granted - 1)
        self._deliveries[token] = None

    def settled(self, token: bytes) -> None:
        """A delivery is settled, or dropped because its lease is lost."""
        self._deliveries.pop(token, None)

    def stream_ended(self) -> None:
        """Credits do not survive a stream."""
        self.granted = 0

    def grant(self) -> int:
        """The credits to grant now, 0 for none; they count as granted."""
        free = self.window - self.held
        # Handlers run for the first `concurrency` deliveries: the others have not begun.
        all_begun = len(self._deliveries) <= self.concurrency
        if free < 1 or not (all_begun or free * 4 >= self.window):
            return 0
        self.granted += free
        return free
