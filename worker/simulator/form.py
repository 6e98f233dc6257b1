"""The forms of API that the simulator speaks: the agent and its faults are the same behind each."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from worker.simulator.conversation import Conversation
from worker.simulator.refusals import Refusal
from worker.simulator.wire import Answer, HttpRequest

Payload = Mapping[str, Any]


class Form(Protocol):
    """One form. What stands in between is the Messages API's: a request is read into it, a reply is written from it."""

    needs_key: ClassVar[bool]
    """Whether a request without any key is refused; who serves a model of their own often asks for none."""

    def key_of(self, request: HttpRequest) -> str:
        """The key that a request shows, "" for none."""
        ...

    def lacking(self, request: HttpRequest) -> Refusal | None:
        """What its headers lack besides the key."""
        ...

    def fault_of(self, payload: Any) -> str | None:
        """The first thing wrong with a request, None when it may be answered."""
        ...

    def model_of(self, payload: Payload) -> str:
        """The model that a valid request asks."""
        ...

    def knows(self, model: str) -> bool:
        """Whether a model of this name answers."""
        ...

    def payload(self, payload: Payload) -> Payload:
        """A valid request as one of the Messages API, as far as counting its tokens and answering it needs."""
        ...

    def conversation(self, payload: Payload) -> Conversation:
        """What a valid request says."""
        ...

    def reply(self, message: dict[str, Any], payload: Payload) -> dict[str, Any]:
        """A message as this form says it. payload: as `payload` gave it."""
        ...

    def refuse(self, refusal: Refusal, request_id: str, retry_after: float | str | None = None) -> Answer:
        """An error as this form says it."""
        ...


def bearer_key(request: HttpRequest) -> str:
    """The key of a bearer token, as most forms show theirs."""
    return request.headers.get("authorization", "").removeprefix("Bearer ")
