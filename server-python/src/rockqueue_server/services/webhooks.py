"""WebhookService: looks after webhooks. `rockqueue/v1/webhook_service.proto` is the specification."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from bisect import bisect_right
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import grpc

from rockqueue.v1 import webhook_service_pb2
from rockqueue_server.contract import limits
from rockqueue_server.contract.problems import QUEUE_RULE, Problems, valid_queue
from rockqueue_server.contract.times import timestamp
from rockqueue_server.engine import dedup
from rockqueue_server.errors import ServiceError, overloaded
from rockqueue_server.services.events import check_event_filter
from rockqueue_server.webhooks import payload, records
from rockqueue_server.webhooks.book import MOST_WEBHOOKS
from rockqueue_server.webhooks.records import Config
from rockqueue_server.webhooks.sender import attempt_message
from rockqueue_server.webhooks.signing import new_secret, secret_bytes

if TYPE_CHECKING:
    from rockqueue_server.engine.engine import Engine
    from rockqueue_server.services.intake import Intake
    from rockqueue_server.webhooks.book import WebhookState
    from rockqueue_server.webhooks.courier import Courier
    from rockqueue_server.webhooks.records import Record

MOST_URL_CHARS = 2048
MOST_TESTS = 32
"""Trials under way at once."""
_MOST_OVERLAP_US = 30 * limits.DAY_US
_OVERLAP_US = limits.DAY_US
_KEY_RULE = 'must be "whsec_" and the base64 of 24 to 64 bytes, or empty'
_URL_RULE = "must be an http:// or https:// URL in ASCII without user, password and fragment"
_URL = re.compile(r"[\x21-\x7e]+\Z")
_PLACE_TOKEN = re.compile(r"[0-9a-f]{24}\Z")


def delivery_not_found(delivery_id: str) -> ServiceError:
    """WEBHOOK_DELIVERY_NOT_FOUND for the id as the caller wrote it."""
    return ServiceError(
        grpc.StatusCode.NOT_FOUND,
        "WEBHOOK_DELIVERY_NOT_FOUND",
        f"no delivery {delivery_id!r} in the log: it was never made, or is no longer kept",
        {"delivery_id": delivery_id},
    )


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
        engine, book = self._engine, self._courier.book

        def put(now_us: int) -> webhook_service_pb2.PutWebhookResponse:
            answer = webhook_service_pb2.PutWebhookResponse
            first = dedup.first_answer(engine, "PutWebhook", request.request_id, answer)
            if first is not None:
                return first
            commit = engine.commit(now_us)
            webhook = book.by_name.get(request.webhook.name)
            made = ""
            if webhook is None:
                self._check_room()
                made = "" if request.secret else new_secret()
                webhook = book.make(commit, request.webhook, request.secret or made)
                response = answer(webhook=webhook.show(now_us), created=True, secret=made)
            else:
                changed = _replaced(webhook, request, now_us)
                book.change(commit, webhook, changed)
                response = answer(webhook=webhook.show(now_us, changed))
            dedup.remember(commit, "PutWebhook", request.request_id, response)
            commit.write()
            self._courier.go_on(webhook)
            return response

        return await engine.submit(put)

    async def get_webhook(
        self, request: webhook_service_pb2.GetWebhookRequest
    ) -> webhook_service_pb2.GetWebhookResponse:
        """Returns one webhook."""
        _check_name("", request.name)
        webhook = self._courier.book.get(request.name)
        answer = webhook_service_pb2.GetWebhookResponse(webhook=webhook.show(self._engine.clock.now_us()))
        await self._engine.settled()
        return answer

    async def list_webhooks(
        self, request: webhook_service_pb2.ListWebhooksRequest
    ) -> webhook_service_pb2.ListWebhooksResponse:
        """Lists webhooks by name."""
        problems = Problems()
        size = _page_size(problems, request.page_size)
        after = ""
        if request.page_token:
            try:
                after = base64.b64decode(request.page_token, altchars=b"-_", validate=True).decode()
            except (binascii.Error, ValueError):
                problems.add("page_token", "must be the next_page_token of an earlier page")
        problems.check()
        by_name, now_us = self._courier.book.by_name, self._engine.clock.now_us()
        names = sorted(by_name)
        start = bisect_right(names, after)
        answer = webhook_service_pb2.ListWebhooksResponse()
        answer.webhooks.extend(by_name[name].show(now_us) for name in names[start : start + size])
        if start + size < len(names):
            answer.next_page_token = base64.urlsafe_b64encode(names[start + size - 1].encode()).decode()
        await self._engine.settled()
        return answer

    async def delete_webhook(
        self, request: webhook_service_pb2.DeleteWebhookRequest
    ) -> webhook_service_pb2.DeleteWebhookResponse:
        """Removes a webhook."""
        self._intake.check_open()
        _check_name(request.request_id, request.name)
        engine, book = self._engine, self._courier.book

        def delete(now_us: int) -> webhook_service_pb2.DeleteWebhookResponse:
            answer = webhook_service_pb2.DeleteWebhookResponse
            first = dedup.first_answer(engine, "DeleteWebhook", request.request_id, answer)
            if first is not None:
                return first
            webhook = book.get(request.name)
            commit = engine.commit(now_us)
            book.remove(commit, webhook)
            dedup.remember(commit, "DeleteWebhook", request.request_id, answer())
            commit.write()
            self._courier.go_on(webhook)
            return answer()

        return await engine.submit(delete)

    async def rotate_webhook_secret(
        self, request: webhook_service_pb2.RotateWebhookSecretRequest
    ) -> webhook_service_pb2.RotateWebhookSecretResponse:
        """Gives a webhook a new secret."""
        self._intake.check_open()
        problems = _name_problems(request.request_id, request.name)
        _check_secret(problems, request.secret)
        overlap_us = _OVERLAP_US
        if request.HasField("overlap"):
            overlap_us = problems.duration("overlap", request.overlap, _MOST_OVERLAP_US)
        problems.check()
        engine, book = self._engine, self._courier.book

        def rotate(now_us: int) -> webhook_service_pb2.RotateWebhookSecretResponse:
            answer = webhook_service_pb2.RotateWebhookSecretResponse
            first = dedup.first_answer(engine, "RotateWebhookSecret", request.request_id, answer)
            if first is not None:
                return first
            webhook = book.get(request.name)
            secret = request.secret or new_secret()
            old = webhook.config
            changed = Config(old.shown, old.salt, secret)
            if overlap_us and "webhook_signature_old_secret_dropped" not in engine.defects:
                changed.former_secret, changed.former_until_us = old.secret, now_us + overlap_us
            commit = engine.commit(now_us)
            book.change(commit, webhook, changed)
            response = answer(webhook=webhook.show(now_us, changed), secret=secret)
            dedup.remember(commit, "RotateWebhookSecret", request.request_id, response)
            commit.write()
            return response

        return await engine.submit(rotate)

    async def test_webhook(
        self, request: webhook_service_pb2.TestWebhookRequest
    ) -> webhook_service_pb2.TestWebhookResponse:
        """Sends one request now."""
        self._intake.check_open()
        _check_name("", request.name)
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
        problems = _name_problems("", request.name)
        size = _page_size(problems, request.page_size)
        problems.known_enum("state", request.state, webhook_service_pb2.WebhookDeliveryState)
        if request.page_token and not _PLACE_TOKEN.match(request.page_token):
            problems.add("page_token", "must be the next_page_token of an earlier page")
        problems.check()
        webhook = self._courier.book.get(request.name)
        lower, upper = records.webhook_range(records.DELIVERY, webhook.number)
        if request.page_token:
            upper = records.delivery_key(webhook.number, bytes.fromhex(request.page_token))
        answer = webhook_service_pb2.ListWebhookDeliveriesResponse()
        answer.next_page_token = self._fill(answer, lower, upper, size, request.state)
        await self._engine.settled()
        return answer

    def _fill(
        self,
        answer: webhook_service_pb2.ListWebhookDeliveriesResponse,
        lower: bytes,
        upper: bytes,
        size: int,
        state: int,
    ) -> str:
        """Fills a page from the newest back; returns the token of the next one. Looks at so many entries at most."""
        left_bytes, seen = limits.PAGE_BYTES, 0
        while seen < limits.SCAN_ENTRIES:
            rows = self._engine.columns.webhook_deliveries.scan(lower, upper, limits.DEFAULT_PAGE_SIZE, reverse=True)
            for key, value in rows:
                wanted = state in (0, records.state_of(value))
                if wanted and (len(answer.deliveries) == size or left_bytes <= len(value)):
                    return upper[5:].hex()
                if wanted:
                    answer.deliveries.append(records.Record.unpack(value).shown())
                    left_bytes -= len(value)
                upper = key
            seen += len(rows)
            if len(rows) < limits.DEFAULT_PAGE_SIZE:
                return ""
        return upper[5:].hex()

    async def resend_webhook_delivery(
        self, request: webhook_service_pb2.ResendWebhookDeliveryRequest
    ) -> webhook_service_pb2.ResendWebhookDeliveryResponse:
        """Sends a delivery again."""
        self._intake.check_open()
        problems = _name_problems(request.request_id, request.name)
        problems.text("delivery_id", request.delivery_id, limits.NAME_CHARS)
        problems.check()
        engine, outbox = self._engine, self._courier.outbox

        def resend(now_us: int) -> webhook_service_pb2.ResendWebhookDeliveryResponse:
            answer = webhook_service_pb2.ResendWebhookDeliveryResponse
            first = dedup.first_answer(engine, "ResendWebhookDelivery", request.request_id, answer)
            if first is not None:
                return first
            webhook = self._courier.book.get(request.name)
            at, record = self._find(webhook, request.delivery_id)
            commit = engine.commit(now_us)
            outbox.resend(commit, webhook, at, record)
            response = answer(delivery=record.shown())
            dedup.remember(commit, "ResendWebhookDelivery", request.request_id, response)
            commit.write()
            return response

        return await engine.submit(resend)

    def _find(self, webhook: WebhookState, delivery_id: str) -> tuple[bytes, Record]:
        at = records.place_of_id(delivery_id)
        record = self._courier.outbox.get(webhook, at) if at is not None else None
        if at is None or record is None or record.delivery.id != delivery_id:
            raise delivery_not_found(delivery_id)
        return at, record

    def _check_room(self) -> None:
        count = len(self._courier.book.by_name)
        if count >= MOST_WEBHOOKS:
            problems = Problems()
            problems.over("webhook.name", MOST_WEBHOOKS, count + 1, "webhooks")
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


def _name_problems(request_id: str, name: str) -> Problems:
    problems = Problems()
    problems.request_id(request_id)
    problems.queue("name", name)
    return problems


def _check_name(request_id: str, name: str) -> None:
    _name_problems(request_id, name).check()


def _page_size(problems: Problems, size: int) -> int:
    if size < 0:
        problems.add("page_size", "must be 0 or more")
    return min(size or limits.DEFAULT_PAGE_SIZE, limits.PAGE_SIZE)
