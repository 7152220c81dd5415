"""Damages every kind of file of a store, in many places: it is refused with advice, or nothing is lost."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rockqueue_torture.environment.disk.damage import Place, places
from rockqueue_torture.environment.disk.examiner import Finding

MADE_WITHIN_S = 60.0
ADVICE = re.compile(r"restore|check the disk|--accept-data-loss|delete this file|use the version|name (an|another|a )")
"""What a refusal must have: something to do next."""


class Outcome(StrEnum):
    """What became of a damaged store."""

    WHOLE = "whole"
    """Opened, and nothing is missing or changed."""
    REFUSED = "refused"
    """Not opened, with advice that helps when it is followed."""
    TOLD = "told when read"
    """Opened; a read of what is damaged fails, and nothing false is read."""
    LOST = "LOST"
    """Opened, and something is missing or changed, without a word."""
    UNCLEAR = "UNCLEAR"
    """Not opened, without saying what to do."""
    FELL = "FELL"
    """The start ended in a crash."""
    BAD_ADVICE = "BAD ADVICE"
    """Not opened, and what the message says does not help, or the attempt to open it has done harm."""


GOOD = frozenset({Outcome.WHOLE, Outcome.REFUSED, Outcome.TOLD})


@dataclass(frozen=True, slots=True)
class Case:
    """A place and what came of it; `story` is what the server said, or what is missing."""

    place: Place
    outcome: Outcome
    story: str


class Examiner:
    """The program that looks at stores."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def look(self, store: Path, *, accept_data_loss: bool = False) -> Finding:
        """What is in `store`. The look changes it, as every start does."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(store), accept_data_loss]) + "\n")
        self._process.stdin.flush()
        return Finding(**json.loads(self._process.stdout.readline()))


@contextmanager
def examiner(log: Path) -> Generator[Examiner]:
    """Starts the program that looks, and ends it. What it says besides goes to `log`."""
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "rockqueue_torture.environment.disk.examiner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        with process:
            try:
                yield Examiner(process)
            finally:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(MADE_WITHIN_S)
    finally:
        process.kill()


def make_store(home: Path, seed: int) -> Path:
    """A store of a killed process, with files of every kind."""
    store = home / "sample"
    command = [sys.executable, "-m", "rockqueue_torture.environment.disk.sample_store", str(store), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MADE_WITHIN_S, check=False)  # noqa: S603 - own
    if done.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the sample store could not be made: {done.stderr[-2000:]}")
    return store


class Corruption:
    """Damages copies of one store and looks at what is left."""

    def __init__(self, home: Path, store: Path, looker: Examiner) -> None:
        self.store = store
        self._copy = home / "damaged"
        self._looker = looker
        self.expected = self._look_at_copy()
        if not self.expected.jobs or self.expected.problems:
            raise RuntimeError(f"the sample store is not whole before it is damaged: {self.expected}")

    def _look_at_copy(self) -> Finding:
        self._fresh_copy()
        return self._looker.look(self._copy)

    def _fresh_copy(self) -> None:
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.store, self._copy)

    def try_place(self, place: Place) -> Case:
        """Damages a copy there, and judges what the server makes of it."""
        self._fresh_copy()
        place.damage.apply(self._copy / place.file)
        finding = self._looker.look(self._copy)
        case = self._judge(place, finding)
        return self._advised(case) if case.outcome is Outcome.REFUSED else case

    def _judge(self, place: Place, finding: Finding) -> Case:
        if finding.fallen:
            return Case(place, Outcome.FELL, finding.fallen)
        if finding.refusal:
            clear = ADVICE.search(finding.refusal) is not None
            return Case(place, Outcome.REFUSED if clear else Outcome.UNCLEAR, finding.refusal)
        missing = self._difference(finding)
        if finding.unreadable:
            # Nothing that was read before may differ; that the rest cannot be read was said.
            changed = [job for job, digest in finding.jobs.items() if self.expected.jobs.get(job) != digest]
            return Case(place, Outcome.LOST if changed else Outcome.TOLD, finding.unreadable)
        if missing or finding.problems:
            return Case(place, Outcome.LOST, missing or "; ".join(finding.problems))
        return Case(place, Outcome.WHOLE, "")

    def _advised(self, case: Case) -> Case:
        """Does what the refusal advises: it must help, and the refused start must have done no harm."""
        file = case.place.file
        if "--accept-data-loss" in case.story:
            left = self._looker.look(self._copy, accept_data_loss=True)
            # What is left is what was there before some moment: whole, and nothing new.
            wrong = left.fallen or left.refusal or left.unreadable or "; ".join(left.problems) or self._invented(left)
        else:
            if "delete this file" in case.story:
                (self._copy / file).unlink()
            else:
                shutil.copy2(self.store / file, self._copy / file)
            mended = self._looker.look(self._copy)
            wrong = mended.fallen or mended.refusal or mended.unreadable or self._difference(mended)
        if wrong:
            return Case(case.place, Outcome.BAD_ADVICE, f"{case.story} -- and when that was done: {wrong}")
        return case

    def _invented(self, finding: Finding) -> str:
        new = finding.jobs.keys() - self.expected.jobs.keys()
        return f"{len(new)} jobs from nowhere" if new else ""

    def _difference(self, finding: Finding) -> str:
        lost = self.expected.jobs.keys() - finding.jobs.keys()
        new = finding.jobs.keys() - self.expected.jobs.keys()
        changed = sum(finding.jobs[job] != self.expected.jobs[job] for job in finding.jobs.keys() - new)
        queues = self.expected.queues != finding.queues
        if lost or new or changed or queues:
            return f"{len(lost)} jobs lost, {len(new)} from nowhere, {changed} changed, queues differ: {queues}"
        return ""


def damage_all(corruption: Corruption, store: Path, seed: int, per_file: int) -> Iterator[Case]:
    """All places that the seed chooses, in an order that it chooses too, so that a run may be cut short."""
    chance = random.Random(seed)  # noqa: S311 - a seed must give the same places again
    chosen = list(places(store, chance, per_file))
    chance.shuffle(chosen)
    for place in chosen:
        yield corruption.try_place(place)


def tally(cases: list[Case]) -> dict[tuple[str, str], Counter[Outcome]]:
    """How often each outcome came, by kind of file and kind of damage."""
    counted: dict[tuple[str, str], Counter[Outcome]] = {}
    for case in cases:
        counted.setdefault((case.place.kind_of_file, case.place.damage.kind), Counter())[case.outcome] += 1
    return dict(sorted(counted.items()))
