"""Networks that delay, cut, swallow and flood."""
