"""Settings of a tool's or a process's own: DESKHAND_TOOL_<NAME>_*, DESKHAND_PROCESS_<NAME>_*, typed by its model."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tasks.run.process import Process, ProcessDefinition
from tasks.run.tool import ToolDefinition
from worker.config import installed
from worker.config.described import Described
from worker.config.errors import NotUsableError, SettingsError

TOOL, PROCESS = "DESKHAND_TOOL_", "DESKHAND_PROCESS_"


@dataclass(frozen=True, slots=True)
class Namespace:
    """The variables of one tool or process. owner: in words, such as "the tool lookup_order"."""

    owner: str
    prefix: str
    model: type[BaseModel] | None

    @property
    def variables(self) -> dict[str, str]:
        """The field that each variable sets."""
        return {f"{self.prefix}{name.upper()}": name for name in self.model.model_fields} if self.model else {}

    def read(self) -> Any:
        """An instance of the model, or None without one. Raises `SettingsError`, one clear line for each fault."""
        if self.model is None:
            return None
        given = {name: os.environ[variable] for variable, name in self.variables.items() if variable in os.environ}
        values = {name: _value(self.model.model_fields[name], text) for name, text in given.items()}
        try:
            return self.model.model_validate(values)
        except ValidationError as error:
            raise SettingsError([self._line(fault["loc"], fault["msg"]) for fault in error.errors()]) from None

    def shown(self) -> dict[str, Any]:
        """What is in force, by variable; a `SecretStr` stays one. Raises `SettingsError`."""
        found = self.read()
        return {variable: getattr(found, name) for variable, name in self.variables.items()}

    def unknown(self, variable: str) -> str:
        """The line about one of its variables that sets nothing; "" for one that does."""
        there = ", ".join(self.variables) or "none"
        return "" if variable in self.variables else f"{variable}: no such setting of {self.owner}; it has {there}"

    def _line(self, place: Sequence[int | str], said: str) -> str:
        where = f"{self.prefix}{str(place[0]).upper()}" if place else self.owner
        if said == "Field required":
            return f"{where}: must be set, for {self.owner}"
        return f"{where}: {said.removeprefix('Value error, ')}"


def of_tool(name: str) -> Namespace:
    """Raises `NotUsableError`."""
    return Namespace(f"the tool {name}", f"{TOOL}{name.upper()}_", installed.tool(name).settings)


def of_process(name: str) -> Namespace:
    """Raises `NotUsableError`."""
    model = None if name == installed.TRIAGE else installed.process(name).settings
    return Namespace(f"the process {name}", f"{PROCESS}{name.upper()}_", model)


def brought_by(definition: ToolDefinition) -> Mapping[str, Any]:
    """The clients that a tool makes itself, by parameter name. Raises `SettingsError` and what its package raises."""
    if definition.make_clients is None:
        return {}
    return definition.make_clients(of_tool(definition.name).read() if definition.settings else None)


def made(brought: ProcessDefinition) -> Process:
    """The process, of its settings. Raises `SettingsError` and what its package raises."""
    return brought.make(of_process(brought.kind.name).read())


def faults(tools: Iterable[str], process: str, described: Mapping[str, Described]) -> list[str]:
    """What is wrong with these and with every variable of a namespace, a line each. tools, process: those in use.

    described: tools that no package brings; a secret that one names must be set.
    """
    try:
        found = [f"the tools file describes {name!r}, which is installed" for name in described if installed.has(name)]
        for name in tools:
            found += _unsigned(name, described[name]) if name in described else _faults_of(of_tool, name)
        found += _faults_of(of_process, process)
        found += _astray(TOOL, "tool", installed.tool_names(), of_tool)
        return found + _astray(PROCESS, "process", installed.process_names(), of_process)
    except NotUsableError as error:  # two packages bring one name: nothing more can be said
        return [str(error)]


def _faults_of(namespace: Callable[[str], Namespace], name: str) -> list[str]:
    try:
        namespace(name).read()
    except SettingsError as error:
        return error.faults
    except NotUsableError as error:
        return [str(error)]
    return []


def _unsigned(name: str, described: Described) -> list[str]:
    try:
        described.headers  # noqa: B018 - it is read
    except ValueError as error:
        return [f"the tool {name}: {error}"]
    return []


def _astray(prefix: str, kind: str, names: Iterable[str], namespace: Callable[[str], Namespace]) -> list[str]:
    """A line for each variable under `prefix` that sets nothing. The longest name that fits owns it."""
    found = []
    for variable in sorted(name for name in os.environ if name.startswith(prefix)):
        owners = [name for name in names if variable.startswith(f"{prefix}{name.upper()}_")]
        if owners:
            found.append(_unknown(namespace, max(owners, key=len), variable))
        else:
            found.append(f"{variable}: there is no {kind} of that name; there are: {', '.join(names)}")
    return [line for line in found if line]


def _unknown(namespace: Callable[[str], Namespace], name: str, variable: str) -> str:
    try:
        return namespace(name).unknown(variable)
    except NotUsableError as error:
        return str(error)


def _value(field: FieldInfo, text: str) -> Any:
    """A variable's text as pydantic reads it: a list or a mapping is JSON, or a list's items between commas."""
    kinds = {get_origin(each) or each for each in (field.annotation, *get_args(field.annotation))}
    if text.lstrip()[:1] in ("[", "{") and kinds & {list, tuple, set, frozenset, dict}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    if kinds & {list, tuple, set, frozenset}:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text.strip()
