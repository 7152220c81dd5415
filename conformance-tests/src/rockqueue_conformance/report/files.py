"""Reports for machines: JUnit XML and one JSON object a line."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from rockqueue_conformance.report.summary import failure_text
from rockqueue_conformance.runner.execute import Result


def write_jsonl(path: Path, results: Sequence[Result]) -> None:
    """One line for each variant: name, outcome, requirements, seconds, problems."""
    lines = [
        json.dumps(
            {
                "name": result.variant.id,
                "outcome": result.outcome,
                "proves": result.variant.case.proves,
                "seconds": round(result.seconds, 3),
                "step": result.step if result.outcome != "passed" else "",
                "problems": result.problems,
            }
        )
        for result in results
    ]
    path.write_text("".join(f"{line}\n" for line in lines))


def write_junit(path: Path, results: Sequence[Result]) -> None:
    """One test suite for each area, one test case for each variant."""
    root = ET.Element("testsuites", name="rockqueue-conformance")
    for area in sorted({result.variant.case.area for result in results}):
        mine = [result for result in results if result.variant.case.area == area]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=area,
            tests=str(len(mine)),
            failures=str(sum(result.outcome == "failed" for result in mine)),
            skipped=str(sum(result.outcome in ("skipped", "known") for result in mine)),
            time=f"{sum(result.seconds for result in mine):.3f}",
        )
        for result in mine:
            case = ET.SubElement(
                suite, "testcase", classname=area, name=result.variant.id, time=f"{result.seconds:.3f}"
            )
            if result.outcome == "failed":
                ET.SubElement(case, "failure", message=_clean(result.problems[0])).text = _clean(failure_text(result))
            elif result.outcome in ("skipped", "known"):
                ET.SubElement(case, "skipped", message=_clean(result.problems[0]))
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    """XML has no place for control characters."""
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
