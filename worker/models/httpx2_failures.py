"""What each failure of a call to an API of OpenAI's kind means: a reason, whether it may be charged, and when to retry.

Their servers agree on `{"error": {"message", "type", "code"}}` and on little else; the status decides, and the
code where it says more.
"""

import json
import re
from typing import Any

import httpx2

from tasks.errors import ModelError
from tasks.reasons import Reason
from worker.models.httpx2_line import MOST_REPLY_BYTES, OF_THE_REQUEST, bounded_wait, retry_after_seconds
from worker.models.json_reading import one_line, streamed

_REASONS = {
    401: Reason.MODEL_AUTH,
    402: Reason.MODEL_SPEND_LIMIT,
    403: Reason.MODEL_AUTH,
    404: Reason.MODEL_NOT_FOUND,
    405: Reason.MODEL_NOT_FOUND,
    408: Reason.MODEL_TIMEOUT,
    410: Reason.MODEL_NOT_FOUND,
    413: Reason.CONTEXT_EXCEEDED,
    429: Reason.MODEL_RATE_LIMITED,
    501: Reason.MODEL_NOT_FOUND,
    504: Reason.MODEL_TIMEOUT,
    529: Reason.MODEL_OVERLOADED,
}

_CODES = {
    "insufficient_quota": Reason.MODEL_SPEND_LIMIT,
    "billing_hard_limit_reached": Reason.MODEL_SPEND_LIMIT,
    "billing_not_active": Reason.MODEL_SPEND_LIMIT,
    "context_length_exceeded": Reason.CONTEXT_EXCEEDED,
    "exceed_context_size_error": Reason.CONTEXT_EXCEEDED,
    "content_filter": Reason.MODEL_REFUSED,
    "content_policy_violation": Reason.MODEL_REFUSED,
    "invalid_api_key": Reason.MODEL_AUTH,
    "model_not_found": Reason.MODEL_NOT_FOUND,
    "rate_limit_exceeded": Reason.MODEL_RATE_LIMITED,
    "server_is_overloaded": Reason.MODEL_OVERLOADED,
}
"""Codes and types, OpenAI's and Azure's and llama.cpp's, that say more than their status."""

_IN_WORDS = (
    (("context length", "context window", "context size", "prompt is too long"), Reason.CONTEXT_EXCEEDED),
    (("overloaded", "no available capacity", "loading model"), Reason.MODEL_OVERLOADED),
    (("insufficient balance", "insufficient credit", "exceeded your current quota"), Reason.MODEL_SPEND_LIMIT),
)
"""What servers without codes write."""

_RESETS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?")
_LIMITS = ("requests", "tokens")


def from_response(response: httpx2.Response) -> ModelError:
    """An answer with another status than success."""
    try:
        body = json.loads(response.content) if len(response.content) <= MOST_REPLY_BYTES else None
    except (ValueError, RecursionError):
        body = None
    error = body.get("error", body) if isinstance(body, dict) else None
    return _read(response, error, response.status_code, paid=response.status_code >= 500 and not _ours(error))


def error_in(response: httpx2.Response, error: Any, *, begun: bool) -> ModelError:
    """An error under status 200, as gateways send it: its code, where it is a status, or its type says which.

    begun: whether a reply had begun before it, which is paid for.
    """
    code = error.get("code") if isinstance(error, dict) else None
    status = code if type(code) is int and 400 <= code <= 599 else 502
    return _read(response, error, status, paid=begun or (status in (502, 504) and not _known(error)))


def streamed_error(response: httpx2.Response) -> ModelError | None:
    """The error in a stream of server-sent events, which nobody asked for; None where there is none."""
    begun = False
    for event in streamed(response.content):
        if isinstance(event, dict) and event.get("error"):
            return error_in(response, event["error"], begun=begun)
        begun = begun or (isinstance(event, dict) and "choices" in event)
    return None


def _read(response: httpx2.Response, error: Any, status: int, *, paid: bool) -> ModelError:
    said = error if isinstance(error, dict) else {"message": error if isinstance(error, str) else ""}
    return ModelError(
        _reason(said, status),
        one_line(f"HTTP {response.status_code}", said.get("type"), said.get("code"), _request_id(response)),
        maybe_paid=paid or status == 504,
        retry_after_seconds=_wait(response.headers),
    )


def _reason(error: dict[str, Any], status: int) -> Reason:
    if known := _known(error):
        return known
    words = str(error.get("message", ""))[:2000].lower()
    if status in (400, 402, 422, 429, 500, 503):
        for marks, reason in _IN_WORDS:
            if any(mark in words for mark in marks):
                return reason
    return _REASONS.get(status, Reason.MODEL_REQUEST_INVALID if status in OF_THE_REQUEST else Reason.MODEL_UNAVAILABLE)


def _known(error: Any) -> Reason | None:
    named = (error.get("code"), error.get("type")) if isinstance(error, dict) else ()
    return next((_CODES[name] for name in named if isinstance(name, str) and name in _CODES), None)


def _ours(error: Any) -> bool:
    """Whether the API itself speaks, and not a gateway in front of it, which may hide a call that was finished."""
    return isinstance(error, dict) and isinstance(error.get("type"), str)


def _request_id(response: httpx2.Response) -> str:
    found = response.headers.get("x-request-id", "")
    return f"request {found}" if found else ""


def _wait(headers: httpx2.Headers) -> float | None:
    """`retry-after-ms`, `retry-after`, or when the limit that is used up is free again (`6m0s`, `20ms`)."""
    if re.fullmatch(r"\d+(?:\.\d+)?", milliseconds := headers.get("retry-after-ms", "").strip()):
        return bounded_wait(float(milliseconds) / 1000)
    if (seconds := retry_after_seconds(headers)) is not None:
        return seconds
    spent = [limit for limit in _LIMITS if headers.get(f"x-ratelimit-remaining-{limit}", "").strip() == "0"]
    resets = [_seconds(headers.get(f"x-ratelimit-reset-{limit}", "").strip()) for limit in spent]
    return max((reset for reset in resets if reset is not None), default=None)


def _seconds(reset: str) -> float | None:
    match = _RESETS.fullmatch(reset)
    if match is None or not reset:
        return None
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in match.groups())
    return bounded_wait(hours * 3600 + minutes * 60 + seconds + milliseconds / 1000)
