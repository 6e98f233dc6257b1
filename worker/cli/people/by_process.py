"""Options that the process names: what a person decides, and what the inbox is filtered by.

They are read from the process only when their command runs or shows its help: loading it takes a while.
"""

from collections.abc import Iterable, Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand

if TYPE_CHECKING:
    from tasks.run.process import Process

_META = "deskhand.named_by_process"


class TakesDecision(TyperCommand):
    """A command with an option for each field of a decision by hand; see `given`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The process's, and its own."""
        fields = _process().hand.model_fields
        named = [(name, field.description or "", field.is_required()) for name, field in fields.items()]
        return [*_options(named), *super().get_params(ctx)]


class TakesFacets(TyperCommand):
    """A command with an option for each facet of the process; see `given`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The process's, and its own."""
        named = [(name, f"Only suggestions with this {name}.", False) for name in _process().facet_names]
        return [*_options(named), *super().get_params(ctx)]


def given(ctx: typer.Context) -> Mapping[str, str]:
    """What was given for the process's options, by name; what was left out is not in it."""
    found: dict[str, str] = ctx.meta.get(_META, {})
    return found


def _process() -> "type[Process]":
    from worker.wiring import Parts

    return Parts.kind


def _options(named: Iterable[tuple[str, str, bool]]) -> list[Any]:
    """Options as Typer makes them. named: of each its name, what its help says, and whether it must be given."""

    def nothing() -> None:
        pass

    parameters = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            annotation=Annotated[
                str if required else str | None,
                typer.Option(f"--{name.replace('_', '-')}", help=about, callback=_keep, expose_value=False),
            ],
            default=Parameter.empty if required else None,
        )
        for name, about, required in named
    ]
    nothing.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # what Typer reads
    nothing.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app = typer.Typer(add_completion=False)
    app.command()(nothing)
    return list(typer.main.get_command(app).params)


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: str | None) -> None:
    if value is not None:
        ctx.meta.setdefault(_META, {})[param.name] = value
