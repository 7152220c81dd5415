"""Every step kind of the SDK mode by its key: its own, and those of the server mode that look at the server itself."""

from __future__ import annotations

from typing import Any, cast

from rockqueue_conformance.sdk.steps.commands import COMMAND_STEPS
from rockqueue_conformance.sdk.steps.network import NETWORK_STEPS
from rockqueue_conformance.steps.calls import CALL_STEPS
from rockqueue_conformance.steps.checking import Handler
from rockqueue_conformance.steps.control import CONTROL_STEPS
from rockqueue_conformance.steps.registry import with_nesting

_OF_THE_SERVER = ("call", "job", "queue", "list_all")

SDK_STEPS: dict[str, Handler] = with_nesting(
    {
        **{kind: CALL_STEPS[kind] for kind in _OF_THE_SERVER},
        **CONTROL_STEPS,
        **cast(dict[str, Any], COMMAND_STEPS),
        **cast(dict[str, Any], NETWORK_STEPS),
    }
)
"""Every step kind of the case language of the SDK mode."""

SDK_KINDS = frozenset(SDK_STEPS)
"""Their keys."""
