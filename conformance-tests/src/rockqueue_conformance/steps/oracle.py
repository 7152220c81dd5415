"""What must hold of every delivery in every case, whatever the case itself expects."""

from __future__ import annotations

import base64
from typing import Any, cast

Data = dict[str, Any]

_OF_WEBHOOKS = "WebhookService.ListWebhookDeliveries"
"""Its deliveries are of events, not of jobs."""

LONGEST_TOKEN_BYTES = 64
"""As `Delivery.lease_token` has it."""


class DeliveryOracle:
    """Watches deliveries go by: lease tokens are short and never repeated, attempts of a job strictly grow."""

    def __init__(self) -> None:
        self.flaws: list[str] = []
        self._tokens: set[str] = set()
        self._attempts: dict[str, int] = {}

    def look(self, frame: Data) -> None:
        """Looks at one received message; what is wrong is added to `flaws`."""
        for name, content in frame.items():
            if isinstance(content, dict) and name != _OF_WEBHOOKS:
                self._deliveries(cast(Data, content).get("deliveries", []))

    def _deliveries(self, found: Any) -> None:
        nested = cast(Data, found).get("deliveries", []) if isinstance(found, dict) else found
        for delivery in cast(list[Data], nested):
            self._delivery(delivery)

    def _delivery(self, delivery: Data) -> None:
        job_id, token, attempt = delivery["job_id"], delivery["lease_token"], int(delivery["attempt"])
        if not 1 <= len(base64.b64decode(token)) <= LONGEST_TOKEN_BYTES:
            self.flaws.append(f"the lease token of job {job_id} is not 1 to 64 bytes long")
        if token in self._tokens:
            self.flaws.append(f"job {job_id} was delivered with a lease token that was used before")
        self._tokens.add(token)
        if attempt <= self._attempts.get(job_id, 0):
            self.flaws.append(f"job {job_id} was delivered as attempt {attempt} after {self._attempts[job_id]}")
        self._attempts[job_id] = attempt
