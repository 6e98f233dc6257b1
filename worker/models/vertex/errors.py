"""What each failure of a call to Vertex means that Google itself has answered; the model's own are Anthropic's.

`{"error": {"code", "message", "status", "details"}}`, often in a list of one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from tasks.errors import ModelError
from tasks.reasons import Reason
from worker.models.httpx2_line import MOST_REPLY_BYTES, bounded_wait, retry_after_seconds
from worker.models.json_reading import one_line

_REASONS = {
    "ABORTED": Reason.MODEL_UNAVAILABLE,
    "DEADLINE_EXCEEDED": Reason.MODEL_TIMEOUT,
    "FAILED_PRECONDITION": Reason.MODEL_NOT_FOUND,  # the project may not use this model, or not there
    "INTERNAL": Reason.MODEL_UNAVAILABLE,
    "INVALID_ARGUMENT": Reason.MODEL_REQUEST_INVALID,
    "NOT_FOUND": Reason.MODEL_NOT_FOUND,
    "PERMISSION_DENIED": Reason.MODEL_AUTH,
    "RESOURCE_EXHAUSTED": Reason.MODEL_RATE_LIMITED,
    "UNAUTHENTICATED": Reason.MODEL_AUTH,
    "UNAVAILABLE": Reason.MODEL_OVERLOADED,
}
"""google.rpc.Code."""

_UNPAID_BILL = frozenset({"BILLING_DISABLED", "BILLING_NOT_ACTIVE"})
_TOO_LONG = ("too long", "exceeds the maximum", "payload size")
_DELAY = re.compile(r"\d{1,9}(?:\.\d{1,9})?s")


def google_error(response: httpx2.Response) -> Mapping[str, Any] | None:
    """The error in a response, where it is one of Google's own."""
    try:
        body = json.loads(response.content) if len(response.content) <= MOST_REPLY_BYTES else None
    except (ValueError, RecursionError):
        return None
    first = body[0] if isinstance(body, list) and body else body
    error = first.get("error") if isinstance(first, dict) else None
    return error if isinstance(error, dict) and isinstance(error.get("status"), str) else None


def from_response(response: httpx2.Response, error: Mapping[str, Any]) -> ModelError:
    """error: see `google_error`."""
    reason = _reason(error)
    wait = retry_after_seconds(response.headers)
    return ModelError(
        reason,
        one_line(f"HTTP {response.status_code}", error["status"]),
        maybe_paid=reason is Reason.MODEL_TIMEOUT,
        retry_after_seconds=_retry_info(error) if wait is None else wait,
    )


def _reason(error: Mapping[str, Any]) -> Reason:
    if any(detail.get("reason") in _UNPAID_BILL for detail in _details(error)):
        return Reason.MODEL_SPEND_LIMIT
    reason = _REASONS.get(error["status"], Reason.MODEL_UNAVAILABLE)
    words = str(error.get("message", ""))[:2000].lower()
    too_long = reason is Reason.MODEL_REQUEST_INVALID and any(mark in words for mark in _TOO_LONG)
    return Reason.CONTEXT_EXCEEDED if too_long else reason


def _retry_info(error: Mapping[str, Any]) -> float | None:
    delays = (detail.get("retryDelay") for detail in _details(error))
    given = next((delay for delay in delays if isinstance(delay, str) and _DELAY.fullmatch(delay)), None)
    return None if given is None else bounded_wait(float(given[:-1]))


def _details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found = error.get("details")
    yield from (each for each in (found if isinstance(found, list) else ()) if isinstance(each, dict))
