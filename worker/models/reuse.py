"""The very same ticket again: the model's earlier answer is reused instead of being paid for once more.

Only the first answer of a conversation is reused, only where it submitted a decision, and only for the same text,
source and requester under the same model, instructions and tools. It goes through validation, the screen, autonomy and
suggestion like any other, and the journal says whose answer it is. What was looked up for the ticket may have changed
since, so answers are kept for a limited time.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Protocol

from fallbacks.errors import HistoryUnreachable
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from tasks.money import FREE, Nanodollars
from tasks.run.messages import SUBMIT, ModelReply, ModelRequest, StopReason, TokenUsage
from tasks.run.ports import Model
from tasks.run.process import Result
from tasks.safety.canary import says
from worker.config.settings import LOCAL
from worker.models.tier import Closable, Tier

STANDING = frozenset({State.SUGGESTED, State.DECIDED})


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer. ticket_id: whose it was. content: its blocks, verbatim."""

    ticket_id: str
    content: tuple[dict[str, Any], ...]

    @property
    def arguments(self) -> dict[str, Any]:
        """Of its terminal call."""
        return next((dict(block["input"]) for block in self.content if block.get("name") == SUBMIT), {})


class Answers(Protocol):
    """Where answers are kept."""

    async def recall(self, key: str) -> Kept | None:
        """The answer kept under this key, if it still stands."""
        ...

    async def keep(self, key: str, kept: Kept) -> None:
        """Keep an answer for a while."""
        ...


@dataclass(frozen=True, slots=True)
class StoreAnswers:
    """Implements `Answers` in the store, for the whole fleet. agrees: see `Process`."""

    views: Views
    seconds: float
    agrees: Callable[[Result, Result], bool]

    async def recall(self, key: str) -> Kept | None:
        """Not where its ticket was handed off, cancelled, or decided otherwise by a person."""
        stored = await self.views.store.run("answer", "", key, "", 0)
        if not stored:
            return None
        raw = json.loads(stored)
        kept = Kept(raw["ticket_id"], tuple(raw["content"]))
        try:
            row = await self.views.row(kept.ticket_id)
        except HistoryUnreachable:
            return None
        stands = row.get("state") in STANDING and self.agrees(kept.arguments, json.loads(row.get("decision") or "{}"))
        return kept if stands else None

    async def keep(self, key: str, kept: Kept) -> None:
        """The latest answer stands in the place of an earlier one."""
        value = json.dumps({"ticket_id": kept.ticket_id, "content": kept.content}, ensure_ascii=False)
        await self.views.store.run("answer", "", key, value, int(self.seconds * 1000))


@dataclass(slots=True)
class MemoryAnswers:
    """Implements `Answers` for one evaluation."""

    kept: dict[str, Kept] = field(default_factory=dict)

    async def recall(self, key: str) -> Kept | None:
        """See `Answers`."""
        return self.kept.get(key)

    async def keep(self, key: str, kept: Kept) -> None:
        """See `Answers`."""
        self.kept[key] = kept


@dataclass(frozen=True, slots=True)
class Repeating:
    """A model that answers the very same ticket as before, for nothing. Implements `tasks.run.ports.Model`."""

    inner: Model
    answers: Answers

    @property
    def name(self) -> str:
        """The inner model's."""
        return self.inner.name

    async def call(self, request: ModelRequest) -> ModelReply:
        """The kept answer, else the inner model's, which is kept where it submits a decision."""
        first = len(request.messages) == 1 and bool(request.ticket.id)
        key = _key(self.name, request)
        if first and (kept := await self.answers.recall(key)):
            said = f"reused from {kept.ticket_id}"
            return ModelReply(kept.content, StopReason.TOOL_USE, TokenUsage(), self.name, said)
        reply = await self.inner.call(request)
        if first and _submits(reply) and not says(request.canary, reply.content):
            await self.answers.keep(key, Kept(str(request.ticket.id), tuple(map(dict, reply.content))))
        return reply

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        """The inner model's: whether an answer is kept is known only when it is asked for."""
        return self.inner.worst_case(request)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        """Nothing where nothing was used."""
        return self.inner.cost(usage) if usage.total else FREE

    async def aclose(self) -> None:
        """Close what the inner model holds open."""
        if isinstance(self.inner, Closable):
            await self.inner.aclose()


def _submits(reply: ModelReply) -> bool:
    calls = reply.tool_calls
    alone = [call.name for call in calls] == [SUBMIT] and isinstance(calls[0].arguments, dict)
    return alone and reply.stop is StopReason.TOOL_USE


def reusing(tiers: Sequence[Tier], answers: Answers | None) -> tuple[Tier, ...]:
    """The tiers, remote ones with their answers kept; None: as they are."""
    return tuple(
        tier if answers is None or tier.model.name == LOCAL else replace(tier, model=Repeating(tier.model, answers))
        for tier in tiers
    )


def kept_for(views: Views, seconds: float, agrees: Callable[[Result, Result], bool]) -> Answers | None:
    """The store's answers, kept for so long; None for 0: nothing is reused."""
    return StoreAnswers(views, seconds, agrees) if seconds else None


def _key(model: str, request: ModelRequest) -> str:
    ticket = request.ticket
    who = ticket.requester.model_dump(mode="json") if ticket.requester else None
    tools = [(tool.name, tool.description, json.dumps(tool.input_schema, default=dict)) for tool in request.tools]
    made_of = [model, request.system, tools, ticket.source, who, " ".join(ticket.text.split())]
    return sha256(json.dumps(made_of).encode()).hexdigest()[:32]
