"""The messages between the runner and its drivers."""
