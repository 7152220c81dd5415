"""Where the app finds its queue and its mail server."""

from pathlib import Path

import pytest

from email_app.settings import MAIL_SERVER_VARIABLE, QueueSettings, mail_server


def test_the_queue_is_embedded_unless_a_server_is_named() -> None:
    assert QueueSettings.choose(None, Path("jobs.db")) == QueueSettings("embedded:jobs.db")
    assert QueueSettings.choose(None, Path("jobs.db")).embedded
    assert not QueueSettings.choose("rockqueue://127.0.0.1:7655", Path("jobs.db")).embedded


def test_the_mail_server_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MAIL_SERVER_VARIABLE, raising=False)
    assert mail_server() == ("127.0.0.1", 2525)
    monkeypatch.setenv(MAIL_SERVER_VARIABLE, "mail.example:25")
    assert mail_server() == ("mail.example", 25)


@pytest.mark.parametrize("address", ["", "mail.example", "mail.example:", ":25", "mail.example:smtp"])
def test_a_malformed_mail_server_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(MAIL_SERVER_VARIABLE, address)
    with pytest.raises(ValueError, match="must be host:port"):
        mail_server()
