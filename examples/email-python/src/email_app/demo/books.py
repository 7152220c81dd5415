"""Turns what was counted into the closing table of an act."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from email_app.demo.accounting import Verdict, settle_accounts
from email_app.demo.priority import Order
from email_app.demo.remains import Remains
from email_app.demo.screen import Check
from email_app.demo.traffic import Promises
from email_app.smtp_sink import read_arrivals

WHY_TWICE = "killed after the mail server took it, before the queue heard: at least once, so sent again"


def close_books(promises: Promises, mails: Path, dead_letters: Collection[str]) -> list[Check]:
    """Compares what was promised with the mail server's file and the dead letters."""
    arrivals = list(read_arrivals(mails))
    verdict = settle_accounts(
        promises.acknowledged, [mail.job_id for mail in arrivals], dead_letters, unanswered=promises.unanswered
    )
    message_ids: defaultdict[str, set[str]] = defaultdict(set)
    for mail in arrivals:
        message_ids[mail.job_id].add(mail.message_id)
    unlike = sum(len(ids) > 1 for ids in message_ids.values())
    return [*_rows(verdict), Check("copies with another Message-ID", str(unlike), "", unlike == 0)]


def _rows(verdict: Verdict) -> list[Check]:
    unasked, lost = len(verdict.unannounced), len(verdict.missing)
    return [
        Check(
            "acknowledged with HTTP 202",
            str(len(verdict.acknowledged)),
            "the job was on disk before the answer",
            bool(verdict.acknowledged),
        ),
        Check("arrived at the mail server", str(len(verdict.arrived)), "counted in its own file"),
        Check("in the dead letters instead", str(len(verdict.dead)), "refused at every attempt, kept to be looked at"),
        Check("lost", str(lost), " ".join(verdict.missing) or "acknowledged, neither arrived nor dead", lost == 0),
        Check(
            "nobody's",
            str(unasked),
            f"arrived without a 202; {verdict.unanswered} requests got no answer",
            unasked <= verdict.unanswered,
        ),
        Check("arrived twice", str(len(verdict.twice)), WHY_TWICE if verdict.twice else "none was hit at that moment"),
    ]


def order_checks(order: Order) -> list[Check]:
    """The rows about priority."""
    wrong = len(order.violations)
    return [
        Check(
            "resets that overtook",
            str(order.overtaken),
            f"started before welcome mails that had waited longer; of {order.starts} deliveries",
            order.overtaken > 0,
        ),
        Check(
            "starts out of order",
            str(wrong),
            order.violations[0] if wrong else "welcome mails started while a reset was waiting",
            wrong == 0,
        ),
    ]


def survival_checks(remains: Remains, acknowledged: int, unanswered: int) -> list[Check]:
    """The rows about the files that the kill left: as many mails as were acknowledged before it, in good order."""
    complete = acknowledged <= remains.jobs <= acknowledged + unanswered
    return [
        Check("on disk after the kill", str(remains.jobs), f"{acknowledged} were acknowledged before it", complete),
        Check(
            "discrepancies on disk",
            str(len(remains.problems)),
            remains.problems[0] if remains.problems else "rockqueue check compared counters, indexes and jobs",
            not remains.problems,
        ),
    ]


def all_hold(checks: list[Check]) -> bool:
    """Whether no check failed."""
    return all(check.holds is not False for check in checks)
