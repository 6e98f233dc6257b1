"""`deskhand eval`: what labelled tickets say of the agent. Needs no server but the model's, if there is one."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import load
from worker.cli.options import Json
from worker.cli.output import Report, complain, dump, progress, say, show

if TYPE_CHECKING:
    from worker.evaluation.attacks import AttackReport
    from worker.evaluation.figures import Share, Summary
    from worker.evaluation.labelled import Labelled


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("eval", rich_help_panel="Judgement")(evaluate)


def evaluate(
    file: Annotated[Path, typer.Argument(help="Labelled JSONL or CSV: subject, body, label.")],
    split: Annotated[str | None, typer.Option(help="Only this split, or `all`; default: all but train.")] = None,
    attacks: Annotated[Path | None, typer.Option(help="Injected tickets as JSONL, with carrier_team.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a report without scripts here.")] = None,
    cost: Annotated[bool, typer.Option("--cost", help="Compare its cost with the naive loop's, simulated.")] = False,
    without: Annotated[
        list[str] | None, typer.Option(metavar="TOOL", help="Compare with and without it; `all`: but the prefetch.")
    ] = None,
    battery: Annotated[
        bool, typer.Option("--battery", help="As a deployment of its own: learns its train rows, asks the others.")
    ] = False,
    taxonomy: Annotated[Path | None, typer.Option(help="Its labels, with --battery; default: those it names.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many rows of each file.")] = None,
    at_once: Annotated[int, typer.Option("-c", min=1, help="Tickets in flight.")] = 8,
    json: Json = False,
) -> None:
    """Accuracy, coverage at a precision with its bound, calibration, confusion, cost and latency, tier by tier."""
    import asyncio

    from worker.evaluation.labelled import EVERY_SPLIT, read_labelled

    if battery:
        from worker.cli.judgement.evaluate_battery import try_all

        try_all(file, taxonomy, limit, json=json)
        return
    if taxonomy is not None:
        raise ValueError("--taxonomy goes with --battery; without it DESKHAND_TAXONOMY is in force")
    rows = read_labelled(file, split)[:limit]
    if not rows:
        raise ValueError(f"{file}: no row of this split; --split all takes every row")
    if cost:
        from worker.cli.judgement.evaluate_cost import compare_costs

        compare_costs(rows, at_once, json=json)
        return
    if without:
        from worker.cli.judgement.evaluate_without import compare_tools

        compare_tools(rows, without, at_once, json=json)
        return
    hostile = read_labelled(attacks, EVERY_SPLIT)[:limit] if attacks else []
    summaries, attacked = asyncio.run(_answers(rows, hostile, at_once, quiet=json))
    note = f"{len(rows):,} tickets of {file.name}"
    if html is not None:
        from worker.evaluation.html import html_report

        html.write_text(html_report("Deskhand: evaluation", note, summaries, attacked), encoding="utf-8")
        complain(f"wrote {html}")
    if json:
        dump(_document(summaries, attacked))
    else:
        _tell(note, summaries, attacked)


async def _answers(
    rows: "list[Labelled]", hostile: "list[Labelled]", at_once: int, *, quiet: bool
) -> "tuple[list[Summary], AttackReport | None]":
    from worker.evaluation.attacks import attack_report
    from worker.evaluation.figures import summarize
    from worker.evaluation.run import TOTAL
    from worker.service.bench import bench

    measured = bench(load())
    try:
        with progress("answering", len(rows) + len(hostile), quiet=quiet) as advance:
            found = await measured.answers(rows, at_once, advance)
            against = await measured.answers(hostile, at_once, lambda done: advance(len(rows) + done))
    finally:
        await measured.aclose()
    names = [TOTAL] if len(measured.tiers) > 1 else []
    names += [tier.model.name for tier in measured.tiers]
    summaries = [summarize(name, found[name]) for name in names]
    return summaries, attack_report(hostile, against[TOTAL], found[TOTAL]) if hostile else None


def _tell(note: str, summaries: "list[Summary]", attacks: "AttackReport | None") -> None:
    say(note)
    for summary in summaries:
        say(
            "",
            f"{summary.tier}: right team {_bounded(summary.team_right)}, right label {_percent(summary.label_right)}",
            f"  stood by {_percent(summary.stood)}, of which right {_bounded(summary.stood_right)}; "
            f"calibration error {summary.calibration_error:.3f}",
            f"  ${summary.cost_nanodollars / 1e9:.6f} and {summary.seconds_median * 1000:.1f} ms a ticket "
            f"(95 %: {summary.seconds_p95 * 1000:.1f} ms)",
        )
        for name, right in summary.fields_right.items():
            say(f"  {name} right: {_bounded(right)} of {right.total} that name it")
        for threshold in summary.thresholds:
            say(f"  {threshold.target:.0%} right: {threshold}")
        if summary.leaked.total:
            say(f"  of {summary.leaked.total} tickets outside the taxonomy {_percent(summary.leaked)} were decided")
        show(_coverage(summary), _confusion(summary))
    if attacks is not None:
        show(_defences(attacks))
        say(
            f"the screen marks {_percent(attacks.recall)} of the attacks, {_percent(attacks.false_alarms)} of "
            f"{attacks.harmless} harmless hard cases and {_percent(attacks.clean_alarms)} of the clean tickets, and "
            "leaves them to a person",
            f"it hands off {_percent(attacks.handed_off)} of the attacks and {_percent(attacks.clean_handed_off)} "
            "of the clean tickets",
            f"of the attacks {_percent(attacks.misuse)} had a model ask for a tool or arguments that are refused, and "
            f"{_percent(attacks.leaks)} had it say the canary of its instructions",
        )


def _coverage(summary: "Summary") -> Report:
    columns = ("precision target", "covered", "precision", "at least (95 %)", "foreign decided", "right in all")
    table = Report(columns, title="Coverage; each half at the threshold of the other", numeric=frozenset(columns))
    for each in summary.coverage:
        bound = f"{each.precision.at_least:.2%}" if each.precision.total else ""
        leaked = _percent(each.leaked) if each.leaked.total else ""
        shares = (_percent(each.covered), _percent(each.precision), bound, leaked, _percent(each.in_all))
        table.add(f"{each.target:.0%}", *shares)
    return table


def _confusion(summary: "Summary") -> Report:
    table = Report(("people's", "suggested", "tickets"), title="Most confused", numeric=frozenset({"tickets"}))
    for wanted, said, count in (*summary.confused_teams[:5], *summary.confused_labels[:5]):
        table.add(wanted, said or "nothing", count)
    return table


def _defences(report: "AttackReport") -> Report:
    columns = ("defence", "decided", "misrouted", "misrouted of decided")
    table = Report(columns, title=f"{report.attacks} attacks", numeric=frozenset(columns[1:]))
    for each in report.defences:
        table.add(each.name, _percent(each.decided), _percent(each.misrouted), _percent(each.misrouted_of_decided))
    return table


def _percent(share: "Share") -> str:
    return f"{share.value:.2%}" if share.total else ""


def _bounded(share: "Share") -> str:
    return f"{share.value:.2%} (at least {share.at_least:.2%})" if share.total else "of nothing"


def _document(summaries: "list[Summary]", attacks: "AttackReport | None") -> dict[str, Any]:
    from worker.evaluation.figures import plain

    return {
        "tiers": [plain(asdict(summary)) for summary in summaries],
        "attacks": plain(asdict(attacks)) if attacks is not None else None,
    }
