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
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="The budget of one source instead.")
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="USD|none", help="Dollars of that source per UTC month.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="N|none", help="Tickets of that source per minute.")
    ] = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """The budget of all workers together, or budget and rate of a source. A change rules the next call, or ticket."""
    if source is not None:
        _of_source(source, {"day": day, "month": month}, rate, person, as_json=json)
        return
    for option, typed in (("--month", month), ("--rate", rate)):
        if typed is not None:
            raise ValueError(f"{option} is a source's: name it with --source")
    wanted = _amount("--day", day or "none")
    found = run(lambda parts: _set(parts, person_named(person), wanted) if day is not None else _look(parts))
    if json:
        dump(found)
        return
    amount = "none" if found["daily_budget_usd"] is None else f"${found['daily_budget_usd']:.2f}"
    say(f"daily budget: {amount} ({'set at run time' if found['at_run_time'] else 'by DESKHAND_DAILY_BUDGET_USD'})")
    say(f"spent today: ${found['spent_usd_today']:.4f}, reserved ${found['reserved_usd']:.4f}")
    if found["woken"]:
        say(f"{found['woken']} tickets that waited for a budget go on")


def _of_source(
    source: str, typed: dict[str, str | None], rate: str | None, person: str | None, *, as_json: bool
) -> None:
    from tasks.money import format_usd, from_usd

    caps = {period: _amount(f"--{period}", text) for period, text in typed.items() if text is not None}
    rates = {} if rate is None else {source: _rate(rate)}
    found = run(lambda parts: _set_source(parts, person_named(person), source, caps, rates))
    if as_json:
        dump(found)
        return
    for budget in found["budgets"]:
        amounts = (budget["spent_usd"], budget["reserved_usd"], budget["budget_usd"])
        spent, held, cap = (format_usd(from_usd(amount)) for amount in amounts)
        near = "; nearly used up" if budget["near"] else ""
        say(f"{source}, this {budget['period']}: {spent} spent, {held} reserved, of {cap}{near}")
    if not found["budgets"]:
        say(f"{source} has no budget")
    if found["rate_per_minute"] is not None:
        say(f"{source} may send {found['rate_per_minute']:,} tickets a minute")
    if found["woken"]:
        say(f"{found['woken']} tickets that waited for a source's budget look again")


def _amount(option: str, typed: str) -> str | None:
    from fallbacks.operations.budget import read_amount

    try:
        return read_amount(typed)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def _rate(typed: str) -> str | None:
    from fallbacks.operations.source_budgets import read_rate

    try:
        return read_rate(typed)
    except ValueError as error:
        raise ValueError(f"--rate: {error}") from None


async def _set_source(
    parts: "Parts", who: str, source: str, caps: dict[str, str | None], rates: dict[str, str | None]
) -> dict[str, Any]:
    from fallbacks.ledger.limits.control import Control
    from fallbacks.operations.source_budgets import change_source_budget, change_source_rate
    from worker.cli.operations.source_budgets import budgets_of, rates_of

    control = Control(parts.store)
    woken = await change_source_budget(control, who, source, caps) if caps else 0
    for name, per_minute in rates.items():
        await change_source_rate(control, who, name, per_minute)
    stats = await parts.views.stats()
    budgets = [budget for budget in await budgets_of(parts, stats) if budget["source"] == source]
    in_force = rates_of(parts, stats).get(source)
    return {"source": source, "budgets": budgets, "rate_per_minute": in_force, "woken": woken}


async def _set(parts: "Parts", who: str, cap: str | None) -> dict[str, Any]:
    from fallbacks.ledger.limits.control import Control
    from fallbacks.operations.budget import change_budget

    woken = await change_budget(Control(parts.store), who, cap, parts.settings.day_cap_nanodollars)
    return {**await _look(parts), "woken": woken}


async def _look(parts: "Parts") -> dict[str, Any]:
    from fallbacks.ledger.limits.control import DAY_CAP
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
