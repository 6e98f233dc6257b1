"""Options that the process names: what a person decides, and what the inbox is filtered by.

They are read from the process only when their command runs or shows its help: loading it takes a while.
"""

from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

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
        named = [
            (name, field.description or "", field.is_required(), not _is_text(field.annotation))
            for name, field in _process().hand.model_fields.items()
        ]
        return [*_options(named), *super().get_params(ctx)]


class TakesFacets(TyperCommand):
    """A command with an option for each facet of the process; see `given`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The process's, and its own."""
        named = [(name, f"Only suggestions with this {name}.", False, False) for name in _process().facet_names]
        return [*_options(named), *super().get_params(ctx)]


def given(ctx: typer.Context) -> Mapping[str, str]:
    """What was given for the process's options, by name; what was left out is not in it.

    `--fields NAME=VALUE` is found as `fields.NAME`. What is given several times is separated by commas.
    """
    found: dict[str, str] = ctx.meta.get(_META, {})
    return found


def facet(name: str, value: str) -> str:
    """An index of the inbox. Raises `typer.BadParameter` for a queue or reason that does not exist."""
    from fallbacks.plan import InboxQueue
    from tasks.reasons import Reason

    known = {"queue": [queue.value for queue in InboxQueue], "reason": [reason.value for reason in Reason]}
    if name in known and value not in known[name]:
        raise typer.BadParameter(f"no {name} {value!r}; there are: {', '.join(known[name])}")
    return f"{name}:{value}"


def _process() -> "type[Process]":
    from worker.config.installed import kind_in_use

    return kind_in_use()


def _is_text(kind: Any) -> bool:
    """Whether one text gives all of it, and not a part."""
    return not any(get_origin(each) in (dict, tuple) for each in (kind, *get_args(kind)))


def _options(named: Iterable[tuple[str, str, bool, bool]]) -> list[Any]:
    """Options as Typer makes them. named: of each its name, what its help says, whether it must be given, and whether
    it may be given several times.
    """

    def nothing() -> None:
        pass

    parameters = [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            annotation=Annotated[
                str if required else list[str] | None if many else str | None,
                typer.Option(f"--{name.replace('_', '-')}", help=about, callback=_keep, expose_value=False),
            ],
            default=Parameter.empty if required else None,
        )
        for name, about, required, many in named
    ]
    nothing.__signature__ = Signature(parameters)  # type: ignore[attr-defined] # what Typer reads
    nothing.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app = typer.Typer(add_completion=False)
    app.command()(nothing)
    return list(typer.main.get_command(app).params)


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: str | Sequence[str] | None) -> None:
    if not value:
        return
    kept = ctx.meta.setdefault(_META, {})
    if isinstance(value, str):
        kept[param.name] = value
    elif any("=" in each for each in value):
        kept.update({f"{param.name}.{name}": text for name, _, text in (each.partition("=") for each in value)})
    else:
        kept[param.name] = ",".join(value)
