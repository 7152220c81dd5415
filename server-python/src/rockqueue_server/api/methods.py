"""The table from the methods of the contract to the coroutines of the core, made from the service descriptors.

A method that the contract has and the core lacks is found when the server starts, not when it is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

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
from rockqueue_server.api import boundary
from rockqueue_server.api.core_port import ServedCore
from rockqueue_server.contract.push_request import PushRequest
from rockqueue_server.contract.push_stream_request import PushMessage
from rockqueue_server.contract.work_request import WorkMessage

# Bytes in, bytes out: the boundary parses and serializes.
Handler: TypeAlias = "grpc.RpcMethodHandler[bytes, bytes]"

# Service of the contract -> attribute of the core.
SERVICES: tuple[tuple[ServiceDescriptor, str], ...] = (
    (job_service_pb2.DESCRIPTOR.services_by_name["JobService"], "jobs"),
    (work_service_pb2.DESCRIPTOR.services_by_name["WorkService"], "work"),
    (queue_service_pb2.DESCRIPTOR.services_by_name["QueueService"], "queues"),
    (schedule_service_pb2.DESCRIPTOR.services_by_name["ScheduleService"], "schedules"),
    (event_service_pb2.DESCRIPTOR.services_by_name["EventService"], "events"),
    (flow_service_pb2.DESCRIPTOR.services_by_name["FlowService"], "flows"),
    (webhook_service_pb2.DESCRIPTOR.services_by_name["WebhookService"], "webhooks"),
    (server_service_pb2.DESCRIPTOR.services_by_name["ServerService"], "server"),
    (clock_service_pb2.DESCRIPTOR.services_by_name["ClockService"], "clock"),
    (store_service_pb2.DESCRIPTOR.services_by_name["StoreService"], "store"),
)


# Hot methods that a core may also offer from bytes to bytes: the coroutine, and what reads its request.
FROM_BYTES: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "rockqueue.v1.JobService.PushJobs": ("push_batch", PushRequest.parse),
    "rockqueue.v1.JobService.StreamPushes": ("push_batches", PushMessage.parse),
    "rockqueue.v1.WorkService.Work": ("work_messages", WorkMessage.parse),
}


def served(core: ServedCore) -> Iterator[tuple[ServiceDescriptor, object]]:
    """The services that this core offers, each with the object that implements it."""
    for service, attribute in SERVICES:
        implementation = getattr(core, attribute)
        if implementation is not None:
            yield service, implementation


def handlers(service: ServiceDescriptor, implementation: object, write_timeout_s: float) -> dict[str, Handler]:
    """One gRPC handler for each method of a service. Raises TypeError when the implementation lacks one."""
    return {method.name: _handler(service, method, implementation, write_timeout_s) for method in service.methods}


def _handler(
    service: ServiceDescriptor, method: MethodDescriptor, implementation: object, write_timeout_s: float
) -> Handler:
    parse: boundary.Parse = GetMessageClass(method.input_type).FromString
    target = getattr(implementation, snake_case(method.name), None)
    name, own_parse = FROM_BYTES.get(method.full_name, ("", parse))
    if hasattr(implementation, name):
        target, parse = getattr(implementation, name), own_parse
    if target is None:
        raise TypeError(f"{type(implementation).__name__} has no {snake_case(method.name)} for {method.full_name}")
    face = boundary.MethodFace(
        name=f"/{service.full_name}/{method.name}",
        message_type=method.input_type.full_name,
        parse=parse,
        write_timeout_s=write_timeout_s,
    )
    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(boundary.two_way_stream(face, target))
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(boundary.server_stream(face, target))
    return grpc.unary_unary_rpc_method_handler(boundary.unary(face, target))


def snake_case(name: str) -> str:
    """`PushJobs` -> `push_jobs`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
