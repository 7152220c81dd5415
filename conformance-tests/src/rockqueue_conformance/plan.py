"""What a run is made of: its variants, what they run against, and how its results are read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from rockqueue_conformance.known_failing import KnownFailing
from rockqueue_conformance.language.load import Suite, load_suite
from rockqueue_conformance.language.model import Case, Variant
from rockqueue_conformance.requirements import Requirement, check_numbers, load_requirements, uncovered
from rockqueue_conformance.runner.execute import Result
from rockqueue_conformance.runner.expand import Choice, variants
from rockqueue_conformance.runner.suite import Target, run_variants
from rockqueue_conformance.sdk.drivers import DriverSpec, choose_drivers, load_drivers
from rockqueue_conformance.sdk.execute import prepare_drivers, run_sdk_variants
from rockqueue_conformance.sdk.expand import sdk_variants
from rockqueue_conformance.sdk.load import load_sdk_cases
from rockqueue_conformance.sdk.slot import SdkSlot

SERVER_JOBS = 2
SDK_JOBS = 4
"""Cases of the SDK mode wait more than they work."""

OnResult = Callable[[Result], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that has not begun. `lacking` are the requirements that no case proves."""

    variants: Sequence[Variant]
    requirements: Sequence[Requirement]
    lacking: Sequence[Requirement]
    known: KnownFailing
    targets: Sequence[str]
    run: Callable[[OnResult], Coroutine[Any, Any, list[Result]]]

    def start(self, on_result: OnResult) -> Coroutine[Any, Any, list[Result]]:
        """Runs it; results are judged by what is known to fail."""
        return self.run(lambda one: on_result(self.known.judge(one)))

    def by_target(self, results: Sequence[Result]) -> dict[str, list[Result]]:
        """The results for each column of the matrix."""
        return {
            target: [one for one in results if not one.variant.drivers or target in one.variant.drivers]
            for target in self.targets
        }


def plan_server_run(choice: Choice, target: Target, known: KnownFailing, jobs: int) -> Plan:
    """Cases against a server. BadCases when the data files are wrong."""
    suite, requirements = load_server_mode()
    chosen = variants(suite.cases, choice)
    return Plan(
        chosen,
        requirements,
        uncovered(suite.cases, requirements),
        known,
        [target.address or "server"],
        lambda on_result: run_variants(chosen, target, jobs, on_result),
    )


def plan_sdk_run(
    names: tuple[str, ...], run: tuple[str, ...], skip: tuple[str, ...], known: KnownFailing, command: str, jobs: int
) -> Plan:
    """Cases with drivers. BadCases when the data files are wrong, DriverMissing for a driver that is not there."""
    cases, requirements = load_sdk_mode()
    drivers = choose_drivers(load_drivers(), names)
    known.by_driver = {driver.name: driver.known_failing() for driver in drivers}
    chosen = sdk_variants(cases, drivers, run, skip)
    specs = {driver.name: driver for driver in drivers}
    return Plan(
        chosen,
        requirements,
        uncovered(cases, requirements),
        known,
        [driver.name for driver in drivers],
        lambda on_result: _run_sdks(drivers, chosen, lambda: SdkSlot(command, specs), jobs, on_result),
    )


async def _run_sdks(
    drivers: Sequence[DriverSpec],
    chosen: Sequence[Variant],
    slot: Callable[[], SdkSlot],
    jobs: int,
    on_result: OnResult,
) -> list[Result]:
    await prepare_drivers(drivers)
    return await run_sdk_variants(chosen, slot, jobs, on_result)


def load_server_mode() -> tuple[Suite, list[Requirement]]:
    """Cases and requirements of the server mode."""
    suite, rows = load_suite(), load_requirements()
    check_numbers(suite.cases, rows)
    return suite, rows


def load_sdk_mode() -> tuple[list[Case], list[Requirement]]:
    """Cases and requirements of the SDK mode."""
    cases, rows = load_sdk_cases(), load_requirements(name="sdk_requirements.yaml")
    check_numbers(cases, rows)
    return cases, rows
