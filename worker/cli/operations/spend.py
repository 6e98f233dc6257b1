"""`deskhand spend`, `deskhand senders` and `deskhand quality`: what it costs, who sends, and how well it goes."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasks.money import format_usd, to_usd
from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.ledger.sums.figures import Day
    from fallbacks.operations.quality import Quality
    from fallbacks.operations.senders import Senders
    from worker.wiring import Parts

DAY_SECONDS = 86_400
NEAR_SHARE = 0.8

Days = Annotated[int, typer.Option("--days", min=2, max=62, help="So many UTC days, this one included.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (spend, senders, quality):
        app.command(rich_help_panel="Operations")(command)


def spend(days: Days = 7, json: Json = False) -> None:
    """Dollars by UTC day beside the budget, and today's against yesterday's by model, source and kind of decision.

    Read from the figures that are kept by day: two reads a day, however many tickets there were.
    """
    found = run(lambda parts: _spend(parts, days))
    if json:
        dump(found)
        return
    table = Report(("day", "spent", "budget", "share"), numeric=frozenset({"spent", "budget", "share"}))
    for day in found["days"]:
        share = "" if day["share"] is None else f"{day['share']:.0%}"
        table.add(day["day"], _usd(day["spent_usd"]), _usd(day["budget_usd"]), share)
    show(table)
    for what in ("model", "source", "kind"):
        by = Report((what, "today", "yesterday"), numeric=frozenset({"today", "yesterday"}))
        for row in found["by"][what]:
            by.add(row["name"], _usd(row["today_usd"]), _usd(row["yesterday_usd"]))
        show(by)
    say(f"at this pace today comes to {_usd(found['pace_usd'])}; yesterday was {_usd(found['days'][-2]['spent_usd'])}")
    if found["near"]:
        say(f"over {NEAR_SHARE:.0%} of today's budget is spent or reserved: `deskhand budget --day USD` changes it")


def _usd(amount: float | None) -> str:
    from tasks.money import from_usd

    return "" if amount is None else format_usd(from_usd(amount))


async def _spend(parts: "Parts", count: int) -> dict[str, Any]:
    from fallbacks.ledger.sums.figures import SPENT_BY, days_of

    stats, days = await parts.views.stats(), await days_of(parts.store, count)
    cap = stats.day_cap(parts.settings.day_cap_nanodollars)
    gone = (stats.now_ms / 1000 % DAY_SECONDS) / DAY_SECONDS
    return {
        "days": [_day(day, cap if day is days[-1] else day.cap) for day in days],
        "by": {what: _against_yesterday(days[-1].by.get(what), days[-2].by.get(what)) for what in SPENT_BY},
        "pace_usd": to_usd(int(days[-1].spent / max(gone, 0.01))),
        "near": cap is not None and stats.spent_nanodollars + stats.reserved_nanodollars >= NEAR_SHARE * cap,
    }


def _day(day: "Day", cap: int | None) -> dict[str, Any]:
    return {
        "day": _date(day.number),
        "spent_usd": to_usd(day.spent),
        "budget_usd": None if cap is None else to_usd(cap),
        "share": day.spent / cap if cap else None,
    }


def _against_yesterday(today: Counter[str] | None, yesterday: Counter[str] | None) -> list[dict[str, Any]]:
    now, then = today or Counter[str](), yesterday or Counter[str]()
    names = sorted({*now, *then}, key=lambda name: (-now[name], -then[name], name))
    return [
        {"name": name, "today_usd": to_usd(now[name]), "yesterday_usd": to_usd(then[name])}
        for name in names
        if now[name] or then[name]
    ]


def _date(day: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(day * DAY_SECONDS, UTC):%Y-%m-%d}"


def senders(json: Json = False) -> None:
    """Who sends, and who floods: each requester's and source's share of what was accepted within an hour.

    A sample: the last 2,000 tickets at most.
    """
    from dataclasses import asdict

    found: Senders = run(_senders)
    if json:
        dump(asdict(found))
        return
    numeric = frozenset({"tickets", "share"})
    by_who = Report(("requester", "source", "tickets", "share"), numeric=numeric)
    for each in found.requesters:
        by_who.add(each.who, each.source, each.tickets, f"{each.share:.0%}")
    by_source = Report(("source", "tickets", "share"), numeric=numeric)
    for each in found.sources:
        by_source.add(each.source, each.tickets, f"{each.share:.0%}")
    show(by_who, by_source)
    say(f"of {found.tickets} tickets accepted within {found.seconds:.0f} s")


async def _senders(parts: "Parts") -> "Senders":
    from fallbacks.operations.senders import senders as read

    return await read(parts.store)


def quality(days: Days = 7, json: Json = False) -> None:
    """Agreement and coverage by UTC day and version: of model, prompt, taxonomy and threshold together.

    Coverage is of all runs of the days; agreement of the last 2,000 decisions. What changed: `control log`.
    """
    rows = run(lambda parts: _quality(parts, days))
    if json:
        dump([_quality_document(row) for row in rows])
        return
    numeric = frozenset({"runs", "coverage", "judged", "agreement"})
    table = Report(("day", "version", "runs", "coverage", "judged", "agreement"), numeric=numeric)
    for row in rows:
        table.add(_date(row.day), row.version, row.runs, _share(row.coverage), row.judged, _share(row.agreement))
    show(table)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _quality_document(row: "Quality") -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(row), "day": _date(row.day), "coverage": row.coverage, "agreement": row.agreement}


async def _quality(parts: "Parts", count: int) -> "list[Quality]":
    from fallbacks.ledger.sums.figures import days_of
    from fallbacks.operations.quality import quality as read

    return await read(parts.examples, await days_of(parts.store, count))
