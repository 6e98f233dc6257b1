"""A small desk: one ticket, two labels, three tools, and a run over them that can be cut and resumed."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

from tasks.errors import ToolError
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint, Stop, fold
from tasks.run.limits import Limits
from tasks.run.loop import Run
from tasks.run.messages import Message
from tasks.run.tool import Effect, Tool, ToolContext
from tasks.run.tool_calls import ToolRunner
from tasks.ticket import Ticket
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Taxonomy
from tests.fakes.recording_ledger import RecordingLedger
from tests.fakes.scripted_model import ScriptedModel, tool_use
from tests.fakes.settable_clock import SettableClock
from worker.models.anthropic.messages import fit
from worker.models.turns import sent

TICKET = Ticket(id="T-1", source="test", subject="", body="You charged my card twice. I want my money back!")
TAXONOMY = Taxonomy.model_validate(
    {
        "teams": [{"name": "billing", "description": "money"}, {"name": "access", "description": "accounts"}],
        "labels": [
            {"name": "duplicate_charge", "description": "charged twice", "team": "billing"},
            {"name": "password_reset", "description": "cannot sign in", "team": "access"},
        ],
    }
).checked()
TRIAGE = Triage(TAXONOMY)
LIMITS = Limits(max_cost_nanodollars=None)


class Query(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: str


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


def submission(**changed: Any) -> dict[str, Any]:
    """Arguments of `submit_decision` that satisfy the contract."""
    return {
        "label": "duplicate_charge",
        "priority": "normal",
        "summary": "Charged twice.",
        "rationale": "It says so.",
        "evidence": ["charged my card twice"],
        "confidence": 0.9,
    } | changed


def submit(call_id: str = "s1", **changed: Any) -> dict[str, Any]:
    """A tool_use block that submits."""
    return tool_use(call_id, "submit_decision", submission(**changed))


def search(call_id: str, query: str = "x") -> dict[str, Any]:
    """A tool_use block that looks something up."""
    return tool_use(call_id, "search", {"query": query})


@dataclass
class Workshop:
    """The tools' outside: what was called, and what they answer. answers: by query, a value or an exception."""

    called: list[tuple[str, str, str]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    hangs: set[str] = field(default_factory=set)

    def tool(self, name: str, effect: Effect = Effect.NONE, *, offered: bool = True, **changed: Any) -> Tool:
        """A tool of this workshop. changed: timeout_seconds, calls_per_run, calls_per_minute."""

        async def run(arguments: Any, context: ToolContext) -> Any:
            query = getattr(arguments, "query", "")
            self.called.append((name, query, context.idempotency_key))
            if query in self.hangs:
                await asyncio.Event().wait()
            answer = self.answers.get(query, {"found": query})
            if isinstance(answer, Exception):
                raise answer
            return answer() if callable(answer) else answer

        rates = {"timeout_seconds": 5.0, "calls_per_run": 100, "calls_per_minute": 6000} | changed
        arguments = Query if offered else Nothing
        return Tool(name, f"{name}s.", arguments, run, effect=effect, offered=offered, **rates)

    def tools(self, *more: Tool) -> dict[str, Tool]:
        """The usual three and what a test adds; a later one replaces an earlier of its name."""
        usual = (
            self.tool("search"),
            self.tool("notify", Effect.UNKEYED),
            self.tool("refund", Effect.KEYED),
            self.tool("ticket_context", offered=False),
        )
        return {tool.name: tool for tool in (*usual, *more)}


@dataclass
class Desk:
    """Runs of one ticket over one ledger."""

    model: ScriptedModel
    limits: Limits = LIMITS
    ticket: Ticket = TICKET
    workshop: Workshop = field(default_factory=Workshop)
    tools: Mapping[str, Tool] | None = None
    ledger: RecordingLedger = field(default_factory=RecordingLedger)
    min_confidence: float = 0.0
    call_seconds: float = 30.0

    @property
    def clock(self) -> SettableClock:
        return self.ledger.clock

    def run(self, unwritten: Sequence[ev.Event] = ()) -> Run:
        """A worker's view, folded from the journal."""
        return self.continued(fold(self.ledger.journal()), unwritten)

    def continued(self, checkpoint: Checkpoint, unwritten: Sequence[ev.Event] = ()) -> Run:
        tools = self.workshop.tools() if self.tools is None else self.tools
        return Run(
            agent=Agent(TRIAGE, tools, call_seconds=self.call_seconds),
            model=self.model,
            min_confidence=self.min_confidence,
            tools=ToolRunner(tools, self.ticket, "T-1", self.ledger),
            limits=self.limits,
            clock=self.clock,
            checkpoint=checkpoint,
            unwritten=list(unwritten),
        )

    def work(self) -> Stop | None:
        """Run until it rests, then write what is left, as a hand-off or a suggestion does."""
        run = self.run()
        stop = asyncio.run(run.advance())
        self.ledger.write(take_unwritten(run))
        return stop

    def resume(self, hint: str = "", from_step: int = 0) -> None:
        """A person sends it back."""
        self.ledger.write([ev.Resumed("ada", hint, from_step), ev.Claimed("next")])

    @property
    def checkpoint(self) -> Checkpoint:
        return fold(self.ledger.journal())


def take_unwritten(run: Run) -> Sequence[ev.Event]:
    """The events to write with the next write; the caller writes them."""
    events, run.unwritten = run.unwritten, []
    return events


def unfit(messages: Sequence[Message]) -> str | None:
    """What the Messages API would refuse about a request's messages as its make sends them. It joins turns of one role
    in a row into one.
    """
    joined: list[tuple[str, list[Any]]] = []
    for message in sent(messages, fit):
        if message.keys() != {"role", "content"}:
            return f"more than a message: {message.keys()}"
        if not message["content"]:
            return "empty content"
        if joined and joined[-1][0] == message["role"]:
            joined[-1][1].extend(message["content"])
        else:
            joined.append((message["role"], list(message["content"])))
    return next(_faults(joined), None)


def _faults(turns: list[tuple[str, list[Any]]]) -> Any:
    if not turns or turns[0][0] != "user":
        yield "does not begin with the user"
    if turns and turns[-1][0] != "user":
        yield "ends with the assistant"
    asked: list[str] = []
    ids = [block["id"] for _, blocks in turns for block in blocks if block["type"] == "tool_use"]
    if len(ids) != len(set(ids)):
        yield f"ids are not unique: {ids}"
    for role, blocks in turns:
        yield from _misshapen(role, blocks)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(results) != sorted(asked):
            yield f"asked {asked}, answered {results}"
        if any(block["type"] != "tool_result" for block in blocks[: len(results)]):
            yield "a tool result stands behind other blocks"
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"]


_FITS = {
    "text": lambda block: isinstance(block["text"], str) and block["text"].strip(),
    "tool_result": lambda block: isinstance(block["content"], str),
    "thinking": lambda block: isinstance(block["thinking"], str) and isinstance(block["signature"], str),
    "redacted_thinking": lambda block: isinstance(block["data"], str),
    "tool_use": lambda block: (
        re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"])
        and re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", block["name"])
        and isinstance(block["input"], dict)
    ),
}


def _misshapen(role: str, blocks: list[Any]) -> Any:
    for block in blocks:
        if (block["type"] in ("text", "tool_result")) < (role == "user"):
            yield f"a {role} says {block['type']}"
        if block["type"] not in _FITS or not _FITS[block["type"]](block):
            yield f"misshapen: {block}"


TOOL_TROUBLE = ToolError("the directory is closed")
