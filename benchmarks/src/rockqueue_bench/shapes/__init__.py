"""The headline shapes: producing, consuming and both at once, in the ways in which queues are compared."""
