"""What each failure of a call to the Messages API means: a reason, whether it may be charged, and when to come back."""

import json
import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx2
from anthropic import APIStatusError

from tasks.errors import ModelError
from tasks.reasons import Reason

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
    410: Reason.MODEL_NOT_FOUND,
    408: Reason.MODEL_TIMEOUT,
    504: Reason.MODEL_TIMEOUT,
    529: Reason.MODEL_OVERLOADED,
}

MOST_REPLY_BYTES = 4 * 1024 * 1024
"""Of a reply that is read: many times what `max_tokens` lets a model say. More is a gateway's, and no reply."""

LONGEST_RETRY_AFTER_SECONDS = 24 * 3600.0
"""A longer one is a proxy's or a broken clock's: the breaker would keep the whole fleet from the model for as long."""

_TOO_LONG = ("prompt is too long", "exceed context limit", "context window")
_NO_CREDIT = "credit balance is too low"
_FIELD = re.compile(r"^[a-z_]+(?:\.[a-z0-9_]+)*(?=:)")

_NEVER_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    httpx2.ConnectTimeout,
    httpx2.InvalidURL,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
TRANSPORT = (aiohttp.ClientError, httpx2.HTTPError, httpx2.InvalidURL, OSError, EOFError, TimeoutError)
"""What a transport raises; anything else is not of the call."""


def from_transport(error: Exception) -> ModelError:
    """No answer came."""
    causes = [error, *_causes(error)]
    name = type(causes[-1]).__name__
    if any(isinstance(cause, _NEVER_SENT) for cause in causes):
        return ModelError(Reason.MODEL_UNAVAILABLE, f"the model API could not be reached ({name})", maybe_paid=False)
    if isinstance(error, httpx2.TimeoutException):
        return ModelError(Reason.MODEL_TIMEOUT, f"the model API went silent ({name})", maybe_paid=True)
    return ModelError(
        Reason.MODEL_UNAVAILABLE, f"the connection was lost before the reply was complete ({name})", maybe_paid=True
    )


def from_response(response: httpx2.Response) -> ModelError:
    """An answer with another status than success."""
    try:
        body = json.loads(response.content) if len(response.content) <= MOST_REPLY_BYTES else None
    except (ValueError, RecursionError):
        body = None
    error = APIStatusError("", response=response, body=body)
    return ModelError(
        _reason(error, error.status_code),
        _detail(error),
        maybe_paid=_maybe_paid(error),
        retry_after_seconds=_retry_after_seconds(response.headers),
    )


def error_in(response: httpx2.Response, body: Any, *, begun: bool) -> ModelError:
    """An error under status 200, as gateways send it: read by its type, as if it had come with its own status.

    body: an error object of the API. begun: whether a reply had begun before it, which is paid for.
    """
    error = APIStatusError("", response=response, body=body)
    status = STATUSES.get(str(error.type), 502)
    return ModelError(
        _reason(error, status),
        _detail(error),
        maybe_paid=begun or status in (502, 504),
        retry_after_seconds=_retry_after_seconds(response.headers),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _reason(error: APIStatusError, status: int) -> Reason:
    message = _message(error).lower()
    if status == 402 or error.error_code in _SPEND_LIMITS or _NO_CREDIT in message:
        return Reason.MODEL_SPEND_LIMIT
    if status == 429:
        final = error.response.headers.get("x-should-retry") == "false"
        return Reason.MODEL_SPEND_LIMIT if final else Reason.MODEL_RATE_LIMITED
    if status == 413 or (status == 400 and any(words in message for words in _TOO_LONG)):
        return Reason.CONTEXT_EXCEEDED
    transient = status >= 500 or status < 400 or status == 409
    return _REASONS.get(status, Reason.MODEL_UNAVAILABLE if transient else Reason.MODEL_REQUEST_INVALID)


def _message(error: APIStatusError) -> str:
    """A gateway may put anything in its place."""
    return error.api_message if isinstance(error.api_message, str) else ""


def _maybe_paid(error: APIStatusError) -> bool:
    """Only a server-side failure can hide a finished call: when it is a gateway's word and not the API's own."""
    if error.status_code < 500:
        return False
    return error.status_code == 504 or error.type is None


def _detail(error: APIStatusError) -> str:
    """Status, type, code, field and request id. The API's message stays out: it may quote the conversation."""
    field = _FIELD.match(_message(error))
    parts = (
        f"HTTP {error.status_code}",
        error.type,
        error.error_code,
        f"at {field[0]}" if field else None,
        f"request {error.request_id}" if error.request_id else None,
    )
    said = " ".join(str(part)[:120] for part in parts if part)
    return said.encode(errors="replace").decode()  # half a surrogate pair could not be stored


def _retry_after_seconds(headers: httpx2.Headers) -> float | None:
    """`retry-after` in seconds or as an HTTP date; bounded, never negative; None where it says nothing usable."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", value):
        return min(float(value), LONGEST_RETRY_AFTER_SECONDS)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER_SECONDS)
