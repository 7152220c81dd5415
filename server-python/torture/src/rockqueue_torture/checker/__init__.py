"""Checks a recorded history against what the queue promises. Sound: what it reports did go wrong.

Properties P1 to P14 and P16; `docs/reliability.md` tells them in words. P15 is about schedules, which have a torment of
their own. Every pass is O(n log n) in the number of events.
"""

from rockqueue_torture.checker.check import CHECKS, check
from rockqueue_torture.checker.violation import Violation

__all__ = ["CHECKS", "Violation", "check"]
