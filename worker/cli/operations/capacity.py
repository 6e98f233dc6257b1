"""`deskhand capacity`: how many workers a load needs, and what it costs."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import load
from worker.cli.options import Json, seconds_of
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from worker.ops.capacity import Capacity


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(capacity)


def capacity(
    rate: Annotated[str, typer.Option(help="Tickets: 50/s, 3000/m, 100/h or 20000/d.")],
    latency: Annotated[str, typer.Option(help="How long one ticket's model calls take together, e.g. 8s.")] = "8s",
    model: Annotated[str | None, typer.Option(help="Whose prices; default: the cheapest tier in force.")] = None,
    json: Json = False,
) -> None:
    """Slots, processes, memory, store operations and dollars per day for a load, from measured constants."""
    from dataclasses import asdict

    from worker.models.makes import prices_of
    from worker.ops import capacity as needs

    settings = load()
    name = model or settings.tiers[0]
    cap = settings.limits.max_cost_nanodollars
    found = needs.capacity(needs.rate_of(rate), seconds_of(latency), needs.typical_cost(name, prices_of(settings)), cap)
    if json:
        dump({"model": name, **asdict(found), "masters": found.masters, "broker_apart": found.broker_apart})
    else:
        _print(found, name)


def _print(found: "Capacity", model: str) -> None:
    from tasks.money import format_usd
    from worker.ops.capacity import BUSY, CALLS

    table = Report(
        ("needed", "", "because"), title=f"{found.rate:g} tickets a second, {found.latency_seconds:g} s each"
    )
    table.add("slots", found.slots, f"rate x latency, {BUSY:.0%} busy on average")
    table.add(
        "worker processes", found.processes, f"{found.slots_per_process} slots each; {found.cores:g} cores in all"
    )
    table.add("memory", f"{found.memory_megabytes:,} MB", "workers and one hand-off worker")
    table.add("store operations", f"{found.store_operations:,}/s", f"{found.store_cores:.0%} of the store's one core")
    table.add(
        "tickets that come", f"{found.books_bytes_per_day / 1e9:.1f} GB a day", "whole journals; it leaves for history"
    )
    if found.day_cost is not None:
        table.add("cost", f"{format_usd(found.day_cost)} a day", f"{CALLS} typical calls a ticket on {model}")
    if found.day_worst is not None and model != "local":
        table.add(
            "cost at most", f"{format_usd(found.day_worst)} a day", "every run at MAX_COST_USD; set DAILY_BUDGET_USD"
        )
    show(table)
    say(
        f"start: {found.processes} x `deskhand worker --queues tickets,intake -c {found.slots_per_process}`, "
        "and `deskhand worker --queues handoff -c 4`",
        *_beyond_one_server(found),
    )


def _beyond_one_server(found: "Capacity") -> list[str]:
    if found.masters > 1:
        return [
            f"one store is not enough: a cluster of {found.masters} masters, and a broker apart (docker/SCALING.md)"
        ]
    return ["one server is not enough for both: set DESKHAND_BROKER_URL to another"] if found.broker_apart else []
