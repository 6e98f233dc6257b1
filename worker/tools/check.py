"""Is a tool fit to be given to an agent? Small checks, each a value. Nothing outside is touched unless asked for."""

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, ValidationError

from tasks.run.tool import Effect, Tool, ToolContext, ToolDefinition
from tasks.run.tool_calls import ToolResult, attempt
from tasks.ticket import Requester, Ticket
from worker.tools.samples import sample

TRIED_SECONDS = 0.2
"""The timeout that a tool is tried with: whether it is cut does not hang on how long it has."""

GRACE_SECONDS = 5.0
TICKET = Ticket(id="check", source="check", subject="A check", body="A check.", requester=Requester(id="check"))
LONGEST_TIMEOUT = 30.0
LEAST_WORDS = 4


class Verdict(StrEnum):
    """skipped: could not be looked at."""

    OK = "ok"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check of one tool found."""

    tool: str
    check: str
    verdict: Verdict
    found: str


class _Hanging:
    """A client that never answers. asked: whether anybody has asked it."""

    def __init__(self) -> None:
        self.asked = False

    def __getattr__(self, name: str) -> Any:
        async def never(*_: Any, **__: Any) -> Any:
            self.asked = True
            await asyncio.Event().wait()

        return never


def checked(definition: ToolDefinition, tool: Tool | None = None) -> list[Finding]:
    """Every check of one tool. tool: with its real clients, to try an effect twice; None: that is not tried."""
    looks = {
        "docs": docs(definition),
        "schema": schema(definition),
        "bad arguments": bad_arguments(definition),
        "limits": limits(definition),
        "timeout": timeout(definition),
    }
    if definition.effect is not Effect.NONE:
        looks["idempotency"] = idempotency(definition, tool)
    return [Finding(definition.name, name, verdict, said) for name, (verdict, said) in looks.items()]


Found = tuple[Verdict, str]


def docs(definition: ToolDefinition) -> Found:
    """The model chooses by them."""
    if len(definition.description.split()) < LEAST_WORDS:
        return Verdict.FAIL, "the docstring hardly says anything: say what it looks up or does, and when to use it"
    return Verdict.OK, definition.description.splitlines()[0]


def schema(definition: ToolDefinition) -> Found:
    """Every argument says what it is, and text has an end."""
    fields: Mapping[str, Any] = definition.spec().input_schema.get("properties", {})
    if silent := [name for name, field in fields.items() if not field.get("description")]:
        return Verdict.FAIL, f"no description: {', '.join(silent)}"
    if endless := [name for name, field in fields.items() if _endless(field)]:
        return Verdict.FAIL, f"text without a max_length, a pattern or a choice: {', '.join(endless)}"
    return Verdict.OK, f"{len(fields)} arguments" if fields else "nothing for the model to choose"


def _endless(field: Mapping[str, Any]) -> bool:
    kinds = field.get("anyOf", [field])
    bounded = ("maxLength", "pattern", "enum", "const", "format")
    return any(kind.get("type") == "string" and not any(name in kind for name in bounded) for kind in kinds)


def bad_arguments(definition: ToolDefinition) -> Found:
    """What is not in the schema never reaches the function."""
    try:
        definition.arguments.model_validate({"there_is_no_such_argument": "x"})
    except ValidationError as error:
        if any(fault["type"] == "extra_forbidden" for fault in error.errors()):
            return Verdict.OK, "an argument that there is not is refused"
    return Verdict.FAIL, 'an argument that there is not is taken: model_config = ConfigDict(extra="forbid")'


def limits(definition: ToolDefinition) -> Found:
    """Each allows something and none is without end."""
    if not 0 < definition.timeout_seconds <= LONGEST_TIMEOUT:
        return Verdict.FAIL, f"timeout_seconds={definition.timeout_seconds:g}: a run waits for it; at most 30"
    if definition.calls_per_run < 1 or definition.calls_per_minute < 1:
        return Verdict.FAIL, "calls_per_run and calls_per_minute must allow a call"
    return Verdict.OK, f"{definition.timeout_seconds:g} s, {definition.calls_per_run} a run"


def timeout(definition: ToolDefinition) -> Found:
    """A client that hangs is cut."""
    if not definition.clients:
        return Verdict.SKIPPED, "no client: nothing that could hang"
    arguments = sample(definition.arguments)
    if arguments is None:
        return Verdict.SKIPPED, "no arguments to try it with: give its fields `examples`"
    client = _Hanging()
    tool = replace(definition.bind(dict.fromkeys(definition.clients, client)), timeout_seconds=TRIED_SECONDS)
    outcomes = list[str]()
    run = threading.Thread(target=lambda: outcomes.append(_outcome(tool, arguments)), daemon=True)
    run.start()
    run.join(TRIED_SECONDS + GRACE_SECONDS)
    if not outcomes:
        return Verdict.FAIL, "it cannot be cut: it blocks the event loop, and every other run with it"
    if not client.asked:
        return Verdict.SKIPPED, "with these arguments, and for a ticket without anything, it asks nobody"
    if outcomes != ["timeout"]:
        return Verdict.FAIL, f"a client that hangs ends in {outcomes[0]}, not in a timeout"
    return Verdict.OK, "a client that hangs is cut"


def idempotency(definition: ToolDefinition, tool: Tool | None) -> Found:
    """The same call under the same key is one effect to its receiver, and is answered the same."""
    if definition.effect is Effect.UNKEYED:
        return Verdict.OK, "declared as not honoured: an effect whose result is lost goes to a person"
    arguments = sample(definition.arguments)
    if tool is None or arguments is None:
        return Verdict.SKIPPED, "not tried: --effects calls its receiver twice under one key"
    first, again = asyncio.run(_twice(tool, arguments))
    if first.outcome != "ok" or again.outcome != "ok":
        return Verdict.FAIL, f"its receiver answered {first.text} and then {again.text}"
    if first.text != again.text:
        return Verdict.FAIL, f"the same key was answered {first.text} and then {again.text}"
    return Verdict.OK, f"twice under one key, answered twice the same: {first.text[:80]}"


async def _twice(tool: Tool, arguments: BaseModel) -> tuple[ToolResult, ToolResult]:
    context = ToolContext(TICKET, f"check:0:{uuid4().hex}")
    first = await attempt(tool, arguments, context, None)
    return first, await attempt(tool, arguments, context, None)


def _outcome(tool: Tool, arguments: BaseModel) -> str:
    return asyncio.run(attempt(tool, arguments, ToolContext(TICKET, "check:0:hang"), None)).outcome
