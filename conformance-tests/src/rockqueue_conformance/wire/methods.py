"""Every method of the contract by name (`JobService.PushJobs`), with its message types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from rockqueue.testing.v1 import clock_service_pb2, store_service_pb2
from rockqueue.v1 import (
    event_service_pb2,
    flow_service_pb2,
    job_service_pb2,
    queue_service_pb2,
    schedule_service_pb2,
    server_service_pb2,
    webhook_service_pb2,
    work_service_pb2,
)

_FILES = (
    job_service_pb2,
    work_service_pb2,
    queue_service_pb2,
    event_service_pb2,
    schedule_service_pb2,
    flow_service_pb2,
    webhook_service_pb2,
    server_service_pb2,
    clock_service_pb2,
    store_service_pb2,
    health_pb2,
)


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC: its short name, its path on the wire, and the types of its messages."""

    name: str
    path: str
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool

    @property
    def request_descriptor(self) -> Descriptor:
        return cast(Descriptor, self.request.DESCRIPTOR)

    @property
    def response_descriptor(self) -> Descriptor:
        return cast(Descriptor, self.response.DESCRIPTOR)


def _method(descriptor: MethodDescriptor) -> Method:
    service: Any = descriptor.containing_service
    return Method(
        name=f"{service.name}.{descriptor.name}",
        path=f"/{service.full_name}/{descriptor.name}",
        request=GetMessageClass(descriptor.input_type),
        response=GetMessageClass(descriptor.output_type),
        client_streaming=descriptor.client_streaming,
        server_streaming=descriptor.server_streaming,
    )


def _collect() -> dict[str, Method]:
    methods: dict[str, Method] = {}
    for module in _FILES:
        for service in module.DESCRIPTOR.services_by_name.values():
            for descriptor in service.methods:
                method = _method(descriptor)
                methods[method.name] = method
    return methods


METHODS: dict[str, Method] = _collect()


def method(name: str) -> Method:
    """The method of that name, or ValueError with the names that exist."""
    found = METHODS.get(name)
    if found is None:
        raise ValueError(f"no method {name!r}; there are {', '.join(sorted(METHODS))}")
    return found
