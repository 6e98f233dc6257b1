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
    document = {"plan": _rows(), "tiers": _tiers(load())}
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
            "as long as it may" if row["parks"] is None else f"up to {row['parks']}" if row["parks"] else "",
            "yes" if row["next_tier"] else "",
            row["queue"],
            row["severity"],
            "opens" if row["opens"] else "counts" if row["breaker"] else "",
        )
    tiers = Report(("tier", "model", "hands on below"), title="Tiers, cheapest first")
    for tier in document["tiers"]:
        tiers.add(tier["tier"], tier["model"], f"confidence {tier['min_confidence']}")
    show(table, tiers)


def _rows() -> list[dict[str, Any]]:
    from dataclasses import asdict

    from fallbacks.plan import PLAN

    return [{"reason": reason.value, **asdict(row)} for reason, row in PLAN.items()]


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
    from worker.wiring import remote_min_confidence

    return remote_min_confidence(settings)
