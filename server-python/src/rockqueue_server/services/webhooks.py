"""WebhookService: looks after webhooks. `rockqueue/v1/webhook_service.proto` is the specification."""

from __future__ import annotations

import re
import secrets
from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from google.protobuf.message import Message

from rockqueue.v1 import webhook_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import QUEUE_RULE, Problems, about, valid_queue
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine import dedup
from rockqueue_server.errors import overloaded, webhook_delivery_not_found
from rockqueue_server.services.events import check_event_filter
from rockqueue_server.services.pages import Page
from rockqueue_server.webhooks import payload, records
from rockqueue_server.webhooks.book import MOST_WEBHOOKS
from rockqueue_server.webhooks.records import Config
from rockqueue_server.webhooks.sender import attempt_message
from rockqueue_server.webhooks.signing import new_secret, secret_bytes

if TYPE_CHECKING:
    from rockqueue_server.engine.commit import Commit
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake
    from rockqueue_server.webhooks.book import WebhookBook, WebhookState
    from rockqueue_server.webhooks.courier import Courier
    from rockqueue_server.webhooks.records import Record

A = TypeVar("A", bound=Message)
MOST_URL_CHARS = 2048
MOST_TESTS = 32
"""Trials under way at once."""
_MOST_OVERLAP_US = 30 * limits.DAY_US
_OVERLAP_US = limits.DAY_US
_KEY_RULE = 'must be "whsec_" and the base64 of 24 to 64 bytes, or empty'
_URL_RULE = "must be an http:// or https:// URL in ASCII without user, password and fragment"
_URL = re.compile(r"[\x21-\x7e]+\Z")


class WebhookService:
    """The operations on webhooks."""

    def __init__(self, engine: Engine, intake: Intake, courier: Courier) -> None:
        self._engine = engine
        self._intake = intake
        self._courier = courier
        self._tests = 0

    async def put_webhook(
        self, request: webhook_service_pb2.PutWebhookRequest
    ) -> webhook_service_pb2.PutWebhookResponse:
        """Makes or replaces a webhook."""
        self._intake.check_open()
        self._intake.check_disk()
        _check_put(request)
        book, answer = self._courier.book, webhook_service_pb2.PutWebhookResponse

        def put(commit: Commit) -> webhook_service_pb2.PutWebhookResponse:
            now_us = commit.now_us
            webhook = book.by_name.get(request.webhook.name)
            made = ""
            if webhook is None:
                _check_room(book)
                made = "" if request.secret else new_secret()
                webhook = book.make(commit, request.webhook, request.secret or made)
                response = answer(webhook=webhook.show(now_us), created=True, secret=made)
            else:
                changed = _replaced(webhook, request, now_us)
                book.change(commit, webhook, changed)
                response = answer(webhook=webhook.show(now_us, changed))
            commit.after(lambda: self._courier.go_on(webhook))
            return response

        return await self._change("PutWebhook", request.request_id, answer, put)

    async def get_webhook(
        self, request: webhook_service_pb2.GetWebhookRequest
    ) -> webhook_service_pb2.GetWebhookResponse:
        """Returns one webhook."""
        about("", "name", request.name).check()
        webhook = self._courier.book.get(request.name)
        answer = webhook_service_pb2.GetWebhookResponse(webhook=webhook.show(self._engine.clock.now_us()))
        await self._engine.settled()
        return answer

    async def list_webhooks(
        self, request: webhook_service_pb2.ListWebhooksRequest
    ) -> webhook_service_pb2.ListWebhooksResponse:
        """Lists webhooks by name."""
        problems = Problems()
        page = Page((b"webhooks",), request.page_size, request.page_token, problems)
        problems.check()
        by_name, now_us = self._courier.book.by_name, self._engine.clock.now_us()
        names = sorted(by_name)
        start = bisect_right(names, page.name)
        answer = webhook_service_pb2.ListWebhooksResponse()
        answer.webhooks.extend(by_name[name].show(now_us) for name in names[start : start + page.size])
        if start + page.size < len(names):
            answer.next_page_token = page.token(names[start + page.size - 1].encode())
        await self._engine.settled()
        return answer

    async def delete_webhook(
        self, request: webhook_service_pb2.DeleteWebhookRequest
    ) -> webhook_service_pb2.DeleteWebhookResponse:
        """Removes a webhook."""
        self._intake.check_open()
        about(request.request_id, "name", request.name).check()
        book, answer = self._courier.book, webhook_service_pb2.DeleteWebhookResponse

        def delete(commit: Commit) -> webhook_service_pb2.DeleteWebhookResponse:
            webhook = book.get(request.name)
            book.remove(commit, webhook)
            commit.after(lambda: self._courier.go_on(webhook))
            return answer()

        return await self._change("DeleteWebhook", request.request_id, answer, delete)

    async def rotate_webhook_secret(
        self, request: webhook_service_pb2.RotateWebhookSecretRequest
    ) -> webhook_service_pb2.RotateWebhookSecretResponse:
        """Gives a webhook a new secret."""
        self._intake.check_open()
        problems = about(request.request_id, "name", request.name)
        _check_secret(problems, request.secret)
        overlap_us = _OVERLAP_US
        if request.HasField("overlap"):
            overlap_us = problems.duration("overlap", request.overlap, _MOST_OVERLAP_US)
        problems.check()
        book, answer = self._courier.book, webhook_service_pb2.RotateWebhookSecretResponse

        def rotate(commit: Commit) -> webhook_service_pb2.RotateWebhookSecretResponse:
            now_us = commit.now_us
            webhook = book.get(request.name)
            secret = request.secret or new_secret()
            old = webhook.config
            changed = Config(old.shown, old.salt, secret)
            if overlap_us and "webhook_signature_old_secret_dropped" not in self._engine.defects:
                changed.former_secret, changed.former_until_us = old.secret, now_us + overlap_us
            book.change(commit, webhook, changed)
            return answer(webhook=webhook.show(now_us, changed), secret=secret)

        return await self._change("RotateWebhookSecret", request.request_id, answer, rotate)

    async def test_webhook(
        self, request: webhook_service_pb2.TestWebhookRequest
    ) -> webhook_service_pb2.TestWebhookResponse:
        """Sends one request now."""
        self._intake.check_open()
        about("", "name", request.name).check()
        webhook = self._courier.book.get(request.name)
        if self._tests >= MOST_TESTS:
            raise overloaded(f"{MOST_TESTS} trials of webhooks are under way: try again when they are over")
        self._tests += 1
        try:
            transport = await self._courier.transport()
            now_us = self._engine.clock.now_us()
            body = payload.test_body(timestamp(now_us))
            headers = webhook.sign(f"msg_test{secrets.token_hex(16)}", now_us, body)
            url = webhook.config.shown.spec.url
            async with transport.pool(await transport.tls(url)) as pool:
                answer = await transport.post(pool, url, headers, body)
        finally:
            self._tests -= 1
        return webhook_service_pb2.TestWebhookResponse(attempt=attempt_message(answer, now_us))

    async def list_webhook_deliveries(
        self, request: webhook_service_pb2.ListWebhookDeliveriesRequest
    ) -> webhook_service_pb2.ListWebhookDeliveriesResponse:
        """Lists deliveries, newest first."""
        problems = about("", "name", request.name)
        page = Page((b"deliveries", request.name.encode()), request.page_size, request.page_token, problems)
        problems.known_enum("state", request.state, webhook_service_pb2.WebhookDeliveryState)
        problems.check()
        webhook = self._courier.book.get(request.name)
        lower, upper = records.webhook_range(records.DELIVERY, webhook.number)
        if page.position:
            upper = records.delivery_key(webhook.number, page.position)
        answer = webhook_service_pb2.ListWebhookDeliveriesResponse()
        left_at = self._fill(answer, lower, upper, page.size, request.state)
        answer.next_page_token = page.token(left_at) if left_at else ""
        await self._engine.settled()
        return answer

    def _fill(
        self,
        answer: webhook_service_pb2.ListWebhookDeliveriesResponse,
        lower: bytes,
        upper: bytes,
        size: int,
        state: int,
    ) -> bytes:
        """Fills a page from the newest back; returns where the next one begins. Looks at so many entries at most."""
        left_bytes, seen = limits.PAGE_BYTES, 0
        while seen < limits.SCAN_ENTRIES:
            rows = self._engine.columns.webhook_deliveries.scan(lower, upper, limits.DEFAULT_PAGE_SIZE, reverse=True)
            for key, value in rows:
                wanted = state in (0, records.state_of(value))
                if wanted and (len(answer.deliveries) == size or left_bytes <= len(value)):
                    return upper[5:]
                if wanted:
                    answer.deliveries.append(records.Record.unpack(value).shown())
                    left_bytes -= len(value)
                upper = key
            seen += len(rows)
            if len(rows) < limits.DEFAULT_PAGE_SIZE:
                return b""
        return upper[5:]

    async def resend_webhook_delivery(
        self, request: webhook_service_pb2.ResendWebhookDeliveryRequest
    ) -> webhook_service_pb2.ResendWebhookDeliveryResponse:
        """Sends a delivery again."""
        self._intake.check_open()
        problems = about(request.request_id, "name", request.name)
        problems.text("delivery_id", request.delivery_id, limits.NAME_CHARS)
        problems.check()
        answer = webhook_service_pb2.ResendWebhookDeliveryResponse

        def resend(commit: Commit) -> webhook_service_pb2.ResendWebhookDeliveryResponse:
            webhook = self._courier.book.get(request.name)
            at, record = self._find(webhook, request.delivery_id)
            self._courier.outbox.resend(commit, webhook, at, record)
            return answer(delivery=record.shown())

        return await self._change("ResendWebhookDelivery", request.request_id, answer, resend)

    def _find(self, webhook: WebhookState, delivery_id: str) -> tuple[bytes, Record]:
        at = records.place_of_id(delivery_id)
        record = self._courier.outbox.get(webhook, at) if at is not None else None
        if at is None or record is None or record.delivery.id != delivery_id:
            raise webhook_delivery_not_found(delivery_id)
        return at, record

    async def _change(self, method: str, request_id: str, answer: type[A], act: Callable[[Commit], A]) -> A:
        """Carries out a change once for its request id."""
        return await self._engine.submit(
            lambda now_us: dedup.once(self._engine, now_us, method, request_id, answer, act)
        )


def _check_room(book: WebhookBook) -> None:
    if len(book.by_name) >= MOST_WEBHOOKS:
        problems = Problems()
        problems.over("webhook.name", MOST_WEBHOOKS, len(book.by_name) + 1, "webhooks")
        problems.check()


def _replaced(webhook: WebhookState, request: webhook_service_pb2.PutWebhookRequest, now_us: int) -> Config:
    """What a put makes of a webhook that exists. It is no longer gone, and what waits is tried when it is due."""
    old = webhook.config
    shown = webhook_service_pb2.Webhook(
        spec=request.webhook, create_time=old.shown.create_time, update_time=timestamp(now_us)
    )
    if request.secret and request.secret != old.secret:
        return Config(shown, old.salt, request.secret)
    return Config(shown, old.salt, old.secret, old.former_secret, old.former_until_us)


def _check_put(request: webhook_service_pb2.PutWebhookRequest) -> None:
    problems = Problems()
    problems.request_id(request.request_id)
    if not request.HasField("webhook"):
        problems.add("webhook", "must be set")
        problems.check()
    spec = request.webhook
    if not valid_queue(spec.name):
        problems.add("webhook.name", QUEUE_RULE)
    if len(spec.url) > MOST_URL_CHARS:
        problems.over("webhook.url", MOST_URL_CHARS, len(spec.url), "characters")
    elif not _valid_url(spec.url):
        problems.add("webhook.url", _URL_RULE)
    inner = Problems()
    check_event_filter(spec.filter, inner)
    problems.nested("webhook", inner)
    _check_secret(problems, request.secret)
    problems.check()


def _valid_url(url: str) -> bool:
    if not _URL.match(url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return False
    host = parts.hostname
    return parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc and "#" not in url


def _check_secret(problems: Problems, secret: str) -> None:
    if secret and secret_bytes(secret) is None:
        problems.add("secret", _KEY_RULE)
