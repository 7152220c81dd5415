"""The driver of the Python SDK: the runner's commands as calls of `rockqueue`, async or sync."""
