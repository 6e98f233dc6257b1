"""Running one tool call: validated arguments, rates, a timeout, and an effect that happens once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from pydantic import ValidationError

from tasks.errors import EffectUnknown, LeaseLost, ToolError
from tasks.run import events as ev
from tasks.run.approval import Ask, Preview, asks, digest_of
from tasks.run.messages import ToolCall
from tasks.run.ports import RunLedger
from tasks.run.tool import Effect, Tool, ToolContext
from tasks.ticket import Ticket

MAX_RESULT_CHARS = 8_000


@dataclass(frozen=True, slots=True)
class ToolResult:
    """outcome: ok, error, timeout, refused or invalid. text: JSON for the model and the journal."""

    outcome: str
    text: str


Earned = Callable[[str, str], Awaitable[str]]
"""Why a tool has not earned to act without being asked about, under this version of the agent; "" where it has."""


async def unearned(_tool: str, _version: str) -> str:
    """None has."""
    return "it has not earned to act alone"


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """The allow-listed tools of one run. version: of the tier that asks."""

    tools: Mapping[str, Tool]
    ticket: Ticket
    ticket_id: str
    ledger: RunLedger
    earned: Earned = unearned
    version: str = ""

    async def wanted(self, call: ToolCall, step: int, used: int, seconds_left: float | None) -> ev.CallProposed | None:
        """What people are shown of a call that waits for them; None for one that does not, or that `run` refuses."""
        tool = self.tools.get(call.name)
        if tool is None or tool.approval is None or not tool.offered or used >= tool.calls_per_run:
            return None
        try:
            arguments = tool.arguments.model_validate(call.arguments)
        except ValidationError:
            return None
        why = asks(tool.approval, arguments)
        if tool.approval is Ask.UNTIL_EARNED:
            why = await self.earned(tool.name, self.version)
        if not why:
            return None
        key, said = self.key(call, step), arguments.model_dump(mode="json")
        shown = await preview_of(tool, arguments, ToolContext(self.ticket, key), seconds_left)
        digest, details = digest_of(key, tool.name, said), dict(shown.details)
        return ev.CallProposed(step, call.id, key, tool.name, said, digest, shown.target, shown.does, details, why)

    async def run(
        self,
        call: ToolCall,
        step: int,
        used: int,
        before: list[ev.Event],
        seconds_left: float | None,
        approval: str = "",
    ) -> ToolResult:
        """Run one call. `used`: earlier calls of this tool in the run. Never raises for what a tool does wrong.

        `before`: events not written yet; an effect's intent writes them and empties the list. approval: see
        `RunLedger.begin_effect`; whoever gave it sets the pace, so no rate holds it up.
        """
        tool = self.tools.get(call.name)
        if tool is None or not tool.offered:
            return ToolResult("invalid", _error(f"there is no tool {call.name[:80]!r}"))
        try:
            arguments = tool.arguments.model_validate(call.arguments)
        except ValidationError as error:
            return invalid(error)
        if used >= tool.calls_per_run:
            return ToolResult("refused", _error(f"{tool.name} may be called {tool.calls_per_run} times in one run"))
        if not approval and not await self.ledger.tool_allowed(tool.name, tool.calls_per_minute):
            return ToolResult("refused", _error(f"{tool.name} is at its rate limit; go on without it"))
        if tool.effect is Effect.NONE:
            return await attempt(tool, arguments, ToolContext(self.ticket), seconds_left)
        return await self._effect(tool, arguments, self.key(call, step), before, seconds_left, approval)

    def key(self, call: ToolCall, step: int) -> str:
        """The idempotency key of a call's effect."""
        return f"{self.ticket_id}:{step}:{call.id}"

    def has_effect(self, name: str) -> bool:
        """Whether this tool changes something outside."""
        return name in self.tools and self.tools[name].effect is not Effect.NONE

    async def _effect(
        self, tool: Tool, arguments: Any, key: str, before: list[ev.Event], seconds_left: float | None, approval: str
    ) -> ToolResult:
        honoured = tool.effect is Effect.KEYED
        done = await self.ledger.begin_effect(key, tool.name, before, key_honoured=honoured, approval=approval)
        if done is not None:
            return ToolResult("ok", done)
        before.clear()
        context, began = ToolContext(self.ticket, key), monotonic()
        result = await attempt(tool, arguments, context, seconds_left)
        if result.outcome != "ok" and honoured:
            left = None if seconds_left is None else max(0.0, seconds_left - (monotonic() - began))
            result = await attempt(tool, arguments, context, left)
        if result.outcome != "ok":  # the model must not hear of it: its next call would carry another key
            raise EffectUnknown(f"{tool.name} answered {result.outcome}; it may or may not have been done")
        await self.ledger.end_effect(key, result.text)
        return result


def invalid(error: ValidationError) -> ToolResult:
    """What a call is answered whose arguments the schema refuses."""
    faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return ToolResult("invalid", _error(f"arguments refused: {faults}"))


async def attempt(tool: Tool, arguments: Any, context: ToolContext, seconds_left: float | None) -> ToolResult:
    """Call the tool's function under its own timeout or the run's remaining time, whichever is shorter."""
    limit = tool.timeout_seconds if seconds_left is None else min(tool.timeout_seconds, seconds_left)
    try:
        async with asyncio.timeout(limit):
            value = await tool.run(arguments, context)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        text.encode()  # half a surrogate pair could neither be stored nor sent
    except TimeoutError:
        return ToolResult("timeout", _error(f"{tool.name} did not answer within {limit:.1f} s"))
    except ToolError as error:
        return ToolResult("error", _error(str(error)))
    except LeaseLost:
        raise
    except Exception as error:
        return ToolResult("error", _error(f"{tool.name} failed: {type(error).__name__}"))
    if len(text) > MAX_RESULT_CHARS:
        text = _error(f"the result of {tool.name} was too long: {len(text)} characters")
        return ToolResult("error", text)
    return ToolResult("ok", text)


async def preview_of(tool: Tool, arguments: Any, context: ToolContext, seconds_left: float | None) -> Preview:
    """What a call would do. A preview that cannot be made says so: people still see the arguments."""
    does = tool.description.partition("\n")[0]
    if tool.preview is None:
        return Preview(tool.name, does)
    limit = tool.timeout_seconds if seconds_left is None else min(tool.timeout_seconds, seconds_left)
    try:
        async with asyncio.timeout(limit):
            shown = await tool.preview(arguments, context)
    except LeaseLost:
        raise
    except Exception as error:
        why = str(error) if isinstance(error, ToolError) else type(error).__name__
        return Preview(tool.name, does, {"no preview": why[:500]})
    details = {str(name)[:80]: str(value)[:500] for name, value in list(shown.details.items())[:20]}
    return Preview(shown.target[:200], shown.does[:500], details)


def _error(message: str) -> str:
    return json.dumps({"error": message[:500]}, ensure_ascii=False)
