"""`deskhand budget`: the fleet's budget of the day, looked at and changed while it works."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json, Person, person_named
from worker.cli.output import dump, say

if TYPE_CHECKING:
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(budget)


def budget(
    day: Annotated[
        str | None,
        typer.Option("--day", metavar="USD|none", help="Dollars per UTC day; none: what the settings say again."),
    ] = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """The budget of all workers together. A change rules the next model call; raising it wakes what waits for it."""
    from fallbacks.operations.budget import read_amount

    try:
        wanted = read_amount(day or "none")
    except ValueError as error:
        raise ValueError(f"--day: {error}") from None
    found = run(lambda parts: _set(parts, person_named(person), wanted) if day is not None else _look(parts))
    if json:
        dump(found)
        return
    amount = "none" if found["daily_budget_usd"] is None else f"${found['daily_budget_usd']:.2f}"
    say(f"daily budget: {amount} ({'set at run time' if found['at_run_time'] else 'by DESKHAND_DAILY_BUDGET_USD'})")
    say(f"spent today: ${found['spent_usd_today']:.4f}, reserved ${found['reserved_usd']:.4f}")
    if found["woken"]:
        say(f"{found['woken']} tickets that waited for a budget go on")


async def _set(parts: "Parts", who: str, cap: str | None) -> dict[str, Any]:
    from fallbacks.ledger.control import Control
    from fallbacks.operations.budget import change_budget

    woken = await change_budget(Control(parts.store), who, cap, parts.settings.day_cap_nanodollars)
    return {**await _look(parts), "woken": woken}


async def _look(parts: "Parts") -> dict[str, Any]:
    from fallbacks.ledger.control import DAY_CAP
    from tasks.money import to_usd

    stats = await parts.views.stats()
    stored = stats.control.get(DAY_CAP)
    cap = stats.day_cap(parts.settings.day_cap_nanodollars)
    return {
        "daily_budget_usd": None if cap is None else to_usd(cap),
        "at_run_time": stored is not None,
        "spent_usd_today": to_usd(stats.spent_nanodollars),
        "reserved_usd": to_usd(stats.reserved_nanodollars),
        "woken": 0,
    }
