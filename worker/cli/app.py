"""The Typer application: it lists what `index.py` says, and imports a command's module when the command is called."""

from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from worker.cli.index import COMMANDS
from worker.cli.listing import drawn


class Commands(TyperGroup):
    """Every command, known by name and by what it is for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, listed in COMMANDS.items():
            self.add_command(TyperCommand(name=name, help=listed.help, rich_help_panel=listed.panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, in the place of what lists it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, loaded(name) if name and listed else None, rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Without Rich, which takes longer to import than all the rest."""
        options = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        panels = {"Options": options}
        for name, listed in COMMANDS.items():
            panels.setdefault(listed.panel, []).append((name, listed.help))
        formatter.write(f"\n {self.get_usage(ctx)}\n\n {self.help}\n\n")
        formatter.write("\n".join(drawn(panels)))


@cache
def loaded(name: str) -> Any:
    """A command, or a group of commands, with all that it takes; raises KeyError for no such one."""
    part = typer.Typer(rich_markup_mode="rich")
    import_module(COMMANDS[name].module).register(part)
    return typer.main.get_group(part).commands[name]


app = typer.Typer(
    name="deskhand",
    cls=Commands,
    help="One narrow AI agent on a ticket queue, made safe to leave running.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"deskhand {version('deskhand')}")
        raise typer.Exit


@app.callback()
def _deskhand(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
