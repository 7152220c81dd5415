"""The RPCs of the contract as values, with what their descriptors say about repeating them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message

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

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Request, Response]):
    """One RPC.

    Attributes:
        service: Full name of the service (`rockqueue.v1.JobService`).
        name: Name of the RPC (`PushJobs`).
        request, response: The message classes.
        repeatable: True when the contract allows to send the request again (`idempotency_level`).
        mutating: True when the call may change something.
    """

    service: str
    name: str
    request: type[Request]
    response: type[Response]
    repeatable: bool
    mutating: bool

    @property
    def path(self) -> str:
        """The path on the wire."""
        return f"/{self.service}/{self.name}"

    @property
    def snake_name(self) -> str:
        """The name as Python spells it (`push_jobs`)."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()


def describe(
    file: FileDescriptor, service: str, name: str, request: type[Request], response: type[Response]
) -> Method[Request, Response]:
    """The RPC `service.name` of a proto file."""
    found = file.services_by_name[service]
    level = found.methods_by_name[name].GetOptions().idempotency_level
    return Method(
        found.full_name,
        name,
        request,
        response,
        repeatable=level != MethodOptions.IDEMPOTENCY_UNKNOWN,
        mutating=level != MethodOptions.NO_SIDE_EFFECTS,
    )


_j, _w, _q = job_service_pb2, work_service_pb2, queue_service_pb2
_e, _s = event_service_pb2, server_service_pb2
_t, _f, _h = schedule_service_pb2, flow_service_pb2, webhook_service_pb2

PUSH_JOBS = describe(_j.DESCRIPTOR, "JobService", "PushJobs", _j.PushJobsRequest, _j.PushJobsResponse)
GET_JOB = describe(_j.DESCRIPTOR, "JobService", "GetJob", _j.GetJobRequest, _j.GetJobResponse)
GET_JOB_LOGS = describe(_j.DESCRIPTOR, "JobService", "GetJobLogs", _j.GetJobLogsRequest, _j.GetJobLogsResponse)
LIST_JOBS = describe(_j.DESCRIPTOR, "JobService", "ListJobs", _j.ListJobsRequest, _j.ListJobsResponse)
CANCEL_JOBS = describe(_j.DESCRIPTOR, "JobService", "CancelJobs", _j.CancelJobsRequest, _j.CancelJobsResponse)
RETRY_JOBS = describe(_j.DESCRIPTOR, "JobService", "RetryJobs", _j.RetryJobsRequest, _j.RetryJobsResponse)
DELETE_JOBS = describe(_j.DESCRIPTOR, "JobService", "DeleteJobs", _j.DeleteJobsRequest, _j.DeleteJobsResponse)
WAIT_JOB = describe(_j.DESCRIPTOR, "JobService", "WaitJob", _j.WaitJobRequest, _j.WaitJobResponse)
EXPLAIN_JOB = describe(_j.DESCRIPTOR, "JobService", "ExplainJob", _j.ExplainJobRequest, _j.ExplainJobResponse)

WORK = describe(_w.DESCRIPTOR, "WorkService", "Work", _w.WorkRequest, _w.WorkResponse)
PULL_JOBS = describe(_w.DESCRIPTOR, "WorkService", "PullJobs", _w.PullJobsRequest, _w.PullJobsResponse)
SETTLE_JOBS = describe(_w.DESCRIPTOR, "WorkService", "SettleJobs", _w.SettleJobsRequest, _w.SettleJobsResponse)
EXTEND_LEASES = describe(_w.DESCRIPTOR, "WorkService", "ExtendLeases", _w.ExtendLeasesRequest, _w.ExtendLeasesResponse)
LIST_WORKERS = describe(_w.DESCRIPTOR, "WorkService", "ListWorkers", _w.ListWorkersRequest, _w.ListWorkersResponse)

LIST_QUEUES = describe(_q.DESCRIPTOR, "QueueService", "ListQueues", _q.ListQueuesRequest, _q.ListQueuesResponse)
GET_QUEUE = describe(_q.DESCRIPTOR, "QueueService", "GetQueue", _q.GetQueueRequest, _q.GetQueueResponse)
UPDATE_QUEUE = describe(_q.DESCRIPTOR, "QueueService", "UpdateQueue", _q.UpdateQueueRequest, _q.UpdateQueueResponse)
PAUSE_QUEUE = describe(_q.DESCRIPTOR, "QueueService", "PauseQueue", _q.PauseQueueRequest, _q.PauseQueueResponse)
RESUME_QUEUE = describe(_q.DESCRIPTOR, "QueueService", "ResumeQueue", _q.ResumeQueueRequest, _q.ResumeQueueResponse)
PURGE_QUEUE = describe(_q.DESCRIPTOR, "QueueService", "PurgeQueue", _q.PurgeQueueRequest, _q.PurgeQueueResponse)
EXPLAIN_QUEUE = describe(_q.DESCRIPTOR, "QueueService", "ExplainQueue", _q.ExplainQueueRequest, _q.ExplainQueueResponse)
LIST_GROUPS = describe(_q.DESCRIPTOR, "QueueService", "ListGroups", _q.ListGroupsRequest, _q.ListGroupsResponse)
UPDATE_GROUP = describe(_q.DESCRIPTOR, "QueueService", "UpdateGroup", _q.UpdateGroupRequest, _q.UpdateGroupResponse)

PUT_SCHEDULE = describe(_t.DESCRIPTOR, "ScheduleService", "PutSchedule", _t.PutScheduleRequest, _t.PutScheduleResponse)
GET_SCHEDULE = describe(_t.DESCRIPTOR, "ScheduleService", "GetSchedule", _t.GetScheduleRequest, _t.GetScheduleResponse)
LIST_SCHEDULES = describe(
    _t.DESCRIPTOR, "ScheduleService", "ListSchedules", _t.ListSchedulesRequest, _t.ListSchedulesResponse
)
DELETE_SCHEDULE = describe(
    _t.DESCRIPTOR, "ScheduleService", "DeleteSchedule", _t.DeleteScheduleRequest, _t.DeleteScheduleResponse
)
PAUSE_SCHEDULE = describe(
    _t.DESCRIPTOR, "ScheduleService", "PauseSchedule", _t.PauseScheduleRequest, _t.PauseScheduleResponse
)
RESUME_SCHEDULE = describe(
    _t.DESCRIPTOR, "ScheduleService", "ResumeSchedule", _t.ResumeScheduleRequest, _t.ResumeScheduleResponse
)
TRIGGER_SCHEDULE = describe(
    _t.DESCRIPTOR, "ScheduleService", "TriggerSchedule", _t.TriggerScheduleRequest, _t.TriggerScheduleResponse
)
BACKFILL_SCHEDULE = describe(
    _t.DESCRIPTOR, "ScheduleService", "BackfillSchedule", _t.BackfillScheduleRequest, _t.BackfillScheduleResponse
)
PREVIEW_SCHEDULE = describe(
    _t.DESCRIPTOR, "ScheduleService", "PreviewSchedule", _t.PreviewScheduleRequest, _t.PreviewScheduleResponse
)

PUSH_FLOW = describe(_f.DESCRIPTOR, "FlowService", "PushFlow", _f.PushFlowRequest, _f.PushFlowResponse)
GET_FLOW = describe(_f.DESCRIPTOR, "FlowService", "GetFlow", _f.GetFlowRequest, _f.GetFlowResponse)
LIST_FLOWS = describe(_f.DESCRIPTOR, "FlowService", "ListFlows", _f.ListFlowsRequest, _f.ListFlowsResponse)
CANCEL_FLOW = describe(_f.DESCRIPTOR, "FlowService", "CancelFlow", _f.CancelFlowRequest, _f.CancelFlowResponse)
RETRY_FLOW = describe(_f.DESCRIPTOR, "FlowService", "RetryFlow", _f.RetryFlowRequest, _f.RetryFlowResponse)
LIST_PARENTS = describe(_f.DESCRIPTOR, "FlowService", "ListParents", _f.ListParentsRequest, _f.ListParentsResponse)

PUT_WEBHOOK = describe(_h.DESCRIPTOR, "WebhookService", "PutWebhook", _h.PutWebhookRequest, _h.PutWebhookResponse)
GET_WEBHOOK = describe(_h.DESCRIPTOR, "WebhookService", "GetWebhook", _h.GetWebhookRequest, _h.GetWebhookResponse)
LIST_WEBHOOKS = describe(
    _h.DESCRIPTOR, "WebhookService", "ListWebhooks", _h.ListWebhooksRequest, _h.ListWebhooksResponse
)
DELETE_WEBHOOK = describe(
    _h.DESCRIPTOR, "WebhookService", "DeleteWebhook", _h.DeleteWebhookRequest, _h.DeleteWebhookResponse
)
ROTATE_WEBHOOK_SECRET = describe(
    _h.DESCRIPTOR,
    "WebhookService",
    "RotateWebhookSecret",
    _h.RotateWebhookSecretRequest,
    _h.RotateWebhookSecretResponse,
)
TEST_WEBHOOK = describe(_h.DESCRIPTOR, "WebhookService", "TestWebhook", _h.TestWebhookRequest, _h.TestWebhookResponse)
LIST_WEBHOOK_DELIVERIES = describe(
    _h.DESCRIPTOR,
    "WebhookService",
    "ListWebhookDeliveries",
    _h.ListWebhookDeliveriesRequest,
    _h.ListWebhookDeliveriesResponse,
)
RESEND_WEBHOOK_DELIVERY = describe(
    _h.DESCRIPTOR,
    "WebhookService",
    "ResendWebhookDelivery",
    _h.ResendWebhookDeliveryRequest,
    _h.ResendWebhookDeliveryResponse,
)

WATCH_EVENTS = describe(_e.DESCRIPTOR, "EventService", "WatchEvents", _e.WatchEventsRequest, _e.WatchEventsResponse)
GET_SERVER_INFO = describe(
    _s.DESCRIPTOR, "ServerService", "GetServerInfo", _s.GetServerInfoRequest, _s.GetServerInfoResponse
)
CREATE_BACKUP = describe(
    _s.DESCRIPTOR, "ServerService", "CreateBackup", _s.CreateBackupRequest, _s.CreateBackupResponse
)
LIST_BACKUPS = describe(_s.DESCRIPTOR, "ServerService", "ListBackups", _s.ListBackupsRequest, _s.ListBackupsResponse)
