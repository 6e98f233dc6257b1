"""The Typer application: which module brings which commands."""

from typing import Annotated

import typer

from worker.cli.judgement import evaluate, labels, prompts, regress, replay, train
from worker.cli.operations import (
    audit,
    budget,
    capacity,
    control,
    doctor,
    drill,
    erase,
    history,
    keys,
    plan,
    report,
    retry,
    spend,
    status,
    tools,
    users,
    webhooks,
    why,
    workers,
)
from worker.cli.people import export, inbox
from worker.cli.start import processes, simulator
from worker.cli.tickets import cancel, listing, message, search, shard, show
from worker.cli.tickets import enqueue as tickets
from worker.cli.tickets import import_mail as mail

app = typer.Typer(
    name="deskhand",
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


for commands in (
    processes,
    simulator,
    tickets,
    cancel,
    mail,
    listing,
    message,
    search,
    show,
    shard,
    inbox,
    export,
    status,
    why,
    audit,
    erase,
    capacity,
    doctor,
    drill,
    tools,
    control,
    budget,
    spend,
    report,
    workers,
    retry,
    plan,
    history,
    keys,
    webhooks,
    users,
    evaluate,
    labels,
    train,
    replay,
    regress,
    prompts,
):
    commands.register(app)
