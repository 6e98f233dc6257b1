"""`POST /v1/messages`: the Messages API itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from worker.simulator.conversation import PAUSE_TEXT, Conversation, read_conversation
from worker.simulator.form import Payload, bearer_key
from worker.simulator.refusals import Refusal, invalid, refuse
from worker.simulator.validation import fault_of
from worker.simulator.wire import Answer, HttpRequest


class MessagesForm:
    """Implements `Form`."""

    needs_key: ClassVar[bool] = True

    def key_of(self, request: HttpRequest) -> str:
        """anthropic 2.12 sends it as a bearer token, earlier ones as x-api-key."""
        return request.headers.get("x-api-key") or bearer_key(request)

    def lacking(self, request: HttpRequest) -> Refusal | None:
        """See `Form`."""
        return None if "anthropic-version" in request.headers else invalid("anthropic-version: header is required")

    def fault_of(self, payload: Any) -> str | None:
        """See `Form`."""
        return fault_of(payload, _paused)

    def model_of(self, payload: Payload) -> str:
        """See `Form`."""
        return str(payload["model"])

    def knows(self, model: str) -> bool:
        """See `Form`."""
        return model.startswith("claude-")

    def payload(self, payload: Payload) -> Payload:
        """See `Form`."""
        return payload

    def conversation(self, payload: Payload) -> Conversation:
        """See `Form`."""
        return read_conversation(payload)

    def reply(self, message: dict[str, Any], payload: Payload) -> dict[str, Any]:  # noqa: ARG002 - the form's
        """See `Form`."""
        return message

    def refuse(self, refusal: Refusal, request_id: str, retry_after: float | str | None = None) -> Answer:
        """See `Form`."""
        return refuse(refusal, request_id, retry_after)


def _paused(reply: Mapping[str, Any]) -> bool:
    content = reply["content"]
    return isinstance(content, list) and bool(content) and content[-1].get("text") == PAUSE_TEXT
