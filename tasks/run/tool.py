"""What a tool is: a function with pydantic arguments, a docstring, a timeout, rates and an effect declaration."""

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, get_type_hints

from pydantic import BaseModel

from tasks.run.approval import Approval, Over, Preview
from tasks.run.messages import ToolSpec
from tasks.ticket import Ticket


class Effect(StrEnum):
    """What a tool changes outside, and whether its receiver honours an idempotency key."""

    NONE = "none"
    KEYED = "keyed"
    UNKEYED = "unkeyed"


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool gets besides the model's arguments. idempotency_key: `ticket:step:call` for effects, else ""."""

    ticket: Ticket
    idempotency_key: str = ""


Previewer = Callable[..., Awaitable[Preview]]
"""`async def name(arguments, context, *, client: Port) -> Preview`: what a call would do, without doing it."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool ready to run.

    arguments: the pydantic model that guards `run`.
    calls_per_run: cap for one conversation; of an effect, for the ticket.
    calls_per_minute: cap for the fleet. timeout_seconds: the call is cut after it.
    offered: whether the model may call it; otherwise it serves the prefetch only.
    of_ticket: its results are the ticket's own words, and are screened as those are.
    approval: when a person must approve a call; None: never. preview: what they are shown of it, None for the arguments
    alone. ends: whoever approves it decides the ticket by that; what the agent then comes to stands.
    """

    name: str
    description: str
    arguments: type[BaseModel]
    run: Callable[[Any, ToolContext], Awaitable[Any]]
    timeout_seconds: float
    calls_per_run: int
    calls_per_minute: int
    effect: Effect
    offered: bool
    of_ticket: bool = False
    approval: Approval | None = None
    preview: Previewer | None = None
    ends: bool = False

    def spec(self) -> ToolSpec:
        """As the model sees it: closed object, no titles."""
        return _spec(self.name, self.description, self.arguments)


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool whose clients are not injected yet. clients: the keyword-only parameter names of its function.

    settings: its own, of the variables DESKHAND_TOOL_<NAME>_*; None for none. make_clients: makes of them, or of None,
    the clients that it brings itself, by parameter name; the others are the rails'.
    """

    function: Callable[..., Awaitable[Any]]
    arguments: type[BaseModel]
    clients: tuple[str, ...]
    timeout_seconds: float
    calls_per_run: int
    calls_per_minute: int
    effect: Effect
    offered: bool
    of_ticket: bool = False
    settings: type[BaseModel] | None = None
    make_clients: Callable[[Any], Mapping[str, Any]] | None = None
    approval: Approval | None = None
    preview: Previewer | None = None
    ends: bool = False

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.function.__name__)

    @property
    def description(self) -> str:
        """The function's docstring."""
        return inspect.getdoc(self.function) or ""

    def spec(self) -> ToolSpec:
        """As the model will see it."""
        return _spec(self.name, self.description, self.arguments)

    def bind(self, clients: Mapping[str, Any]) -> Tool:
        """Inject the clients by parameter name. Raises `LookupError` naming the first one missing."""
        missing = [name for name in self.clients if name not in clients]
        if missing:
            raise LookupError(f"tool {self.name!r} needs the client {missing[0]!r}, which wiring does not provide")
        mine = {name: clients[name] for name in self.clients}
        shown = None if self.preview is None else partial(self.preview, **mine)
        return Tool(
            name=self.name,
            description=self.description,
            arguments=self.arguments,
            run=partial(self.function, **mine),
            timeout_seconds=self.timeout_seconds,
            calls_per_run=self.calls_per_run,
            calls_per_minute=self.calls_per_minute,
            effect=self.effect,
            offered=self.offered,
            of_ticket=self.of_ticket,
            approval=self.approval,
            preview=shown,
            ends=self.ends,
        )


def tool(
    *,
    timeout_seconds: float = 5.0,
    calls_per_run: int = 4,
    calls_per_minute: int = 6000,
    effect: Effect = Effect.NONE,
    offered: bool = True,
    of_ticket: bool = False,
    settings: type[BaseModel] | None = None,
    clients: Callable[[Any], Mapping[str, Any]] | None = None,
    approval: Approval | None = None,
    preview: Previewer | None = None,
    ends: bool = False,
) -> Callable[[Callable[..., Awaitable[Any]]], ToolDefinition]:
    """Declare `async def name(arguments: SomeModel, context: ToolContext, *, client: Port) -> JSON value` as a tool.

    settings, clients: see `ToolDefinition`, where they are `settings` and `make_clients`. preview takes the parameters
    of the tool. Raises `TypeError` for what contradicts itself.
    """

    def define(function: Callable[..., Awaitable[Any]]) -> ToolDefinition:
        if not inspect.getdoc(function):
            raise TypeError(f"tool {function.__name__!r} has no docstring: the model would not know what it does")
        parameters = inspect.signature(function).parameters.values()
        hints = get_type_hints(function)
        arguments = hints[next(iter(parameters)).name]
        _check_approval(function.__name__, arguments, effect, approval, preview)
        return ToolDefinition(
            function=function,
            arguments=arguments,
            clients=tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY),
            timeout_seconds=timeout_seconds,
            calls_per_run=calls_per_run,
            calls_per_minute=calls_per_minute,
            effect=effect,
            offered=offered,
            of_ticket=of_ticket,
            settings=settings,
            make_clients=clients,
            approval=approval,
            preview=preview,
            ends=ends,
        )

    return define


def _check_approval(
    name: str, arguments: type[BaseModel], effect: Effect, approval: Approval | None, preview: Previewer | None
) -> None:
    if effect is Effect.NONE and (approval or preview):
        raise TypeError(f"tool {name!r} changes nothing, and yet a person is to approve it")
    if isinstance(approval, Over) and approval.field not in arguments.model_fields:
        raise TypeError(f"tool {name!r} asks by {approval.field!r}, which its arguments do not have")


def tools_version(specs: Iterable[ToolSpec]) -> str:
    """Twelve hex digits over all that the model is shown of its tools."""
    shown = json.dumps([(spec.name, spec.description, spec.input_schema) for spec in specs], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:12]


def _spec(name: str, description: str, arguments: type[BaseModel]) -> ToolSpec:
    schema = arguments.model_json_schema()
    return ToolSpec(name, description, {**_without_titles(schema), "additionalProperties": False})


def _without_titles(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _without_titles(value)
            for key, value in schema.items()
            if not (key == "title" and isinstance(value, str))
        }
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema
