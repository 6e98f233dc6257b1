"""Failures are read by what a server says of them, under whatever status."""

import json
from typing import Any

import pytest

from tasks.errors import ModelError
from tasks.reasons import Reason
from tests.worker.models.openai.replies import read, under
from worker.models.httpx2_failures import from_response

FAILURES: list[tuple[int, Any, Reason, bool]] = [
    (400, {"message": "maximum context length is 8192 tokens"}, Reason.CONTEXT_EXCEEDED, False),
    (400, {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"},
     Reason.CONTEXT_EXCEEDED, False),
    (400, {"code": "content_filter", "message": "filtered"}, Reason.MODEL_REFUSED, False),
    (400, {"message": "bad", "type": "invalid_request_error"}, Reason.MODEL_REQUEST_INVALID, False),
    (401, {"message": "no"}, Reason.MODEL_AUTH, False),
    (402, {"message": "Insufficient Balance"}, Reason.MODEL_SPEND_LIMIT, False),
    (404, {"message": "model not found"}, Reason.MODEL_NOT_FOUND, False),
    (407, None, Reason.MODEL_UNAVAILABLE, False),
    (421, None, Reason.MODEL_UNAVAILABLE, False),
    (422, {"message": "bad"}, Reason.MODEL_REQUEST_INVALID, False),
    (451, {"message": "not from here"}, Reason.MODEL_UNAVAILABLE, False),
    (429, {"message": "your quota", "type": "insufficient_quota"}, Reason.MODEL_SPEND_LIMIT, False),
    (429, {"message": "slow down", "type": "requests"}, Reason.MODEL_RATE_LIMITED, False),
    (500, {"message": "oops", "type": "server_error"}, Reason.MODEL_UNAVAILABLE, False),
    (500, "upstream", Reason.MODEL_UNAVAILABLE, True),
    (503, {"message": "Loading model", "type": "unavailable_error"}, Reason.MODEL_OVERLOADED, False),
    (503, {"message": "The engine is currently overloaded", "type": "server_error"}, Reason.MODEL_OVERLOADED, False),
    (504, {"message": "late", "type": "server_error"}, Reason.MODEL_TIMEOUT, True),
    (529, None, Reason.MODEL_OVERLOADED, True),
]  # fmt: skip


@pytest.mark.parametrize(("status", "error", "reason", "paid"), FAILURES, ids=range(len(FAILURES)))
def test_a_failure_is_read_by_code_and_status_and_by_words_where_there_is_no_code(
    status: int, error: Any, reason: Reason, paid: bool
) -> None:
    found = from_response(under(status, {"error": error}))
    assert (found.reason, found.maybe_paid) == (reason, paid)
    assert found.detail.startswith(f"HTTP {status}")


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[" * 100_000, b"[]", b'{"error":[]}', b'{"error":{"code":[],"type":{},"message":7}}']
, ids=range(6))  # fmt: skip
def test_whatever_a_gateway_says_its_status_is_read(body: bytes) -> None:
    assert from_response(under(502, body)).reason is Reason.MODEL_UNAVAILABLE


UNDER_200 = [
    ({"code": 429, "message": "x"}, Reason.MODEL_RATE_LIMITED, False),
    ({"code": 402, "message": "x"}, Reason.MODEL_SPEND_LIMIT, False),
    ({"code": 502, "message": "x"}, Reason.MODEL_UNAVAILABLE, True),
    ({"code": "insufficient_quota"}, Reason.MODEL_SPEND_LIMIT, False),
    ({"message": "x"}, Reason.MODEL_UNAVAILABLE, True),
    ("something", Reason.MODEL_UNAVAILABLE, True),
]


@pytest.mark.parametrize(("error", "reason", "paid"), UNDER_200, ids=range(len(UNDER_200)))
def test_an_error_under_status_200_is_read_by_its_code(error: Any, reason: Reason, paid: bool) -> None:
    said = json.dumps({"error": error}).encode()
    for body in (said, b"event: error\ndata: " + said + b"\n\n"):
        with pytest.raises(ModelError) as caught:
            read(under(200, body, {"retry-after": "7"}))
        found = caught.value
        assert (found.reason, found.maybe_paid, found.retry_after_seconds) == (reason, paid, 7)


def test_an_error_after_a_reply_has_begun_may_have_been_paid() -> None:
    error = {"code": 429, "message": "x"}
    bodies = [
        json.dumps({"choices": [{"message": {"content": "The"}, "finish_reason": "error", "error": error}]}).encode(),
        b'data: {"choices":[{"delta":{}}]}\n\ndata: ' + json.dumps({"error": error}).encode() + b"\n\n",
    ]
    for body in bodies:
        with pytest.raises(ModelError) as caught:
            read(under(200, body))
        assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MODEL_RATE_LIMITED, True)


HINTS: list[tuple[dict[str, str], float | None]] = [
    ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
    ({"retry-after": "9"}, 9.0),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0.5s"}, 360.5),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
    ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon"}, None),
    ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1h"}, None),
    ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1000000h"}, 24 * 3600.0),
]


@pytest.mark.parametrize(("headers", "seconds"), HINTS, ids=range(len(HINTS)))
def test_each_hint_of_when_to_come_back_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert from_response(under(429, {}, headers)).retry_after_seconds == seconds
