"""What each failure of a call to the Messages API means: a reason, whether it may be charged, and when to come back."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from tasks.errors import ModelError
from tasks.reasons import Reason
from worker.models.httpx2_line import MOST_REPLY_BYTES, OF_THE_REQUEST, retry_after_seconds
from worker.models.json_reading import one_line

_SPEND_LIMITS = {
    "contract_spend_limit_reached",
    "enforced_spend_limit_reached",
    "linked_organization_spend_limit_reached",
    "linked_organization_billing_unavailable",
}
"""`error_code`s that waiting for the next minute does not cure (anthropic 2.12, types/shared/*_error_details.py)."""

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The API's error types and the statuses they come with."""

_REASONS = {
    401: Reason.MODEL_AUTH,
    403: Reason.MODEL_AUTH,
    404: Reason.MODEL_NOT_FOUND,
    405: Reason.MODEL_NOT_FOUND,
    410: Reason.MODEL_NOT_FOUND,
    408: Reason.MODEL_TIMEOUT,
    504: Reason.MODEL_TIMEOUT,
    529: Reason.MODEL_OVERLOADED,
}

_TOO_LONG = ("prompt is too long", "exceed context limit", "context window")
_NO_CREDIT = "credit balance is too low"
_FIELD = re.compile(r"^[a-z_]+(?:\.[a-z0-9_]+)*(?=:)")


@dataclass(frozen=True, slots=True)
class _Said:
    """What an error says of itself, as far as it does: a gateway may put anything in its place.

    final: whether the same call is refused whenever it comes.
    """

    status: int
    type: Any
    code: str | None
    message: str
    request: str | None
    final: bool

    @classmethod
    def of(cls, response: httpx2.Response, body: Any) -> "_Said":
        error = _within(body, "error")
        code, message = _within(_within(error, "details"), "error_code"), _within(error, "message")
        return cls(
            response.status_code,
            _within(error, "type"),
            code if isinstance(code, str) else None,
            message if isinstance(message, str) else "",
            response.headers.get("request-id"),
            response.headers.get("x-should-retry") == "false",
        )


def _within(said: Any, name: str) -> Any:
    return said.get(name) if isinstance(said, Mapping) else None


def from_response(response: httpx2.Response) -> ModelError:
    """An answer with another status than success."""
    try:
        body = json.loads(response.content) if len(response.content) <= MOST_REPLY_BYTES else None
    except (ValueError, RecursionError):
        body = None
    error = _Said.of(response, body)
    return ModelError(
        _reason(error, error.status),
        _detail(error),
        maybe_paid=_maybe_paid(error),
        retry_after_seconds=retry_after_seconds(response.headers),
    )


def error_in(response: httpx2.Response, body: Any, *, begun: bool) -> ModelError:
    """An error under status 200, as gateways send it: read by its type, as if it had come with its own status.

    body: an error object of the API. begun: whether a reply had begun before it, which is paid for.
    """
    error = _Said.of(response, body)
    status = STATUSES.get(str(error.type), 502)
    return ModelError(
        _reason(error, status),
        _detail(error),
        maybe_paid=begun or status in (502, 504),
        retry_after_seconds=retry_after_seconds(response.headers),
    )


def _reason(error: _Said, status: int) -> Reason:
    message = error.message.lower()
    if status == 402 or error.code in _SPEND_LIMITS or _NO_CREDIT in message:
        return Reason.MODEL_SPEND_LIMIT
    if status == 429:
        final = error.final
        return Reason.MODEL_SPEND_LIMIT if final else Reason.MODEL_RATE_LIMITED
    if status == 413 or (status == 400 and any(words in message for words in _TOO_LONG)):
        return Reason.CONTEXT_EXCEEDED
    return _REASONS.get(status, Reason.MODEL_REQUEST_INVALID if status in OF_THE_REQUEST else Reason.MODEL_UNAVAILABLE)


def _maybe_paid(error: _Said) -> bool:
    """Only a server-side failure can hide a finished call: when it is a gateway's word and not the API's own."""
    if error.status < 500:
        return False
    return error.status == 504 or error.type is None


def _detail(error: _Said) -> str:
    """Status, type, code, field and request id. The API's message stays out: it may quote the conversation."""
    field = _FIELD.match(error.message)
    parts = (
        f"HTTP {error.status}",
        error.type,
        error.code,
        f"at {field[0]}" if field else None,
        f"request {error.request}" if error.request else None,
    )
    return one_line(*parts)
