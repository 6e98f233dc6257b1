"""The Messages API where a cloud hosts it: Bedrock's `/model/ID/invoke` and Vertex's `.../models/ID:rawPredict`.

The URL names the model and the body the API's version; what a model says is the Messages API's, and who refuses is
mostly the cloud.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from worker.simulator.conversation import Conversation, read_conversation
from worker.simulator.faults import FaultName
from worker.simulator.form import Form, Payload, bearer_key
from worker.simulator.messages_form import MessagesForm
from worker.simulator.refusals import REFUSALS, Refusal, answered, invalid
from worker.simulator.wire import Answer, HttpRequest

_SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/\d{8}/[^/ ]+/bedrock/aws4_request, "
    r"SignedHeaders=[^ ]+, Signature=[0-9a-f]{64}"
)
_UNREADABLE = ("model", "stream")
"""Fields that the URL stands for."""


class _CloudForm(MessagesForm):
    """model: as the URL names it."""

    needs_key: ClassVar[bool] = True

    def __init__(self, model: str) -> None:
        self._model = model

    def lacking(self, request: HttpRequest) -> Refusal | None:  # noqa: ARG002 - the form's
        """See `Form`."""
        return None

    def fault_of(self, payload: Any) -> str | None:
        """See `Form`."""
        if not isinstance(payload, dict):
            return "Malformed input request, please reformat your input and try again."
        if "anthropic_version" not in payload:
            return "anthropic_version: Field required"
        for name in _UNREADABLE:
            if name in payload:
                return f"{name}: Extra inputs are not permitted"
        if any("strict" in tool for tool in payload.get("tools") or () if isinstance(tool, dict)):
            return "tools.0.custom.strict: Extra inputs are not permitted"
        return super().fault_of(self.payload(payload))

    def model_of(self, payload: Payload) -> str:  # noqa: ARG002 - the form's
        """See `Form`."""
        return self._model

    def knows(self, model: str) -> bool:
        """See `Form`."""
        return "claude-" in model

    def payload(self, payload: Payload) -> Payload:
        """See `Form`."""
        given = {name: value for name, value in payload.items() if name != "anthropic_version"}
        return {**given, "model": self._model}

    def conversation(self, payload: Payload) -> Conversation:
        """See `Form`."""
        return read_conversation(self.payload(payload))


class BedrockForm(_CloudForm):
    """Implements `Form`."""

    def key_of(self, request: HttpRequest) -> str:
        """A Bedrock API key, or the access key that has signed."""
        signed = _SIGNATURE.fullmatch(request.headers.get("authorization", ""))
        return signed[1] if signed and "x-amz-date" in request.headers else bearer_key(request)

    def refuse(self, refusal: Refusal, request_id: str, retry_after: float | str | None = None) -> Answer:
        """See `Form`."""
        known = _KIND_OF.get(id(refusal)) or _KIND_OF_TYPE.get(refusal.type)
        status, kind, message = known or (refusal.status, "ValidationException", refusal.message)
        status = 200 if refusal.status == 200 else status
        headers = {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/", "x-amzn-requestid": request_id}
        return answered(status, {"message": message or refusal.message}, headers, retry_after)


class VertexForm(_CloudForm):
    """Implements `Form`."""

    def key_of(self, request: HttpRequest) -> str:
        """See `Form`."""
        return bearer_key(request)

    def refuse(self, refusal: Refusal, request_id: str, retry_after: float | str | None = None) -> Answer:
        """What Google refuses itself is said in its own words."""
        if (known := _STATUS_OF.get(id(refusal))) is None:
            return super().refuse(refusal, request_id, retry_after)
        code, status, reason = known
        error: dict[str, Any] = {"code": code, "message": refusal.message, "status": status}
        if reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": kind, "reason": reason, "domain": "googleapis.com"}]
        return answered(code, [{"error": error}], {}, retry_after)


_KINDS: Mapping[FaultName, tuple[int, str, str]] = {
    FaultName.UNAUTHORIZED: (403, "UnrecognizedClientException", "The security token included is invalid."),
    FaultName.BILLING: (403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT"),
    FaultName.FORBIDDEN: (403, "AccessDeniedException", "You don't have access to the model."),
    FaultName.NOT_FOUND: (404, "ResourceNotFoundException", "The model is not found."),
    FaultName.TOO_LARGE: (413, "ValidationException", "The request is too large."),
    FaultName.RATE_LIMITED: (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    FaultName.SPEND_LIMIT: (429, "ThrottlingException", "Too many tokens per day, please wait before trying again."),
    FaultName.INTERNAL: (500, "InternalServerException", "The system encountered an unexpected error."),
    FaultName.GATEWAY_TIMEOUT: (408, "ModelTimeoutException", "Model has timed out in processing the request."),
    FaultName.OVERLOADED: (503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
    FaultName.PROMPT_TOO_LONG: (400, "ValidationException", "Input is too long for requested model."),
}

_STATUSES: Mapping[FaultName, tuple[int, str, str]] = {
    FaultName.UNAUTHORIZED: (401, "UNAUTHENTICATED", "CREDENTIALS_MISSING"),
    FaultName.BILLING: (403, "PERMISSION_DENIED", "BILLING_DISABLED"),
    FaultName.FORBIDDEN: (403, "PERMISSION_DENIED", "IAM_PERMISSION_DENIED"),
    FaultName.NOT_FOUND: (404, "NOT_FOUND", ""),
    FaultName.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", ""),
    FaultName.SPEND_LIMIT: (403, "PERMISSION_DENIED", "BILLING_DISABLED"),
}

_KIND_OF = {id(REFUSALS[name]): kind for name, kind in _KINDS.items()}
_KIND_OF_TYPE = {REFUSALS[name].type: kind for name, kind in _KINDS.items() if REFUSALS[name].type != invalid("").type}
_STATUS_OF = {id(REFUSALS[name]): status for name, status in _STATUSES.items()}

_PATHS = (
    (re.compile(r"/model/([^/]+)/invoke"), BedrockForm),
    (
        re.compile(r"/v1/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/([^/:]+):rawPredict"),
        VertexForm,
    ),
)


def cloud_form(path: str) -> Form | None:
    """The form that a path is of, if any."""
    for pattern, form in _PATHS:
        if found := pattern.fullmatch(path):
            return form(unquote(found[1]))
    return None
