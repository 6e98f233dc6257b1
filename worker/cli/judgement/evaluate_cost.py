"""`deskhand eval --cost`: what the tickets cost ours and the naive loop, through the simulator, at real prices."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from worker.cli.context import load
from worker.cli.output import Advance, Report, dump, progress, say, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.config.settings import Settings
    from worker.evaluation.cost import Arm, CostReport
    from worker.evaluation.labelled import Labelled

DEFAULT_TIERS = ("local", "claude-haiku-5-5", "claude-sonnet-5-5")


def compare_costs(rows: "list[Labelled]", at_once: int, *, json: bool) -> None:
    """Work the tickets once with each part added, and report. The last tier is the naive loop's model."""
    import asyncio

    from worker.evaluation.cost import PARTS, UNSURE, CostReport

    ways = [*((part, "") for part in PARTS), *(("tiers", name) for name in UNSURE)]
    with progress("working", len(rows) * len(ways), quiet=json) as advance:
        arms: list[Arm] = []
        for part, unsure in ways:
            after = further(advance, len(arms) * len(rows))
            arms.append(asyncio.run(_worked(part, unsure, rows, at_once, after)))
    report = CostReport(len(rows), tuple(arms[: len(PARTS)]), tuple(arms[len(PARTS) :]))
    dump({**asdict(report), "ratios": report.ratios}) if json else _tell(report)


def further(advance: "Advance", before: int) -> "Callable[[int], None]":
    """Progress that goes on where an earlier arm ended."""
    return lambda done: advance(before + done)


async def _worked(
    part: str, unsure: str, rows: "list[Labelled]", at_once: int, advance: "Callable[[int], None]"
) -> "Arm":
    from worker.config.settings import load_settings
    from worker.evaluation.cost import arm, armed
    from worker.evaluation.run import TOTAL
    from worker.service.bench import bench
    from worker.simulator.server import Simulator

    tiers = _simulated(load())
    async with Simulator(reads_context=True) as simulator:
        settings = load_settings(
            models=tiers,
            ANTHROPIC_API_KEY="simulated",
            ANTHROPIC_BASE_URL=simulator.url,
            OPENAI_API_KEY="simulated",
            OPENAI_BASE_URL=f"{simulator.url}/v1",
        )
        measured = armed(bench(settings), part, unsure)
        try:
            answers = await measured.answers(rows, at_once, advance)
        finally:
            await measured.aclose()
    return arm(unsure or part, measured, answers[TOTAL])


def _simulated(settings: "Settings") -> tuple[str, ...]:
    """The tiers in force where the simulator can stand for every remote one: nothing here may ask a real model."""
    from worker.config.models import Make

    remote = [entry for entry in settings.entries if entry.make is not Make.LOCAL]
    can = all(entry.make in (Make.ANTHROPIC, Make.OPENAI) and entry.url is None for entry in remote)
    return settings.tiers if remote and can else DEFAULT_TIERS


def _tell(report: "CostReport") -> None:
    say(
        f"{report.tickets:,} tickets; replies of the simulator (rules, no model: its calls, and what it has right, say "
        "nothing of a real one), its tokens (four bytes each), real prices; what the local tier decides is real"
    )
    ratios = report.ratios
    table = _table("Part by part")
    for index, each in enumerate(report.arms):
        _add(table, each.name if index == 0 else f"+ {each.name}", each, _times(ratios[each.name]) if index else "")
    show(table)
    say(f"together {_times(ratios['together'])} cheaper than the naive loop", "")
    _tell_unsure(report)


def _tell_unsure(report: "CostReport") -> None:
    """What the tiers' part would be, were the cheaper ones unsure of more: the part rests on what they decide."""
    from worker.evaluation.cost import ratio

    whole = {each.name: each for each in report.arms}
    table = _table("The tiers, if the cheaper ones were unsure of more")
    for each in report.unsure:
        _add(table, each.name, each, _times(ratio(whole["cache"], each)))
    show(table)
    together = ", ".join(f"{each.name} {_times(ratio(whole['naive'], each))}" for each in report.unsure)
    say(f"together, without duplicates: {together}")


def _table(title: str) -> Report:
    columns = ("with", "$ per 1,000", "cheaper by", "calls a ticket", "in", "cached", "out", "right team", "undecided")
    return Report(columns, title=title, numeric=frozenset(columns[1:]) - {"calls a ticket"})


def _add(table: Report, name: str, arm: "Arm", cheaper: str) -> None:
    table.add(
        name,
        f"{arm.cost_nanodollars / 1e6:.4f}",
        cheaper,
        ", ".join(f"{model} {count:.3f}" for model, count in arm.calls.items()),
        f"{arm.input_tokens:,.0f}",
        f"{arm.cache_read_tokens:,.0f}",
        f"{arm.output_tokens:,.0f}",
        f"{arm.right.value:.1%}",
        arm.undecided,
    )


def _times(ratio: float | None) -> str:
    return "free" if ratio is None else f"{ratio:.2f}x"
