"""A remote model that is shown no personal data: what goes out is masked, and what it said is kept as it said it."""

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from tasks.conversation import Conversation
from tasks.conversation import Message as TicketMessage
from tasks.money import Nanodollars
from tasks.run.messages import Block, Message, ModelReply, ModelRequest, TokenUsage
from tasks.run.ports import Model
from tasks.safety.redact import redact


class RedactedModel:
    """`tasks.run.ports.Model` around another. Masking is the same each time: a conversation stays append-only."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._masked: WeakKeyDictionary[ModelRequest, ModelRequest] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """The model's own name."""
        return self.model.name

    async def call(self, request: ModelRequest) -> ModelReply:
        """One try with the masked request."""
        return await self.model.call(self._shown(request))

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        """Bound of the masked call."""
        return self.model.worst_case(self._shown(request))

    def cost(self, usage: TokenUsage) -> Nanodollars:
        """What a finished call cost."""
        return self.model.cost(usage)

    async def aclose(self) -> None:
        """Close what the model holds open, if anything."""
        if close := getattr(self.model, "aclose", None):
            await close()

    def _shown(self, request: ModelRequest) -> ModelRequest:
        """Masked once a request: first to bound its cost, then to send it."""
        if (masked := self._masked.get(request)) is None:
            masked = self._masked[request] = _masked_request(request)
        return masked


def _masked_request(request: ModelRequest) -> ModelRequest:
    given = request.ticket
    masked: dict[str, Any] = {"subject": redact(given.subject), "body": redact(given.body), "requester": None}
    if isinstance(given, Conversation):
        masked["messages"] = tuple(message.model_copy(update=_nobodys(message)) for message in given.messages)
    ticket = given.model_copy(update=masked | {"attachments": ()})
    return replace(request, ticket=ticket, messages=tuple(map(_masked, request.messages)))


def _nobodys(message: TicketMessage) -> dict[str, Any]:
    return {"body": redact(message.body), "author": None}


def _masked(message: Message) -> Message:
    """The model's own words go back to it verbatim: it has never seen what was masked."""
    if message["role"] != "user":
        return message
    return {**message, "content": [_masked_block(block) for block in message["content"]]}


def _masked_block(block: Block) -> Block:
    masked: dict[str, Any] = dict(block)
    for part in ("text", "content"):
        if isinstance(masked.get(part), str):
            masked[part] = redact(masked[part])
    return masked
