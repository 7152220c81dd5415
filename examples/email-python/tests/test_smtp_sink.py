"""The mail server of the demo: what it accepts, refuses and writes down."""

from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from email_app.smtp_sink import SmtpSink, count_by_job, is_refused, open_sink, read_arrivals


def mail(job_id: str, attempt: int = 1, recipient: str = "ann@example.test") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "app@example.test"
    message["To"] = recipient
    message["Subject"] = "Welcome"
    message["Message-ID"] = f"<{job_id}@rockqueue.example>"
    message["X-Job-Id"] = job_id
    message["X-Attempt"] = str(attempt)
    message.set_content("Hello!")
    return message


async def test_an_accepted_mail_is_in_the_file_when_the_sender_hears_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mails.jsonl"
    async with open_sink(SmtpSink(path, seed=1, share=0)) as port:
        await aiosmtplib.send(mail("job-1", attempt=2), hostname="127.0.0.1", port=port, timeout=5)
        (arrival,) = read_arrivals(path)
    assert (arrival.job_id, arrival.attempt, arrival.recipient) == ("job-1", 2, "ann@example.test")
    assert arrival.message_id == "<job-1@rockqueue.example>"


async def test_a_refused_mail_is_temporary_and_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mails.jsonl"
    async with open_sink(SmtpSink(path, seed=1, share=1)) as port:
        with pytest.raises(aiosmtplib.SMTPDataError) as refusal:
            await aiosmtplib.send(mail("job-1"), hostname="127.0.0.1", port=port, timeout=5)
    assert refusal.value.code == 451
    assert list(read_arrivals(path)) == []


async def test_mails_are_counted_by_job(tmp_path: Path) -> None:
    path = tmp_path / "mails.jsonl"
    async with open_sink(SmtpSink(path, seed=1, share=0)) as port:
        for job_id in ("a", "b", "a"):
            await aiosmtplib.send(mail(job_id), hostname="127.0.0.1", port=port, timeout=5)
    assert count_by_job(path) == {"a": 2, "b": 1}


def test_a_line_that_is_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "mails.jsonl"
    whole = '{"time_s":1,"job_id":"a","attempt":1,"message_id":"","recipient":"","subject":""}\n'
    path.write_text(whole + whole[:20])
    assert count_by_job(path) == {"a": 1}


def test_the_same_seed_refuses_the_same_deliveries() -> None:
    def refused(seed: int) -> list[int]:
        return [n for n in range(200) if is_refused(seed, f"user-{n}@example.test", "Welcome", 1)]

    assert refused(1) == refused(1)
    assert refused(1) != refused(2)


def test_a_fifth_is_refused_and_each_attempt_is_another_throw() -> None:
    throws = [is_refused(7, f"user-{n}@example.test", "Welcome", 1 + n % 3) for n in range(5000)]
    assert 0.17 < sum(throws) / len(throws) < 0.23
    assert len({is_refused(7, "ann@example.test", "Welcome", attempt) for attempt in range(1, 40)}) == 2
