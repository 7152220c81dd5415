"""Events as HTTP requests: `client.webhooks`. What receives them stands in `webhooks.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Unpack

from rockqueue import _methods as methods
from rockqueue._durations import Seconds, moment, seconds, span, to_duration
from rockqueue._event_models import Event, EventFilter, build_event_filter
from rockqueue._operations import new_request_id
from rockqueue._states import EventType, WebhookDeliveryState, delivery_state, delivery_state_number, event_type
from rockqueue._surface import AsyncPart, SyncPart
from rockqueue.v1 import webhook_service_pb2 as pb

# A receiver has 15 s to answer.
TEST_TIMEOUT_S = 25.0


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as the server knows it.

    Attributes:
        queues, names, types, job_ids, flow_ids, schedules: Which events are sent; all of them empty: every event.
        disabled: True: nothing is sent. Also after the receiver answered 410; `gone_time` then tells since when.
        cursor: Everything up to here is sent or in its deliveries.
        pending: How many deliveries wait for their first or next attempt.
        former_secret_until_time: Until when requests are signed with the former secret too.
        created: Of the result of a put: True when there was none of this name.
        secret: Of the result of a put that made one, and of a rotation: the secret. It is not shown again.
    """

    name: str
    url: str
    queues: tuple[str, ...]
    names: tuple[str, ...]
    types: tuple[EventType, ...]
    job_ids: tuple[str, ...]
    flow_ids: tuple[str, ...]
    schedules: tuple[str, ...]
    disabled: bool
    create_time: datetime | None
    update_time: datetime | None
    cursor: str
    pending: int
    gone_time: datetime | None
    former_secret_until_time: datetime | None
    created: bool = False
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, webhook: pb.Webhook, *, created: bool = False, secret: str = "") -> Webhook:
        """The message as a value."""
        spec, wanted = webhook.spec, webhook.spec.filter
        return cls(
            name=spec.name,
            url=spec.url,
            queues=tuple(wanted.queues),
            names=tuple(wanted.names),
            types=tuple(kind for number in wanted.types if (kind := event_type(number)) is not None),
            job_ids=tuple(wanted.job_ids),
            flow_ids=tuple(wanted.flow_ids),
            schedules=tuple(wanted.schedules),
            disabled=spec.disabled,
            create_time=moment(webhook, "create_time"),
            update_time=moment(webhook, "update_time"),
            cursor=webhook.cursor,
            pending=webhook.pending,
            gone_time=moment(webhook, "gone_time"),
            former_secret_until_time=moment(webhook, "former_secret_until_time"),
            created=created,
            secret=secret or None,
        )


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One request and what came of it: `status` is 0 without an answer, `error` empty when it succeeded."""

    time: datetime | None
    status: int
    error: str
    took: timedelta | None

    @property
    def succeeded(self) -> bool:
        """True when the receiver took it."""
        return not self.error

    @classmethod
    def of(cls, attempt: pb.WebhookAttempt) -> WebhookAttempt:
        """The message as a value."""
        return cls(moment(attempt, "time"), attempt.status, attempt.error, span(attempt, "took"))


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """An event on its way to a receiver.

    Attributes:
        id: The header `webhook-id` of its requests.
        event: The event; None for a type that this version does not know.
        attempts: The attempts so far, oldest first.
        next_time: When the next attempt is due, while it is PENDING.
    """

    id: str
    state: WebhookDeliveryState
    event: Event | None
    attempts: tuple[WebhookAttempt, ...]
    next_time: datetime | None

    @classmethod
    def of(cls, delivery: pb.WebhookDelivery) -> WebhookDelivery:
        """The message as a value."""
        kind = event_type(delivery.event.type)
        return cls(
            id=delivery.id,
            state=delivery_state(delivery.state),
            event=None if kind is None else Event.of(delivery.event, kind),
            attempts=tuple(WebhookAttempt.of(attempt) for attempt in delivery.attempts),
            next_time=moment(delivery, "next_time"),
        )


def _put_request(name: str, url: str, secret: str, wanted: EventFilter, *, disabled: bool) -> pb.PutWebhookRequest:
    events = build_event_filter(wanted)
    spec = pb.WebhookSpec(name=name, url=url, filter=events if events.ByteSize() else None, disabled=disabled)
    return pb.PutWebhookRequest(request_id=new_request_id(), webhook=spec, secret=secret)


def _rotate_request(name: str, secret: str, overlap: Seconds | None) -> pb.RotateWebhookSecretRequest:
    length = None if overlap is None else to_duration(seconds(overlap, "overlap"))
    return pb.RotateWebhookSecretRequest(request_id=new_request_id(), name=name, secret=secret, overlap=length)


def _deliveries_request(name: str, state: WebhookDeliveryState | str | None) -> pb.ListWebhookDeliveriesRequest:
    return pb.ListWebhookDeliveriesRequest(name=name, state=delivery_state_number(state) if state else None)


def _resend_request(name: str, delivery_id: str) -> pb.ResendWebhookDeliveryRequest:
    return pb.ResendWebhookDeliveryRequest(request_id=new_request_id(), name=name, delivery_id=delivery_id)


class Webhooks(AsyncPart):
    """`client.webhooks` of the async client."""

    async def put(
        self, name: str, url: str, *, secret: str = "", disabled: bool = False, **wanted: Unpack[EventFilter]
    ) -> Webhook:
        """Makes a webhook, or replaces the one of this name, which keeps its secret, its cursor and its deliveries.

            hook = await client.webhooks.put("billing", "https://example.com/hook", types=["JOB_DEAD"])

        Args:
            name: What it is called.
            url: Where the events go; "https://" or "http://".
            secret: "whsec_" and the base64 of 24 to 64 bytes. Default: the server makes one, see `Webhook.secret`.
            disabled: True: nothing is sent until it is false again.
            wanted: Which events. Default: all.

        Raises InvalidRequest.
        """
        request = _put_request(name, url, secret, wanted, disabled=disabled)
        response = await self._call(methods.PUT_WEBHOOK, request)
        return Webhook.of(response.webhook, created=response.created, secret=response.secret)

    async def get(self, name: str) -> Webhook:
        """One webhook, without its secret. Raises WebhookNotFound."""
        return Webhook.of((await self._call(methods.GET_WEBHOOK, pb.GetWebhookRequest(name=name))).webhook)

    async def list(self) -> AsyncIterator[Webhook]:
        """All webhooks, by name."""
        async for page in self._pages(methods.LIST_WEBHOOKS, pb.ListWebhooksRequest()):
            for webhook in page.webhooks:
                yield Webhook.of(webhook)

    async def delete(self, name: str) -> None:
        """Removes a webhook, its secret and its deliveries. Raises WebhookNotFound."""
        await self._call(methods.DELETE_WEBHOOK, pb.DeleteWebhookRequest(request_id=new_request_id(), name=name))

    async def rotate_secret(self, name: str, *, secret: str = "", overlap: Seconds | None = None) -> Webhook:
        """Gives a webhook a new secret; until `overlap` (default 24 h) requests are signed with the former one too.

        Raises WebhookNotFound.
        """
        response = await self._call(methods.ROTATE_WEBHOOK_SECRET, _rotate_request(name, secret, overlap))
        return Webhook.of(response.webhook, secret=response.secret)

    async def test(self, name: str) -> WebhookAttempt:
        """Sends one request of type "webhook.test" now and tells what came of it. Raises WebhookNotFound."""
        request = pb.TestWebhookRequest(name=name)
        return WebhookAttempt.of((await self._call(methods.TEST_WEBHOOK, request, TEST_TIMEOUT_S)).attempt)

    async def deliveries(
        self, name: str, *, state: WebhookDeliveryState | str | None = None
    ) -> AsyncIterator[WebhookDelivery]:
        """The deliveries of a webhook, newest first: those that wait, and the last 1,000. Raises WebhookNotFound."""
        async for page in self._pages(methods.LIST_WEBHOOK_DELIVERIES, _deliveries_request(name, state)):
            for delivery in page.deliveries:
                yield WebhookDelivery.of(delivery)

    async def resend(self, name: str, delivery_id: str) -> WebhookDelivery:
        """Sends a delivery of the log again, now. Raises WebhookNotFound, WebhookDeliveryNotFound."""
        response = await self._call(methods.RESEND_WEBHOOK_DELIVERY, _resend_request(name, delivery_id))
        return WebhookDelivery.of(response.delivery)


class SyncWebhooks(SyncPart):
    """`client.webhooks` of the sync client; see `Webhooks`."""

    def put(
        self, name: str, url: str, *, secret: str = "", disabled: bool = False, **wanted: Unpack[EventFilter]
    ) -> Webhook:
        """Makes a webhook, or replaces the one of this name, which keeps its secret, its cursor and its deliveries."""
        request = _put_request(name, url, secret, wanted, disabled=disabled)
        response = self._call(methods.PUT_WEBHOOK, request)
        return Webhook.of(response.webhook, created=response.created, secret=response.secret)

    def get(self, name: str) -> Webhook:
        """One webhook, without its secret. Raises WebhookNotFound."""
        return Webhook.of(self._call(methods.GET_WEBHOOK, pb.GetWebhookRequest(name=name)).webhook)

    def list(self) -> Iterator[Webhook]:
        """All webhooks, by name."""
        for page in self._pages(methods.LIST_WEBHOOKS, pb.ListWebhooksRequest()):
            for webhook in page.webhooks:
                yield Webhook.of(webhook)

    def delete(self, name: str) -> None:
        """Removes a webhook, its secret and its deliveries. Raises WebhookNotFound."""
        self._call(methods.DELETE_WEBHOOK, pb.DeleteWebhookRequest(request_id=new_request_id(), name=name))

    def rotate_secret(self, name: str, *, secret: str = "", overlap: Seconds | None = None) -> Webhook:
        """Gives a webhook a new secret; until `overlap` (default 24 h) requests are signed with the former one too."""
        response = self._call(methods.ROTATE_WEBHOOK_SECRET, _rotate_request(name, secret, overlap))
        return Webhook.of(response.webhook, secret=response.secret)

    def test(self, name: str) -> WebhookAttempt:
        """Sends one request of type "webhook.test" now and tells what came of it. Raises WebhookNotFound."""
        request = pb.TestWebhookRequest(name=name)
        return WebhookAttempt.of(self._call(methods.TEST_WEBHOOK, request, TEST_TIMEOUT_S).attempt)

    def deliveries(self, name: str, *, state: WebhookDeliveryState | str | None = None) -> Iterator[WebhookDelivery]:
        """The deliveries of a webhook, newest first: those that wait, and the last 1,000. Raises WebhookNotFound."""
        for page in self._pages(methods.LIST_WEBHOOK_DELIVERIES, _deliveries_request(name, state)):
            for delivery in page.deliveries:
                yield WebhookDelivery.of(delivery)

    def resend(self, name: str, delivery_id: str) -> WebhookDelivery:
        """Sends a delivery of the log again, now. Raises WebhookNotFound, WebhookDeliveryNotFound."""
        response = self._call(methods.RESEND_WEBHOOK_DELIVERY, _resend_request(name, delivery_id))
        return WebhookDelivery.of(response.delivery)
