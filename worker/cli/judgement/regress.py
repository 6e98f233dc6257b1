"""`deskhand regress`: the tickets that people decided, before a change and after it. Exit 1: worse by rule."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import load, run
from worker.cli.options import Json, PromptChoice
from worker.cli.output import Cell, Report, complain, dump, progress, say, show

if TYPE_CHECKING:
    from tasks.run.prompt import Prompt
    from worker.config.settings import Settings
    from worker.evaluation.figures import Graded
    from worker.evaluation.labelled import Labelled
    from worker.evaluation.regression import Regression

MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """The change that is tried; None: as it is now."""

    model: str | None = None
    taxonomy: Path | None = None
    prompt: "Prompt | None" = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Judgement")(regress)


def regress(
    file: Annotated[Path | None, typer.Argument(help="Labelled JSONL; default: people's decisions.")] = None,
    model: Annotated[str | None, typer.Option(metavar="M", help="Try this model in the place of all tiers.")] = None,
    taxonomy: Annotated[Path | None, typer.Option(metavar="F", help="Try this taxonomy.")] = None,
    prompt: PromptChoice = None,
    limit: Annotated[int, typer.Option(min=1, help="Only the last so many tickets.")] = 500,
    at_once: Annotated[int, typer.Option("-c", min=1, help="Tickets in flight.")] = 8,
    json: Json = False,
) -> None:
    """Gate a change of model, taxonomy or prompt on the tickets that people decided.

    With --model, --taxonomy or --prompt the change is compared with what works now; without any, what works now is
    compared with what was proposed then. Exit 1: worse by rule. Nothing is written.
    """
    import asyncio

    found, note = asyncio.run(
        _compared(_tickets(file), Tried(model, taxonomy, _prompt(prompt, model)), limit, at_once, quiet=json)
    )
    if json:
        figures = {"p_fewer_right": found.p_fewer_right, "p_more_harm": found.p_more_harm, "worse": found.worse}
        dump({**asdict(found), **figures, "compared": note})
    else:
        _tell(found, note)
    if found.worse:
        raise typer.Exit(1)


def _prompt(given: str | None, model: str | None) -> "Prompt | None":
    from worker.cli.judgement.prompts import chosen, complain_of_unread, is_version
    from worker.config.prompt_file import load_prompt

    if given is None:
        return None
    complain_of_unread(load().tiers if model is None else (model,))
    return run(lambda parts: chosen(parts, given)) if is_version(given) else load_prompt(Path(given))


def _tickets(file: Path | None) -> "list[Labelled]":
    if file is not None:
        from worker.evaluation.labelled import read_labelled

        return read_labelled(file)
    from worker.cli.judgement.train import examples
    from worker.evaluation.regression import decided_rows

    return decided_rows(run(examples))


async def _compared(
    rows: "list[Labelled]", tried: Tried, limit: int, at_once: int, *, quiet: bool
) -> "tuple[Regression, str]":
    from worker.config.sources import taxonomy_file
    from worker.config.yaml_taxonomy import load_taxonomy
    from worker.evaluation.regression import recorded_answers, regression, unlearned
    from worker.service.bench import settings_with

    now = load()
    changed = {} if tried.taxonomy is None else {"taxonomy": tried.taxonomy}
    then = settings_with(tried.model, **changed)
    if _has_learned(now) or _has_learned(then):
        rows = unlearned(rows)
        complain(f"{len(rows):,} tickets that `deskhand train` keeps from every version")
    rows = rows[-limit:]
    if tried == Tried():
        before = recorded_answers(rows, load_taxonomy(taxonomy_file(now)))
        after = await _answers(now, rows, at_once, "now", quiet=quiet)
        return regression(before, after, cost_known=False), "then: what was proposed; now: what works"
    before = await _answers(now, rows, at_once, "before", quiet=quiet)
    after = await _answers(then, rows, at_once, "after", quiet=quiet, prompt=tried.prompt)
    return regression(before, after), "then: what works; now: the change"


def _has_learned(settings: "Settings") -> bool:
    """Whether a version that learned from people's decisions has a part in it."""
    from worker.config.settings import LOCAL
    from worker.models.local.choice import versions_of

    return LOCAL in settings.tiers and versions_of(settings).current() is not None


async def _answers(
    settings: "Settings",
    rows: "list[Labelled]",
    at_once: int,
    name: str,
    *,
    quiet: bool,
    prompt: "Prompt | None" = None,
) -> "list[Graded]":
    from worker.evaluation.run import TOTAL
    from worker.service.bench import bench

    measured = bench(settings, prompt)
    try:
        with progress(name, len(rows), quiet=quiet) as advance:
            return (await measured.answers(rows, at_once, advance))[TOTAL]
    finally:
        await measured.aclose()


def _tell(found: "Regression", note: str) -> None:
    from tasks.money import format_usd

    say(f"{found.tickets:,} tickets decided by people; {note}")
    if found.left_out:
        say(f"{found.left_out:,} more were left out: one of the taxonomies does not have their label")
    table = Report(
        ("", "then", "now", "gained", "lost", "p"), numeric=frozenset({"then", "now", "gained", "lost", "p"})
    )
    for name, pair, p in (
        ("routed as people do", found.right, found.p_fewer_right),
        ("stood by and wrong", found.harm, found.p_more_harm),
    ):
        table.add(name, pair.before, pair.after, pair.gained, pair.lost, f"{p:.3g}")
    costs = ("" if cost is None else format_usd(round(cost)) for cost in (found.cost_before, found.cost_after))
    table.add("cost per ticket", *costs, "", "", "")
    show(table, _differences(found))
    say(
        f"{'worse' if found.worse else 'not proved worse'}: the rule fails a change where chance would lose so many "
        "right routes, or add so many wrong decisions, with probability 0.05 or less (exact paired sign test)"
    )


def _differences(found: "Regression") -> Report:
    title = f"{len(found.differences)} come out otherwise"
    table = Report(("ticket", "people's", "then", "now", ""), title=title)
    for each in found.differences[:MOST_SHOWN]:
        verdict = Cell(each.verdict, {"worse": "red", "better": "green"}.get(each.verdict, ""))
        table.add(each.ticket_id, each.label, each.before or "nothing", each.after or "nothing", verdict)
    return table
