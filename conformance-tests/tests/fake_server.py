"""A server that answers from memory, keeps the contract where it is told to, and breaks it where it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from rockqueue_conformance.wire.convert import from_data, to_data
from rockqueue_conformance.wire.errors import CODE_NUMBERS
from rockqueue_conformance.wire.methods import METHODS, Method

Data = dict[str, Any]
Answer = Callable[[Data], Data]

FIRST_ID = "01890000-0000-7000-8000-0000000000%02d"


class Refusal(Exception):
    """An error with details, as a server of the contract sends it."""

    def __init__(self, code: str, reason: str, domain: str = "rockqueue", fields: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.code, self.reason, self.domain, self.fields = code, reason, domain, fields

    def details(self) -> bytes:
        status = status_pb2.Status(code=CODE_NUMBERS[self.code])
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain=self.domain)
        bad = error_details_pb2.BadRequest()
        for field in self.fields:
            bad.field_violations.add(field=field)
        for detail in (info, bad) if self.fields else (info,):
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        return status.SerializeToString()


class FakeServer:
    """Answers each method with a function from request data to response data; `answers` may be changed at any time."""

    def __init__(self, kept_in: Path | None = None) -> None:
        self.kept_in = kept_in
        self.jobs: list[Data] = json.loads(kept_in.read_text()) if kept_in and kept_in.exists() else []
        self.calls: list[str] = []
        self.on_work: Callable[[AsyncIterator[Data]], AsyncIterator[Data]] | None = None
        self.answers: dict[str, Answer] = {
            "ServerService.GetServerInfo": lambda _: {
                "version": "0.0",
                "server_time": "2026-01-01T00:00:00Z",
                "capabilities": {"testing": True, "pull_jobs": True, "work_stream": True},
            },
            "ClockService.FreezeClock": lambda _: {"now": "2026-01-01T00:00:00Z"},
            "ClockService.AdvanceClock": lambda _: {"now": "2026-01-01T00:00:00Z"},
            "StoreService.VerifyStore": lambda _: {"jobs": len(self.jobs)},
            "JobService.PushJobs": self._push,
            "JobService.GetJob": self._get,
            "JobService.ListJobs": lambda _: {"jobs": self.jobs},
        }

    def _push(self, request: Data) -> Data:
        pushed: list[Data] = []
        for spec in request["jobs"]:
            job = {"id": FIRST_ID % len(self.jobs), "spec": spec, "state": "JOB_STATE_WAITING"}
            self.jobs.append(job)
            pushed.append({"job_id": job["id"]})
        if self.kept_in is not None:
            self.kept_in.write_text(json.dumps(self.jobs))
        return {"jobs": pushed, "durability": "DURABILITY_FSYNC"}

    def _get(self, request: Data) -> Data:
        found = [job for job in self.jobs if job["id"] == request["job_id"]]
        if not found:
            raise Refusal("NOT_FOUND", "JOB_NOT_FOUND")
        return {"job": found[0]}

    async def start(self) -> tuple[grpc.aio.Server, str]:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((_Handler(self),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, f"127.0.0.1:{port}"


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, fake: FakeServer) -> None:
        self._fake = fake

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        path = cast(Any, handler_call_details).method
        method = next(one for one in METHODS.values() if one.path == path)
        if method.client_streaming:
            return grpc.stream_stream_rpc_method_handler(
                cast(Any, self._work(method)),
                request_deserializer=method.request.FromString,
                response_serializer=method.response.SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(
            cast(Any, self._unary(method)),
            request_deserializer=method.request.FromString,
            response_serializer=method.response.SerializeToString,
        )

    def _unary(self, method: Method) -> Callable[[Message, Any], Awaitable[Message]]:
        async def answer(request: Message, context: Any) -> Message:
            self._fake.calls.append(method.name)
            try:
                return from_data(method.response, self._fake.answers[method.name](to_data(request)))
            except Refusal as refusal:
                await context.abort(
                    grpc.StatusCode[refusal.code], "no", (("grpc-status-details-bin", refusal.details()),)
                )
                raise AssertionError from None

        return answer

    def _work(self, method: Method) -> Callable[[AsyncIterator[Message], Any], AsyncIterator[Message]]:
        async def answer(requests: AsyncIterator[Message], _: Any) -> AsyncIterator[Message]:
            async def as_data() -> AsyncIterator[Data]:
                async for request in requests:
                    yield to_data(request)

            assert self._fake.on_work is not None
            async for response in self._fake.on_work(as_data()):
                yield from_data(method.response, response)

        return answer


async def main(kept_in: Path | None, ready_file: Path) -> None:
    """A program that serves until it is killed: `fake_server.py READY_FILE [KEPT_IN]`."""
    _, address = await FakeServer(kept_in).start()
    await asyncio.to_thread(ready_file.write_text, json.dumps({"listen": address}))
    await asyncio.Event().wait()


if __name__ == "__main__":
    import sys

    asyncio.run(main(Path(sys.argv[2]) if len(sys.argv) > 2 else None, Path(sys.argv[1])))
