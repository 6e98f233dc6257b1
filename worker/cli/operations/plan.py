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
    tiers = Report(("tier", "model", "hands on below", "by"), title="Tiers, cheapest first")
    for tier in document["tiers"]:
        least = tier["min_confidence"]
        tiers.add(tier["tier"], tier["model"], "" if least is None else f"confidence {least:g}", tier["rests_on"])
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
    """The thresholds in force, and in words what they rest on."""
    from dataclasses import asdict

    from worker.config.sources import taxonomy_file
    from worker.config.yaml_taxonomy import load_taxonomy
    from worker.models.tiers import promise_of, prompt_of

    taxonomy = load_taxonomy(taxonomy_file(settings))
    found = ((entry.name, promise_of(entry, settings, taxonomy, prompt_of(settings))) for entry in settings.entries)
    return [{"tier": number, "model": name, **asdict(promise)} for number, (name, promise) in enumerate(found, 1)]
