"""What each failure of a call to Bedrock means. It names its exceptions in a header, and says `{"message"}`."""

import json

import httpx2

from tasks.errors import ModelError
from tasks.reasons import Reason
from worker.models.httpx2_line import MOST_REPLY_BYTES, retry_after_seconds
from worker.models.json_reading import one_line

_REASONS = {
    "AccessDeniedException": Reason.MODEL_AUTH,
    "ExpiredTokenException": Reason.MODEL_AUTH,
    "IncompleteSignature": Reason.MODEL_AUTH,
    "InvalidSignatureException": Reason.MODEL_AUTH,
    "MissingAuthenticationTokenException": Reason.MODEL_AUTH,
    "UnrecognizedClientException": Reason.MODEL_AUTH,
    "InternalServerException": Reason.MODEL_UNAVAILABLE,
    "ModelErrorException": Reason.MODEL_UNAVAILABLE,
    "ModelNotReadyException": Reason.MODEL_OVERLOADED,
    "ModelTimeoutException": Reason.MODEL_TIMEOUT,
    "ResourceNotFoundException": Reason.MODEL_NOT_FOUND,
    "ServiceQuotaExceededException": Reason.MODEL_RATE_LIMITED,
    "ServiceUnavailableException": Reason.MODEL_OVERLOADED,
    "ThrottlingException": Reason.MODEL_RATE_LIMITED,
    "ValidationException": Reason.MODEL_REQUEST_INVALID,
}
"""botocore's bedrock-runtime, service-2.json, and the errors common to AWS's services."""

_IN_WORDS = (
    (("too long", "too many input tokens", "context window"), Reason.CONTEXT_EXCEEDED),
    (("invalid_payment_instrument", "too many tokens per day"), Reason.MODEL_SPEND_LIMIT),
    (("on-demand throughput", "model identifier is invalid", "end of its life"), Reason.MODEL_NOT_FOUND),
    (("operation not allowed",), Reason.MODEL_AUTH),
)
"""What an exception's name does not say: these are the same for every ticket, but for the first."""

_WORKED = frozenset({"ModelErrorException", "ModelTimeoutException"})
"""The model had begun, and may have been paid for."""


def kind_of(response: httpx2.Response) -> str:
    """The exception that a response is; "" for a reply, or for what no server of Amazon's has said."""
    return str(response.headers.get("x-amzn-errortype", "")).partition(":")[0]


def from_response(response: httpx2.Response) -> ModelError:
    """A response with a kind."""
    kind = kind_of(response)
    named = response.headers.get("x-amzn-requestid", "")
    return ModelError(
        _reason(kind, response),
        one_line(f"HTTP {response.status_code}", kind, f"request {named}" if named else ""),
        maybe_paid=kind in _WORKED or response.status_code == 504,
        retry_after_seconds=retry_after_seconds(response.headers),
    )


def _reason(kind: str, response: httpx2.Response) -> Reason:
    if response.status_code == 413:
        return Reason.CONTEXT_EXCEEDED
    words = _message(response).lower()
    for marks, reason in _IN_WORDS:
        if any(mark in words for mark in marks):
            return reason
    return _REASONS.get(kind, Reason.MODEL_UNAVAILABLE)


def _message(response: httpx2.Response) -> str:
    if len(response.content) > MOST_REPLY_BYTES:
        return ""
    try:
        said = json.loads(response.content)["message"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""
