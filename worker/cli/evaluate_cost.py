"""`deskhand eval --cost`: what the tickets cost ours and the naive loop, through the simulator, at real prices."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from worker.cli.context import load
from worker.cli.output import Advance, Report, dump, progress, say, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.evaluation_cost import Arm, CostReport
    from worker.labelled import Labelled

DEFAULT_TIERS = ("local", "claude-haiku-5-5", "claude-sonnet-5-5")


def compare_costs(rows: "list[Labelled]", at_once: int, *, json: bool) -> None:
    """Work the tickets once with each part more, and tell. The last tier is the naive loop's model."""
    import asyncio

    from worker.evaluation_cost import PARTS, CostReport

    with progress("working", len(rows) * len(PARTS), quiet=json) as advance:
        arms: list[Arm] = []
        for part in PARTS:
            arms.append(asyncio.run(_worked(part, rows, at_once, _further(advance, len(arms) * len(rows)))))
    report = CostReport(len(rows), tuple(arms))
    dump({**asdict(report), "ratios": report.ratios}) if json else _tell(report)


def _further(advance: "Advance", before: int) -> "Callable[[int], None]":
    """Progress that goes on where an earlier arm ended."""
    return lambda done: advance(before + done)


async def _worked(part: str, rows: "list[Labelled]", at_once: int, advance: "Callable[[int], None]") -> "Arm":
    from worker.evaluation_cost import arm, armed
    from worker.evaluation_run import TOTAL
    from worker.evaluation_wiring import bench
    from worker.settings import LOCAL, load_settings
    from worker.simulator.server import Simulator

    tiers = load().tiers
    async with Simulator(reads_context=True) as simulator:
        settings = load_settings(
            models=tiers if any(name != LOCAL for name in tiers) else DEFAULT_TIERS,
            ANTHROPIC_API_KEY="simulated",
            ANTHROPIC_BASE_URL=simulator.url,
        )
        measured = armed(bench(settings), part)
        try:
            answers = await measured.answers(rows, at_once, advance)
        finally:
            await measured.aclose()
    return arm(part, measured, answers[TOTAL])


def _tell(report: "CostReport") -> None:
    say(
        f"{report.tickets:,} tickets; replies of the simulator, its tokens (four bytes each), real prices; what the "
        "local tier decides is real, what a model would is not"
    )
    columns = ("with", "$ per 1,000", "cheaper by", "calls a ticket", "tokens in", "from cache", "out", "undecided")
    table = Report(columns, numeric=frozenset(columns[1:]) - {"calls a ticket"})
    ratios = report.ratios
    for index, each in enumerate(report.arms):
        calls = ", ".join(f"{name} {count:.2f}" for name, count in each.calls.items())
        table.add(
            each.name if index == 0 else f"+ {each.name}",
            f"{each.cost_nanodollars / 1e6:.4f}",
            _times(ratios.get(each.name)) if index else "",
            calls,
            f"{each.input_tokens:,.0f}",
            f"{each.cache_read_tokens:,.0f}",
            f"{each.output_tokens:,.0f}",
            each.undecided,
        )
    show(table)
    say(f"together {_times(ratios['together'])} cheaper than the naive loop")


def _times(ratio: float | None) -> str:
    return "free" if ratio is None else f"{ratio:.2f}x"
