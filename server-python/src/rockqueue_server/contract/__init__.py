"""What the contract says about values: limits, times, and which requests may come in."""
