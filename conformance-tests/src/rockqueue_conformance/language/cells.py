"""The table of errors (RPC x reason): a cell is a case, points to one, or says why no case can reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from rockqueue_conformance.language.model import Case, Step, derived_needs, step_from_data

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table. Exactly one of `case`, `covered_by` and `unreachable` is set."""

    rpc: str
    reason: str
    case: Case | None = None
    covered_by: str = ""
    unreachable: str = ""


def read_cells(data: Data, kinds: frozenset[str]) -> list[Cell]:
    """The cells of a file that has `cells`."""
    return [_cell(data, row, kinds) for row in cast(list[Data], data["cells"])]


def _cell(data: Data, row: Data, kinds: frozenset[str]) -> Cell:
    rpc, reason = row["rpc"], row["reason"]
    if "covered_by" in row:
        return Cell(rpc, reason, covered_by=row["covered_by"])
    if "unreachable" in row:
        return Cell(rpc, reason, unreachable=row["unreachable"])
    steps = tuple(step_from_data(one, kinds) for one in row.get("before", []))
    if "steps" in row:
        steps += tuple(step_from_data(one, kinds) for one in row["steps"])
    else:
        wanted = {"reason": reason, **row.get("error", {})}
        steps += (Step("call", rpc, {"request": row["request"], "error": wanted}),)
    steps += tuple(step_from_data(one, kinds) for one in row.get("after", []))
    case = Case(
        area=data["area"],
        name=f"{rpc.replace('.', '_').lower()}_{reason.lower()}",
        doc=f"{rpc} answers {reason}.",
        proves=tuple(data.get("proves", ())),
        steps=steps,
        needs=derived_needs(steps),
        fresh=row.get("fresh", False),
        server_args=tuple(row.get("server_args", ())),
    )
    return Cell(rpc, reason, case=case)
