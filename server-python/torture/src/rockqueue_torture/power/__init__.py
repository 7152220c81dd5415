"""Power cuts: what was not synced is gone."""

from rockqueue_torture.power.run import PowerPlan, power_run

__all__ = ["PowerPlan", "power_run"]
