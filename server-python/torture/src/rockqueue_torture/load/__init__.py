"""A bounded mixed load on a server that may end at any moment."""

from rockqueue_torture.load.load import Load, LoadPlan

__all__ = ["Load", "LoadPlan"]
