"""`deskhand serve`: the web process alone."""

from typing import Annotated

import typer

from worker.cli.context import load


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Start")(serve)


def serve(
    access_log: Annotated[bool, typer.Option("--access-log", help="Log every request.")] = False,
) -> None:
    """Serve `/v1`, health, metrics and the console on DESKHAND_HOST:DESKHAND_PORT until stopped."""
    from worker.config.settings import Redact
    from worker.service import web
    from worker.telemetry.logs import configure_logs

    settings = load()
    configure_logs(settings.log_format, redacted=settings.redact is not Redact.NONE)
    if not web.serve(settings, access_log=access_log):
        raise typer.Exit(1)
