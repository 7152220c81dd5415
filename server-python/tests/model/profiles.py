"""How long the machine searches: a little in each run of the tests, for half an hour when it is asked to."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("ROCKQUEUE_MODEL") == "long"
STORIES_PER_SEED = 100

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
_COMMON = settings(database=None, deadline=None, print_blob=True, suppress_health_check=_SLOW)
QUICK = settings(_COMMON, max_examples=12, stateful_step_count=25, derandomize=True)
SEARCH = settings(_COMMON, max_examples=STORIES_PER_SEED, stateful_step_count=60)
