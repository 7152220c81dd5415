"""Changing many jobs, and backups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from scripted import Refusal, ScriptedServer

import rockqueue
from rockqueue import Client, NewJob
from rockqueue.v1 import job_service_pb2, server_service_pb2


@pytest.mark.parametrize(
    ("change", "method", "answer"),
    [
        (Client.cancel_all, "CancelJobs", job_service_pb2.CancelJobsResponse),
        (Client.retry_all, "RetryJobs", job_service_pb2.RetryJobsResponse),
        (Client.delete_all, "DeleteJobs", job_service_pb2.DeleteJobsResponse),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_change_by_filter_follows_the_pages(
    client: Client, server: ScriptedServer, change: Callable[..., Any], method: str, answer: Any, *, dry_run: bool
) -> None:
    server.answer(
        method, answer(affected=10_000, more=True, next_page_token="here"), answer(affected=7, next_page_token="")
    )
    told: list[int] = []
    wanted: dict[str, Any] = {"queue": "q", "schedule": "s", "flow_id": "f", "group": "g"}
    count = await change(client, **wanted, dry_run=dry_run, on_progress=told.append)
    assert (count, told) == (10_007, [10_000, 10_007])
    first, second = server.of(method)
    assert (first.page_token, second.page_token) == ("", "here")
    assert first.request_id != second.request_id
    assert first.filter == second.filter == job_service_pb2.JobFilter(**wanted)
    assert first.dry_run == second.dry_run == dry_run


async def test_a_server_without_page_tokens_is_asked_until_there_is_no_more(
    client: Client, server: ScriptedServer
) -> None:
    response = job_service_pb2.CancelJobsResponse
    server.answer("CancelJobs", response(affected=10_000, more=True), response(affected=1))
    assert await client.cancel_all(queue="q") == 10_001
    server.answer("CancelJobs", response(affected=10_000, more=True))
    # It would count the same jobs again.
    assert await client.cancel_all(queue="q", dry_run=True) == 10_000


async def test_a_change_by_filter_changes_what_matches(embedded: Client) -> None:
    await embedded.push_many([NewJob("q", "n", tags=["x"]) for _ in range(20)])
    kept = await embedded.push("q", "n")
    assert await embedded.cancel_all(queue="q", tags=["x"], dry_run=True) == 20
    assert await embedded.cancel_all(queue="q", tags=["x"]) == 20
    assert (await embedded.get(kept.id)).state == "WAITING"


async def test_a_backup_is_not_repeated_when_nobody_knows_what_became_of_it(
    client: Client, server: ScriptedServer
) -> None:
    server.answer("CreateBackup", Refusal(grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(rockqueue.Unavailable) as caught:
        await client.backups.create("one")
    assert caught.value.outcome_unknown
    assert [request.name for request in server.of("CreateBackup")] == ["one"]
    deadline = server.calls[-1].deadline_s
    assert deadline is not None
    assert deadline > 500


async def test_backups_are_shown(client: Client, server: ScriptedServer) -> None:
    backup = server_service_pb2.Backup(name="one", path="/backups/one", commit=7, size_bytes=4096)
    backup.create_time.FromDatetime(datetime(2026, 11, 22, tzinfo=UTC))
    server.answer("CreateBackup", server_service_pb2.CreateBackupResponse(backup=backup))
    server.answer("ListBackups", server_service_pb2.ListBackupsResponse(backups=[backup]))
    made = await client.backups.create("one")
    assert (made.name, made.path, made.commit, made.size_bytes) == ("one", "/backups/one", 7, 4096)
    assert made.create_time == datetime(2026, 11, 22, tzinfo=UTC)
    assert await client.backups.list() == [made]


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (grpc.StatusCode.ALREADY_EXISTS, "BACKUP_EXISTS", rockqueue.BackupExists),
        (grpc.StatusCode.FAILED_PRECONDITION, "BACKUPS_OFF", rockqueue.BackupsOff),
    ],
)
async def test_reasons_of_backups_are_errors_of_their_own(
    client: Client, server: ScriptedServer, code: grpc.StatusCode, reason: str, kind: type[Exception]
) -> None:
    server.answer("CreateBackup", Refusal(code, reason))
    with pytest.raises(kind):
        await client.backups.create("one")


def test_an_embedded_store_has_no_place_for_backups(tmp_path: Path) -> None:
    with rockqueue.SyncClient(f"embedded:{tmp_path}/jobs.db") as client:
        with pytest.raises(rockqueue.BackupsOff):
            client.backups.create()
        with pytest.raises(rockqueue.BackupsOff):
            client.backups.list()
