"""The closing table: it fails when a mail is lost, a stranger comes, or a reset had to wait."""

import json
from dataclasses import asdict
from pathlib import Path

from email_app.demo.books import all_hold, close_books, order_checks, survival_checks
from email_app.demo.priority import Order
from email_app.demo.remains import Remains
from email_app.demo.screen import Check
from email_app.demo.traffic import Promises
from email_app.smtp_sink import Arrival


def promises(job_ids: str, unanswered: int = 0) -> Promises:
    return Promises(acknowledged=dict.fromkeys(job_ids, "signup"), unanswered=unanswered)


def mails(folder: Path, job_ids: str, message_id: str | None = None) -> Path:
    path = folder / "mails.jsonl"
    lines = [Arrival(0.0, job, 1, message_id or f"<{job}@shop.example>", "a@mail.example", "Hi") for job in job_ids]
    path.write_text("".join(json.dumps(asdict(line)) + "\n" for line in lines))
    return path


def failed(checks: list[Check]) -> list[str]:
    return [check.label for check in checks if check.holds is False]


def test_good_books_hold(tmp_path: Path) -> None:
    checks = close_books(promises("abc"), mails(tmp_path, "abb"), dead_letters=["c"])
    assert all_hold(checks)
    assert {check.label: check.value for check in checks} == {
        "acknowledged with HTTP 202": "3",
        "arrived at the mail server": "2",
        "in the dead letters instead": "1",
        "lost": "0",
        "nobody's": "0",
        "arrived twice": "1",
        "copies with another Message-ID": "0",
    }


def test_a_lost_mail_fails_and_is_named(tmp_path: Path) -> None:
    checks = close_books(promises("abc"), mails(tmp_path, "ab"), dead_letters=[])
    assert failed(checks) == ["lost"]
    assert not all_hold(checks)
    assert next(check.meaning for check in checks if check.label == "lost") == "c"


def test_a_mail_nobody_asked_for_fails_unless_a_request_got_no_answer(tmp_path: Path) -> None:
    path = mails(tmp_path, "abx")
    assert failed(close_books(promises("ab"), path, [])) == ["nobody's"]
    assert failed(close_books(promises("ab", unanswered=1), path, [])) == []


def test_a_copy_that_mail_systems_cannot_recognise_fails(tmp_path: Path) -> None:
    path = mails(tmp_path, "a")
    path.write_text(path.read_text() + mails(tmp_path, "a", "<other@shop.example>").read_text())
    assert failed(close_books(promises("a"), path, [])) == ["copies with another Message-ID"]


def test_nothing_acknowledged_shows_nothing(tmp_path: Path) -> None:
    assert failed(close_books(promises(""), mails(tmp_path, ""), [])) == ["acknowledged with HTTP 202"]


def test_the_rows_of_the_order() -> None:
    assert failed(order_checks(Order(9, 5, 3, ()))) == []
    assert failed(order_checks(Order(9, 5, 0, ()))) == ["resets that overtook"]
    assert failed(order_checks(Order(9, 5, 3, ("w1 was started while r1 waited",)))) == ["starts out of order"]


def test_the_rows_about_what_the_kill_left() -> None:
    def rows(jobs: int, *problems: str, unanswered: int = 0) -> list[str]:
        return failed(survival_checks(Remains(jobs, {}, problems, 3, 1024), acknowledged=15, unanswered=unanswered))

    assert rows(15) == []
    assert rows(16, unanswered=1) == []
    assert rows(14) == ["on disk after the kill"]
    assert rows(16) == ["on disk after the kill"]
    assert rows(15, "job a is in two states") == ["discrepancies on disk"]
