"""`deskhand status`: the whole at one look."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import Session, session
from worker.cli.operations.source_budgets import budgets_of, rates_of
from worker.cli.operations.workers import seen_workers, workers_table
from worker.cli.options import Json
from worker.cli.output import Cell, Report, console, dump

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fallbacks.ledger.limits.control import Change
    from fallbacks.ledger.views import Stats
    from fallbacks.operations.breakers import Breaker
    from fallbacks.operations.fleet import Worker
    from worker.config.settings import Settings
    from worker.wiring import Parts

WATCH_SECONDS = 1.0
CHANGES_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(status)


def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again every second, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Tickets by state, oldest ages, workers, the inbox by reason, today's spend, pauses, and who switched what."""
    with session() as opened:
        if watch:
            _watch(opened, json=json)
            return
        look, settings = opened.run(_look(opened.parts)), opened.parts.settings
        if json:
            dump(status_document(look, settings))
        else:
            console().print(_screen(look, settings))


@dataclass(frozen=True, slots=True)
class Look:
    """The whole, at one moment. queues: messages nobody has read, by queue; None where the broker does not answer.

    workers: all that have not left, those that fell silent too. parked: by reason, of the first thousand. breakers: of
    the models whose calls have failed. source_budgets: as documents. source_rates: tickets a minute.
    """

    stats: "Stats"
    workers: "list[Worker]"
    queues: dict[str, int | None]
    changes: "list[Change]"
    parked: dict[str, int]
    breakers: "list[Breaker]"
    source_budgets: list[dict[str, Any]]
    source_rates: dict[str, int]


async def _look(parts: "Parts") -> Look:
    from fallbacks.ledger.limits.control import Control
    from fallbacks.operations.breakers import breakers
    from fallbacks.operations.listing import parked_for

    stats, queues = await parts.views.stats(), await parts.publisher.depths()
    changes, (parked, _) = await Control(parts.store).log(CHANGES_SHOWN), await parked_for(parts.store)
    found = await breakers(parts.store, stats, parts.settings.tiers)
    budgets = await budgets_of(parts, stats)
    rates = rates_of(parts, stats)
    return Look(stats, await seen_workers(parts), queues, changes, parked, found, budgets, rates)


def status_document(look: Look, settings: "Settings") -> dict[str, Any]:
    """The numbers as JSON; `states` always has all states."""
    from dataclasses import asdict

    from tasks.money import to_usd
    from worker.cli.documents import moment

    stats = look.stats
    cap = stats.day_cap(settings.day_cap_nanodollars)
    return {
        "at": moment(stats.now_ms),
        "states": stats.states,
        "queues": look.queues,
        "oldest_seconds": stats.oldest_seconds,
        "ended_in_store": stats.ended_here,
        "ended_oldest_seconds": stats.ended_oldest_seconds,
        "inbox": stats.inbox,
        "workers": len(stats.workers),
        "seen_workers": [asdict(worker) for worker in look.workers],
        "parked": look.parked,
        "breakers": [
            {**asdict(breaker), "next_probe_at": moment(breaker.open_until_ms or None)} for breaker in look.breakers
        ],
        "slots": stats.slots,
        "busy": sum(beat["busy"] for beat in stats.workers),
        "spent_usd_today": to_usd(stats.spent_nanodollars),
        "reserved_usd": to_usd(stats.reserved_nanodollars),
        "daily_budget_usd": None if cap is None else to_usd(cap),
        "source_budgets": look.source_budgets,
        "source_rates": look.source_rates,
        "paused": paused_queues(stats.control),
        "autonomy": stats.control.get("autonomy", settings.autonomy.value),
        "undelivered": stats.outbox,
        "alerts_due": stats.alerts,
        "counters": stats.counters,
        "control_log": [{"at": moment(change.at_ms), **asdict(change)} for change in look.changes],
    }


def paused_queues(control: dict[str, str]) -> list[str]:
    """The queues that are held now."""
    return sorted(name.removeprefix("paused:") for name in control if name.startswith("paused:"))


def _watch(opened: Session, *, json: bool) -> None:
    """Until Ctrl-C: a screen that renews itself, or JSONL."""
    import asyncio

    from rich.live import Live

    settings = opened.parts.settings
    out = console()
    try:
        if json or not out.is_terminal:
            while True:
                look = opened.run(_look(opened.parts))
                if json:
                    dump(status_document(look, settings))
                else:
                    out.print(_screen(look, settings))
                opened.run(asyncio.sleep(WATCH_SECONDS))
        with Live(console=out, screen=False, auto_refresh=False) as live:
            while True:
                live.update(_screen(opened.run(_look(opened.parts)), settings), refresh=True)
                opened.run(asyncio.sleep(WATCH_SECONDS))
    except KeyboardInterrupt:
        return


def _screen(look: Look, settings: "Settings") -> "RenderableType":
    from rich.console import Group

    from fallbacks.inbox.narrate import means
    from worker.cli.documents import moment, span
    from worker.cli.output import styled

    stats = look.stats
    states = Report(("state", "tickets", "oldest"), numeric=frozenset({"tickets", "oldest"}))
    for state, count in stats.states.items():
        oldest = span(stats.oldest_seconds.get(state)) if state not in ("decided", "closed", "cancelled") else ""
        states.add(Cell(state, "" if count else "dim"), Cell(count, "bold" if count else "dim"), oldest)
    parts: list[RenderableType] = [styled(Cell(line, style)) for line, style in _banner(stats, settings)]
    parts.append(states.table())
    if stats.inbox:
        inbox = Report(("waiting for people", "tickets", "in words"), numeric=frozenset({"tickets"}))
        for reason, count in sorted(stats.inbox.items(), key=lambda pair: -pair[1]):
            inbox.add(reason, count, means(reason) if reason != "suggestion" else "a suggestion to approve")
        parts.append(inbox.table())
    if look.workers:
        parts.append(workers_table(look.workers).table())
    waiting, figures = (*_waiting(look), *_figures(stats, settings)), (*_budgets(look), _unread(look.queues))
    parts += [styled(line) for line in (*waiting, *figures)]
    parts += [styled(Cell(f"{moment(each.at_ms)} {each.who} {each.words}", "dim")) for each in look.changes]
    return Group(*parts)


def _banner(stats: "Stats", settings: "Settings") -> list[tuple[str, str]]:
    who = f" (by {stats.control['changed_by']})" if "changed_by" in stats.control else ""
    lines = []
    if queues := paused_queues(stats.control):
        lines.append((f"PAUSED: {', '.join(queues)}{who}; `deskhand unpause` lets work go on", "bold black on yellow"))
    if "off" in (stats.control.get("autonomy"), settings.autonomy.value):
        lines.append((f"THE AGENT IS SWITCHED OFF{who}: tickets go to people", "bold white on red"))
    if "tickets" in stats.starting and not stats.slots:
        lines.append(("a worker is starting: it trains its local model first, and then takes tickets", "yellow"))
    elif not stats.slots and any(stats.states[state] for state in ("queued", "running", "parked")):
        lines.append(("no worker was seen in the last minute: `deskhand worker` starts one", "yellow"))
    return lines


def _waiting(look: Look) -> list[Cell]:
    lines = []
    if look.parked:
        said = ", ".join(f"{count} for {reason}" for reason, count in look.parked.items())
        lines.append(Cell(f"parked: {said}; `deskhand tickets --state parked` says until when"))
    for breaker in look.breakers:
        seconds = (breaker.open_until_ms - look.stats.now_ms) / 1000
        when = f"; the next call in {seconds:.0f} s" if seconds > 0 else ""
        said = f"circuit breaker of {breaker.model}: {breaker.state}, {breaker.failures} failures {breaker.reason}"
        lines.append(Cell(f"{said}{when}", "" if breaker.state == "counting" else "bold red"))
    return lines


def _figures(stats: "Stats", settings: "Settings") -> list[str]:
    from tasks.money import format_usd

    cap = stats.day_cap(settings.day_cap_nanodollars)
    budget = "no daily budget" if cap is None else f"of {format_usd(cap)}"
    held = f", {format_usd(stats.reserved_nanodollars)} reserved" if stats.reserved_nanodollars else ""
    busy = sum(beat["busy"] for beat in stats.workers)
    more = ", more are starting" if stats.starting else ""
    lines = [
        f"workers: {len(stats.workers)}, busy {busy} of {stats.slots} slots{more}",
        f"spent today: {format_usd(stats.spent_nanodollars)} ({budget}){held}",
    ]
    if stats.outbox or stats.alerts:
        lines.append(f"to deliver: {stats.outbox} webhooks, {stats.alerts} alerts")
    return lines


def _budgets(look: Look) -> list[Cell]:
    return [
        Cell(
            f"{each['source']}, this {each['period']}: ${each['spent_usd'] + each['reserved_usd']:.2f}"
            f" of ${each['budget_usd']:.2f} spent or reserved",
            "bold red" if each["near"] else "",
        )
        for each in look.source_budgets
    ] + [Cell(f"{source}: {rate:,} tickets a minute at most", "") for source, rate in look.source_rates.items()]


def _unread(queues: dict[str, int | None]) -> str:
    shown = [f"{name} {'?' if depth is None else depth}" for name, depth in queues.items() if depth != 0]
    return f"messages that nobody has read: {', '.join(shown) or 'none'}"
