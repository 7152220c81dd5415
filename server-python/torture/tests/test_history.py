"""Histories on disk, and journals of workers that were killed."""

from __future__ import annotations

from pathlib import Path

from rockqueue_torture.history import Event, History
from rockqueue_torture.workers.fleet import read_journal


def test_a_history_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.record("one", "push", 7, "unknown", reason="UNAVAILABLE", request_id="r", jobs=[])
    history.mark("power_cut")
    history.close()
    assert History.load(tmp_path / "history.jsonl").events == history.events


def test_a_call_without_an_answer_has_no_end() -> None:
    assert History().record("one", "push", 7, "unknown").t_ret is None
    assert (History().record("one", "push", 7).t_ret or 0) > 7


def test_the_line_that_a_killed_worker_did_not_finish_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "go-1.jsonl"
    path.write_text('["start", 5, "job", 2, "tag", "sum", "q"]\n["end", 6, "job", 2, "tag", "complete", "done"]\n["sta')
    grant, settle = read_journal(path)
    assert (grant.op, grant.t_inv, grant.t_ret, grant.args["attempt"]) == ("grant", None, 5, 2)
    assert settle == Event("go-1", "settle", 6, None, "unknown", settle.args)
    assert settle.args["kind"] == "complete"
    assert settle.args["token"] == grant.args["token"]
