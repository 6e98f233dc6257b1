"""The list that `deskhand --help` shows is what the commands' modules bring."""

import inspect
from importlib import import_module

import typer

from worker.cli.index import COMMANDS, OF


def test_every_command_is_listed_where_it_is_and_as_its_own_help_begins() -> None:
    brought = dict[str, tuple[str, str, str]]()
    for panel, modules in OF.items():
        for module in modules:
            part = typer.Typer()
            import_module(f"worker.cli.{module}").register(part)
            for name, command in typer.main.get_group(part).commands.items():
                said, _, _ = inspect.cleandoc(command.help or "").partition("\n\n")
                brought[name] = (command.rich_help_panel or "", f"worker.cli.{module}", " ".join(said.split()))
                assert brought[name][0] == panel, name
    assert {name: (listed.panel, listed.module, listed.help) for name, listed in COMMANDS.items()} == brought
