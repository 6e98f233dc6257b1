"""`deskhand eval --without TOOL`: what the tickets come to with every tool, and without each that is named."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from worker.cli.context import load
from worker.cli.output import Report, dump, progress, say, show

if TYPE_CHECKING:
    from worker.evaluation.ablation import Counted, Way, Worth
    from worker.evaluation.labelled import Labelled


def compare_tools(rows: "Sequence[Labelled]", names: Sequence[str], at_once: int, *, json: bool) -> None:
    """Work the tickets once with every tool and once without each, with the models in force, and report."""
    import asyncio

    from worker.config.models import Make
    from worker.evaluation.ablation import EVERY, way, ways, worth

    settings = load()
    if all(entry.make is Make.LOCAL for entry in settings.entries):
        raise ValueError("the local model calls no tool: set DESKHAND_MODEL to one that does")
    offered = set(settings.allowed_tools)
    every, *others = asyncio.run(_worked(rows, ways(names, offered), at_once, quiet=json))
    compared = [worth(every, other) for other in others]
    if json:
        found = [{**asdict(each), "pays": each.pays, "verdict": each.verdict} for each in compared]
        dump({"tickets": len(rows), EVERY.replace(" ", "_"): asdict(way(every)), "without": found})
    else:
        _tell(len(rows), way(every), compared)


async def _worked(
    rows: "Sequence[Labelled]", ways: list[tuple[str, ...]], at_once: int, *, quiet: bool
) -> "list[Counted]":
    from worker.cli.judgement.evaluate_cost import further
    from worker.evaluation.ablation import counted
    from worker.evaluation.run import TOTAL
    from worker.service.bench import bench

    measured = bench(load())
    done: list[Counted] = []
    try:
        with progress("working", len(rows) * len(ways), quiet=quiet) as advance:
            for number, without in enumerate(ways):
                each = counted(measured, without)
                answers = await each.bench.answers(rows, at_once, further(advance, number * len(rows)))
                each.answers = answers[TOTAL]
                done.append(each)
    finally:
        await measured.aclose()
    return done


def _tell(tickets: int, every: "Way", compared: "Sequence[Worth]") -> None:
    columns = ("with", "label", "team", "steps", "calls", "in", "out", "$ a ticket")
    table = Report(columns, title=f"{tickets:,} tickets", numeric=frozenset(columns[1:]))
    for each in (every, *(worth.way for worth in compared)):
        tokens = (f"{each.input_tokens:,.0f}", f"{each.output_tokens:,.0f}")
        right = (f"{each.right_label.value:.1%}", f"{each.right_team.value:.1%}")
        table.add(
            each.name,
            *right,
            f"{each.steps:.2f}",
            f"{each.tool_calls:.2f}",
            *tokens,
            f"{each.cost_nanodollars / 1e9:.6f}",
        )
    show(table)
    say(*(f"{each.way.name}: {each.verdict}" for each in compared))
