from pathlib import Path

import pytest

from rockqueue_bench.peers import places, versions

REQUIREMENTS = "celery==5.7.0 \\\n    --hash=sha256:00\nkombu==5.6.1 \\\n"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0", "7.0.15"),
        ("nats-server: v2.15.2", "2.15.2"),
        ("rabbitmq_server-3.10.8", "3.10.8"),
        ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)", "15.14"),
        ("nothing", "unknown"),
    ],
)
def test_the_first_version_number_of_a_text_is_found(text: str, number: str) -> None:
    assert versions.number_in(text) == number


def test_a_pin_is_read_from_a_requirements_file() -> None:
    assert versions.pinned("kombu", REQUIREMENTS) == "5.6.1"
    assert versions.pinned("redis", REQUIREMENTS) == "unknown"


def test_every_client_library_has_a_pinned_version() -> None:
    told = [
        versions.npm_version("bullmq"),
        versions.npm_version("graphile-worker"),
        versions.python_version("celery"),
        versions.go_version("github.com/riverqueue/river"),
    ]
    assert all(number[0].isdigit() and "." in number for number in told), told


def test_a_program_that_was_not_built_is_missing_with_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(places.Missing, match="make -C benchmarks/peers setup"):
        places.built(tmp_path / "peers-load")


def test_a_server_that_is_not_installed_is_missing_with_its_package() -> None:
    with pytest.raises(places.Missing, match="apt-get install some-package"):
        places.installed("no-such-server-here", "some-package")
