"""What installed packages bring: tools and processes, by entry points. Nothing is loaded before it is asked for."""

import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from tasks.run.process import Process, ProcessDefinition
from tasks.run.tool import ToolDefinition
from tasks.tools import discover
from tasks.triage.process import Triage
from worker.config.errors import NotUsableError

TOOLS, PROCESSES = "deskhand.tools", "deskhand.processes"
"""The groups of entry points."""

TRIAGE = Triage.name
"""The process that needs no package."""

T = TypeVar("T")


@cache
def own_tools() -> Mapping[str, ToolDefinition]:
    """Those that need no package."""
    return {definition.name: definition for definition in discover()}


def tool_names() -> tuple[str, ...]:
    """Every tool there is, loaded or not."""
    return tuple(sorted({*own_tools(), *_offered(TOOLS)}))


def has(name: str) -> bool:
    """Whether a package, or we, bring this tool."""
    return name in own_tools() or name in _offered(TOOLS)


def process_names() -> tuple[str, ...]:
    """Every process there is, loaded or not."""
    return tuple(sorted({TRIAGE, *_offered(PROCESSES)}))


def origin_of(name: str) -> str:
    """The package that brings a tool, with its version."""
    found = _offered(TOOLS).get(name)
    return _brought_by(found) if found and name not in own_tools() else "deskhand"


def tool(name: str) -> ToolDefinition:
    """One tool. Raises `NotUsableError`: there is none, two packages bring one, or its module cannot be loaded."""
    own, offered = own_tools().get(name), _offered(TOOLS).get(name)
    if own and offered:
        raise NotUsableError(f"the tool {name!r} of {_brought_by(offered)} has the name of one that is built in")
    if own:
        return own
    if offered is None:
        raise NotUsableError(f"there is no tool {name!r}; there are: {', '.join(tool_names())}")
    definition = _loaded(offered, ToolDefinition)
    if definition.name != name:
        raise NotUsableError(f"the entry point {name!r} of {_brought_by(offered)} is the tool {definition.name!r}")
    return definition


def process(name: str) -> ProcessDefinition:
    """One process of a package. Raises `NotUsableError`."""
    offered = _offered(PROCESSES).get(name)
    if offered is None:
        raise NotUsableError(f"there is no process {name!r}; there are: {', '.join(process_names())}")
    definition = _loaded(offered, ProcessDefinition)
    if definition.kind.name != name:
        raise NotUsableError(
            f"the entry point {name!r} of {_brought_by(offered)} is the process {definition.kind.name!r}"
        )
    return definition


def forget() -> None:
    """Look anew at what is installed."""
    _offered.cache_clear()


def kind_in_use() -> type[Process]:
    """Of the process that the environment names, read before the settings are: triage where it cannot be."""
    name = os.environ.get("DESKHAND_PROCESS", TRIAGE)
    try:
        return Triage if name == TRIAGE else process(name).kind
    except NotUsableError:
        return Triage  # the command itself says what is wrong


@cache
def _offered(group: str) -> Mapping[str, EntryPoint]:
    """Entry points by name. Raises `NotUsableError` where two packages bring the same name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        if (other := found.setdefault(point.name, point)).value != point.value:
            raise NotUsableError(f"two packages bring {point.name!r}: {_brought_by(other)} and {_brought_by(point)}")
    return found


def _loaded(point: EntryPoint, kind: type[T]) -> T:
    try:
        found = point.load()
    except Exception as error:  # whatever a package's module does when it is imported
        fault = f"{type(error).__name__}: {error}".splitlines()[0]
        raise NotUsableError(f"{point.name!r} of {_brought_by(point)} cannot be loaded: {fault}") from error
    if not isinstance(found, kind):
        raise NotUsableError(f"{point.name!r} of {_brought_by(point)} ({point.value}) is not a {kind.__name__}")
    return found


def _brought_by(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
