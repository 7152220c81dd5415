"""The SDK mode proves itself: a wrong SDK, played by the proxy or by the driver, must make a case fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rockqueue_conformance.defects import Defect
from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.prove import Proof
from rockqueue_conformance.runner.execute import Result
from rockqueue_conformance.sdk.drivers import load_drivers
from rockqueue_conformance.sdk.execute import run_sdk_variants
from rockqueue_conformance.sdk.expand import sdk_variants
from rockqueue_conformance.sdk.slot import SdkSlot

PROVEN_WITH = "python-async"
"""The driver that knows the defects."""


def proof_of_sdk(cases: Sequence[Case], command: str) -> Proof:
    """Defects of an SDK."""
    drivers = load_drivers()

    def of(defect: Defect) -> list[Variant]:
        return sdk_variants(cases, [drivers[PROVEN_WITH]], defect.cases)

    async def run(
        chosen: Sequence[Variant], defect: Defect | None, jobs: int, stop: Callable[[Result], bool]
    ) -> list[Result]:
        def slot() -> SdkSlot:
            if defect is None:
                return SdkSlot(command, drivers)
            if defect.where == "wire":
                return SdkSlot(command, drivers, distortion=defect.name)
            return SdkSlot(command, drivers, driver_args=("--defect", defect.name))

        return await run_sdk_variants(chosen, slot, jobs, lambda _: None, stop)

    return Proof(of, run)
