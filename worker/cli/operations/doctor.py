"""`deskhand doctor`: is this deployment ready, and if not, what to change."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import load, session
from worker.cli.options import Json
from worker.cli.output import Cell, Report, dump, say, show

if TYPE_CHECKING:
    from worker.ops.doctor import Check

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(doctor)


def doctor(
    settings: Annotated[bool, typer.Option("--settings", help="Every setting, too, secrets masked.")] = False,
    probe: Annotated[bool, typer.Option("--probe", help="Also make one cheap call to each remote model.")] = False,
    json: Json = False,
) -> None:
    """Check settings, store, broker, models, receivers and workers; say what to change. Sends nothing to anybody.

    With --probe one small call to each remote model is sent.
    """
    from dataclasses import asdict

    shown, checks = _examined(probe=probe)
    ready = all(check.verdict != "fail" for check in checks)
    if json:
        dump({"ready": ready, "checks": [asdict(check) for check in checks], "settings": shown})
    else:
        _print(shown if settings else {}, checks)
        warnings = sum(check.verdict == "warn" for check in checks)
        warned = {0: "", 1: ", with 1 warning"}.get(warnings, f", with {warnings} warnings")
        say(f"ready{warned}" if ready else "not ready")
    if not ready:
        raise typer.Exit(1)


def _examined(*, probe: bool) -> "tuple[dict[str, str], list[Check]]":
    from worker.config.errors import SettingsError
    from worker.ops.doctor import SETTINGS_CHECKS, failed, shown_settings
    from worker.ops.doctor_models import probed
    from worker.ops.doctor_parts import examine
    from worker.ops.doctor_settings import CHECKS

    try:
        settings = load()
    except SettingsError as error:
        return {}, [failed("settings", fault, "correct the environment") for fault in error.faults]
    checks = [check(settings) for check in (*SETTINGS_CHECKS, *CHECKS)]
    try:
        with session() as opened:
            checks += opened.run_unwatched(examine(opened.parts))
            checks += opened.run_unwatched(probed(opened.parts)) if probe else []
    except SettingsError as error:
        checks += [failed("store", fault, "as it says") for fault in error.faults]
    return shown_settings(settings), checks


def _print(settings: dict[str, str], checks: "list[Check]") -> None:
    shown = Report(("setting", "value"), title="Settings")
    for name, value in settings.items():
        shown.add(name, value)
    table = Report(("check", "", "found", "what to change"), title="Checks")
    for check in checks:
        table.add(check.name, Cell(check.verdict.value, _STYLES[check.verdict.value]), check.found, check.change)
    show(table, *([shown] if settings else []))
