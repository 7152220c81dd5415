"""A mail server for the demo: takes mail on loopback, refuses a fifth of it, and writes down what it accepted.

Refusals are chance with a seed: whether a delivery is refused depends on the seed, the recipient, the subject and the
attempt alone, so a run can be repeated whatever the order of the deliveries. An accepted mail is in the file before the
sender hears 250: the file never knows less than the sender does.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

REFUSED_SHARE = 0.2
"""The share of deliveries that get a temporary refusal (451)."""

READY_LINE = "listening on"
"""The process prints one line that begins with this and ends with `host:port` once it takes mail."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One accepted mail: one line of the file."""

    time_s: float
    """When it was accepted, in seconds since 1970."""
    job_id: str
    attempt: int
    message_id: str
    recipient: str
    subject: str


def is_refused(seed: int, recipient: str, subject: str, attempt: int, share: float = REFUSED_SHARE) -> bool:
    """Whether this delivery is refused. `share` is 0 (never) to 1 (always)."""
    return _chance(seed, recipient, subject, attempt) < share


def _chance(*about: object) -> float:
    """A number from 0 to 1 that looks like chance, and is the same each time for the same values."""
    digest = hashlib.sha256("\n".join(map(str, about)).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


class SmtpSink:
    """Handles the deliveries of an aiosmtpd server and appends what it accepts to `path`.

    `pause_s` is how long it takes for a mail, more or less: half of it before it decides, half of it before it answers.
    So a sender that is killed meanwhile may be killed after its mail was taken, as happens with real mail servers.
    """

    def __init__(self, path: Path, *, seed: int, share: float = REFUSED_SHARE, pause_s: float = 0.0) -> None:
        self._path = path
        self._seed = seed
        self.share = share
        """The share that is refused from now on, 0 to 1."""
        self._pause_s = pause_s

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd calls it so
        """Accepts or refuses one mail."""
        mail = message_from_bytes(envelope.original_content or b"")
        arrival = _describe(mail, envelope)
        pause_s = self._pause_s * (0.5 + _chance(self._seed, "pause", arrival.recipient, arrival.attempt))
        await asyncio.sleep(pause_s / 2)
        if is_refused(self._seed, arrival.recipient, arrival.subject, arrival.attempt, self.share):
            return "451 4.3.0 Try again later"
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(arrival)) + "\n")
        await asyncio.sleep(pause_s / 2)
        return "250 2.0.0 Accepted"


def _describe(mail: Message, envelope: Envelope) -> Arrival:
    return Arrival(
        time_s=time.time(),
        job_id=str(mail["X-Job-Id"] or ""),
        attempt=int(mail["X-Attempt"] or 0),
        message_id=str(mail["Message-ID"] or ""),
        recipient=envelope.rcpt_tos[0],
        subject=str(mail["Subject"] or ""),
    )


def read_arrivals(path: Path) -> Iterator[Arrival]:
    """Reads the file of a sink, also while it grows. A file that does not exist yet holds no mail."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield Arrival(**json.loads(line))


def count_by_job(path: Path) -> Counter[str]:
    """How many mails arrived for each job id."""
    return Counter(arrival.job_id for arrival in read_arrivals(path))


@asynccontextmanager
async def open_sink(sink: SmtpSink, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[int]:
    """Takes mail while the context lasts, and gives the port. Port 0: the system chooses one."""
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(sink), host, port)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def serve(sink: SmtpSink, host: str, port: int) -> None:
    """Takes mail until the process is asked to end (SIGTERM or SIGINT)."""
    stopping = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopping.set)
    async with open_sink(sink, host, port) as bound_port:
        print(f"{READY_LINE} {host}:{bound_port}", flush=True)
        await stopping.wait()


def main() -> None:
    """Runs the sink as a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m email_app.smtp_sink", description=main.__doc__)
    parser.add_argument("file", type=Path, help="accepted mails are appended here, one JSON object a line")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: the system chooses one (default)")
    parser.add_argument("--seed", type=int, default=1, help="decides which deliveries are refused (default: 1)")
    parser.add_argument("--refuse", type=float, default=REFUSED_SHARE, help="share that is refused (default: 0.2)")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds for a mail, more or less (default: 0)")
    options = parser.parse_args()
    sink = SmtpSink(options.file, seed=options.seed, share=options.refuse, pause_s=options.pause)
    asyncio.run(serve(sink, options.host, options.port))


if __name__ == "__main__":
    main()
