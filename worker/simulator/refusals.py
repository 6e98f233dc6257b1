"""The API's errors: the documented bodies and headers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.simulator.faults import Fault, FaultName
from worker.simulator.wire import Answer


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of error. code: `error.details.error_code`. final: sends `x-should-retry: false`."""

    status: int
    type: str
    message: str
    code: str | None = None
    final: bool = False


REFUSALS: dict[FaultName, Refusal] = {
    FaultName.BAD_REQUEST: Refusal(400, "invalid_request_error", "messages.0.content: Input should be a valid list"),
    FaultName.UNAUTHORIZED: Refusal(401, "authentication_error", "invalid x-api-key"),
    FaultName.BILLING: Refusal(402, "billing_error", "Your payment method was declined."),
    FaultName.FORBIDDEN: Refusal(403, "permission_error", "Your API key may not use the specified resource."),
    FaultName.NOT_FOUND: Refusal(404, "not_found_error", "model: the requested model does not exist"),
    FaultName.TOO_LARGE: Refusal(413, "request_too_large", "Request exceeds the maximum size"),
    FaultName.RATE_LIMITED: Refusal(429, "rate_limit_error", "This request would exceed your rate limit."),
    FaultName.SPEND_LIMIT: Refusal(
        429, "rate_limit_error", "You have reached your monthly spend limit.", "enforced_spend_limit_reached", True
    ),
    FaultName.INTERNAL: Refusal(500, "api_error", "Internal server error"),
    FaultName.GATEWAY_TIMEOUT: Refusal(504, "timeout_error", "Request timed out"),
    FaultName.OVERLOADED: Refusal(529, "overloaded_error", "Overloaded"),
    FaultName.PROMPT_TOO_LONG: Refusal(
        400, "invalid_request_error", "prompt is too long: 1200000 tokens > 1000000 maximum"
    ),
}

_PAGES = {FaultName.BAD_GATEWAY: (502, b"Bad Gateway"), FaultName.UNAVAILABLE: (503, b"Service Unavailable")}
"""What a gateway answers by itself."""


Refuse = Callable[[Refusal, str, float | str | None], Answer]
"""How a form of API says an error: the refusal, the request's id, and when to come back."""


def invalid(text: str) -> Refusal:
    """A request that is none."""
    return Refusal(400, "invalid_request_error", text)


def refuse(refusal: Refusal, request_id: str, retry_after: float | str | None = None) -> Answer:
    """The error as the API sends it."""
    error: dict[str, Any] = {"type": refusal.type, "message": refusal.message}
    if refusal.code:
        error["details"] = {"error_code": refusal.code}
    headers = {"request-id": request_id, **({"x-should-retry": "false"} if refusal.final else {})}
    body = {"type": "error", "error": error, "request_id": request_id}
    return answered(refusal.status, body, headers, retry_after)


def answered(status: int, body: Any, headers: Mapping[str, str], retry_after: float | str | None) -> Answer:
    """An error's answer, in whatever form."""
    headers = {"content-type": "application/json", **headers}
    if retry_after is not None:
        headers["retry-after"] = f"{retry_after:g}" if isinstance(retry_after, float) else retry_after
    return Answer(status, json.dumps(body).encode(), headers)


def refused_by(fault: Fault, request_id: str, refuse: Refuse) -> Answer | None:
    """The error a fault stands for, in a form's words; None where it does not refuse."""
    if fault.fault is FaultName.HTML_200:
        return Answer(200, b"<html><body>Please sign in</body></html>", {"content-type": "text/html"})
    if fault.fault in (FaultName.ERROR_200, FaultName.STREAM_200):
        return _under_200(fault, request_id, refuse)
    if page := _PAGES.get(fault.fault):
        return Answer(page[0], b"<html><body>%d %s</body></html>" % page, {"content-type": "text/html"})
    name = FaultName.SPEND_LIMIT if fault.spend_limit and fault.fault is FaultName.RATE_LIMITED else fault.fault
    refusal = REFUSALS.get(name)
    return None if refusal is None else refuse(refusal, request_id, fault.retry_after)


def _under_200(fault: Fault, request_id: str, refuse: Refuse) -> Answer:
    """An error that a gateway has let through under its own status."""
    answer = refuse(Refusal(200, fault.error, "by way of a gateway"), request_id, fault.retry_after)
    if fault.fault is FaultName.ERROR_200:
        return answer
    return replace(
        answer,
        body=b"event: ping\ndata: {}\n\nevent: error\ndata: " + answer.body + b"\n\n",
        headers={**answer.headers, "content-type": "text/event-stream"},
    )
