"""`deskhand plan`: the whole failure plan, and the tiers with their thresholds."""

from typing import TYPE_CHECKING, Any

import typer

from worker.cli.context import load
from worker.cli.options import Json
from worker.cli.output import Report, dump, show

if TYPE_CHECKING:
    from worker.config.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(plan)


def plan(json: Json = False) -> None:
    """What follows from each reason why a run could not finish; and which models are tried."""
    settings = load()
    document = {"plan": _rows(settings), "tiers": _tiers(settings), "bounds": _bounds(settings)}
    if json:
        dump(document)
        return
    columns = ("reason", "in words", "retry", "park", "next tier", "inbox queue", "alert", "breaker")
    table = Report(columns, title="The failure plan: tried from left to right; what is left goes to a person")
    for row in document["plan"]:
        table.add(
            row["reason"],
            row["means"],
            row["retries"] or "",
            _waits(row),
            "yes" if row["next_tier"] else "",
            row["queue"],
            row["severity"],
            "opens" if row["opens"] else "counts" if row["breaker"] else "",
        )
    tiers = Report(("tier", "model", "hands on below"), title="Tiers, cheapest first")
    for tier in document["tiers"]:
        tiers.add(tier["tier"], tier["model"], f"confidence {tier['min_confidence']}")
    bounds = Report(("bound", "setting", "of"), title="Waiting and working are bounded apart")
    for bound in document["bounds"]:
        bounds.add(
            bound["bound"], f"{bound['setting']}={'none' if bound['most'] is None else bound['most']}", bound["of"]
        )
    show(table, tiers, bounds)


def _waits(row: dict[str, Any]) -> str:
    waits, seconds = row["waits"]["most"], row["waits"]["seconds"]
    if row["waits"]["until_midnight"]:
        return "until midnight UTC, or its deadline"
    if waits is None:
        return "as long as it may"
    return f"up to {waits}: {seconds:g} s" if waits or row["parks"] else ""


def _rows(settings: "Settings") -> list[dict[str, Any]]:
    """waits: how many of its waits fit into what a ticket may wait, and their seconds together."""
    from dataclasses import asdict

    from fallbacks.inbox.bounds import waits_that_fit
    from fallbacks.plan import PLAN

    return [
        {"reason": reason.value, **asdict(row), "waits": asdict(waits_that_fit(reason, row, settings.max_wait_seconds))}
        for reason, row in PLAN.items()
    ]


def _bounds(settings: "Settings") -> list[dict[str, Any]]:
    waited = "seconds queued and parked, by the store's time; then people get it"
    return [
        {"bound": "waiting", "setting": "DESKHAND_MAX_WAIT_SECONDS", "most": settings.max_wait_seconds, "of": waited},
        {
            "bound": "working",
            "setting": "DESKHAND_MAX_SECONDS",
            "most": settings.max_seconds,
            "of": "seconds in which a worker holds it",
        },
    ]


def _tiers(settings: "Settings") -> list[dict[str, Any]]:
    return [
        {"tier": number, "model": name, "min_confidence": _least(name, settings)}
        for number, name in enumerate(settings.tiers, 1)
    ]


def _least(name: str, settings: "Settings") -> float | None:
    """The threshold in force; the local model's own is read where its libraries are."""
    from worker.config.settings import LOCAL

    if settings.min_confidence is not None:
        return settings.min_confidence
    if name == LOCAL:
        try:
            from worker.models.local.model import MIN_CONFIDENCE
        except ImportError:  # the extra is not installed; `deskhand doctor` says so
            return None
        return MIN_CONFIDENCE
    return settings.remote_min_confidence
