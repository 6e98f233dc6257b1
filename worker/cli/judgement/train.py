"""`deskhand train`: a new local model from people's decisions, put to work only where it proves better."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import load, run
from worker.cli.judgement.forget import forget_all, forget_erased, waiting
from worker.cli.judgement.refit import refit_claims
from worker.cli.options import Json
from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from worker.config.settings import Settings
    from worker.models.local.learning import Comparison, Material
    from worker.models.local.model import LocalModel
    from worker.models.outside import Outside
    from worker.models.tier import Tier
    from worker.models.training_rows import Row
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Judgement")(train)


def train(
    files: Annotated[list[Path] | None, typer.Argument(help="Labelled history, JSONL or CSV.")] = None,
    decisions: Annotated[bool, typer.Option(help="Learn from people's decisions in the ledger.")] = True,
    base: Annotated[bool, typer.Option(help="Keep what the first training data teaches.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare, and put nothing to work.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Put the version before to work again.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Delete every version: after an erasure, nothing learned is left.")
    ] = False,
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="A round of learning by itself, as DESKHAND_RETRAIN_HOURS has it.")
    ] = False,
    versions: Annotated[bool, typer.Option("--versions", help="List what was promoted.")] = False,
    thresholds: Annotated[
        bool,
        typer.Option("--thresholds", help="Only prove anew from where remote tiers stand, by people's decisions."),
    ] = False,
    json: Json = False,
) -> None:
    """Retrain the local model and promote it if learning beats the present one on decisions that neither had seen."""
    settings = load()
    if versions:
        _tell_versions(settings, json=json)
    elif rollback:
        _roll_back(settings, json=json)
    elif forget:
        forget_all(settings, json=json)
    elif thresholds:
        refit_claims(json=json, alone=True)
    elif scheduled:
        refit_claims(json=json, alone=False)
        _take_round(settings, json=json)
    else:
        refit_claims(json=json, alone=False)
        history = _history(files or [], decisions=decisions)
        _train(settings, history, base=base, decisions=decisions, dry_run=dry_run, json=json)


def _train(
    settings: "Settings", decided: "list[Row]", *, base: bool, decisions: bool, dry_run: bool, json: bool
) -> None:
    from worker.config.sources import taxonomy_file, training_file
    from worker.config.yaml_taxonomy import load_taxonomy
    from worker.models.local.choice import models_folder, proved, versions_of
    from worker.models.local.learning import compare, enough, fresh, material, version_of
    from worker.models.local.model import LocalModel
    from worker.models.local.outside_file import keep_outside, renew_outside
    from worker.models.local.training import train as learn
    from worker.models.outside import Outside
    from worker.models.training_rows import read_rows

    taxonomy = load_taxonomy(taxonomy_file(settings))
    team_of = taxonomy.team_of
    data = training_file(settings)
    first = read_rows(data) if base and data else []
    given = material(first, decided, team_of)
    before = _at_work(settings)
    seen = run(_ended) if decisions else None
    if before is not None and seen is not None:
        renew_outside(models_folder(settings), before, *seen)
    enough(given, before)
    complain(f"testing forward on {len(fresh(given, before)):,} decisions that the model at work has not learned from")
    verdict = compare(given, before, team_of)
    complain(f"learning from {len(given.learn):,} tickets")
    parameters = learn(given.learn, team_of)
    candidate = LocalModel.of(taxonomy, parameters, "candidate")
    outside = _outside(candidate, seen) if seen is not None else Outside()
    keep_outside(models_folder(settings), candidate.version, outside)
    stands = proved(candidate, settings)
    promoted = None
    if verdict.better and not dry_run:
        earlier = _earning(settings)
        promoted = versions_of(settings).promote(parameters, version_of(verdict, len(given.learn)))
        keep_outside(models_folder(settings), promoted.name, outside)
        _carry(settings, earlier)
        forget_erased(settings, promoted)
    document = {
        **{name: getattr(verdict, name) for name in ("held_out", "right", "right_before", "wins", "losses")},
        "e_value": verdict.e_value,
        "p_value": verdict.p_value,
        "better": verdict.better,
        "promoted": promoted.name if promoted else None,
        "learned_from": len(given.learn),
        "unknown_labels": given.unknown,
        "threshold": {**asdict(stands), "in_words": str(stands)},
    }
    if json:
        dump(document)
    else:
        _tell(verdict, given, promoted.name if promoted else "", dry_run=dry_run)
        say(f"{settings.precision:.0%} right, by tickets held out of its training: {stands}")


def _take_round(settings: "Settings", *, json: bool) -> None:
    from worker.config.sources import taxonomy_file
    from worker.config.yaml_taxonomy import load_taxonomy
    from worker.models.local.choice import models_folder, school
    from worker.models.local.learning import examples_from
    from worker.models.local.model import LocalModel
    from worker.models.local.outside_file import keep_outside, renew_outside
    from worker.models.local.rounds import Happened

    taxonomy = load_taxonomy(taxonomy_file(settings))
    ours, earlier = school(settings, taxonomy), _earning(settings)
    happened = ours.round(examples_from(run(latest)))
    shadow = ours.versions.shadow() if happened.happened is Happened.SHADOWED else None
    if shadow is not None:
        answers = LocalModel.of(taxonomy, ours.versions.load(shadow), shadow.name)
        keep_outside(models_folder(settings), shadow.name, _outside(answers, run(_ended)))
    if happened.happened is Happened.PROMOTED:
        _carry(settings, earlier)
        forget_erased(settings, ours.versions.current())
    if (model := _at_work(settings)) is not None:
        renew_outside(models_folder(settings), model, *run(_ended))
    dump(asdict(happened)) if json else say(happened.words)


def _earning(settings: "Settings") -> str:
    """The version for which the local tier earns autonomy now; "" where there is none."""
    tier = _local_tier(settings)
    return tier.version if tier else ""


def _carry(settings: "Settings", earlier: str) -> None:
    """Let what works from now on take over the evidence of what worked, where both answer the same."""
    tier = _local_tier(settings)
    if tier is not None and earlier:
        run(lambda parts: _carried(parts, earlier, tier))


async def _carried(parts: "Parts", earlier: str, tier: "Tier") -> None:
    from fallbacks.autonomy.carried import carry
    from worker.models.local.carrying import left_by
    from worker.models.local.model import LocalModel
    from worker.models.makes import local_tier

    model, given = local_tier(parts.settings, parts.taxonomy)[0], parts.examples
    if isinstance(model, LocalModel):
        examples = await given.latest(CARRIED_FROM)
        left = left_by(model, tier.min_confidence, parts.process, examples)
        await carry(parts.store, ("local", earlier), tier.version, examples, left)


CARRIED_FROM = 20_000
"""The latest decisions, that a version may take over."""


def _local_tier(settings: "Settings") -> "Tier | None":
    """As workers make it; None where no tier is local, or it cannot be made."""
    from tasks.triage.prompt import built_in
    from worker.config.errors import LocalModelError
    from worker.config.models import Make
    from worker.config.sources import taxonomy_file
    from worker.config.yaml_taxonomy import load_taxonomy
    from worker.models.tiers import make_tier
    from worker.telemetry.tracing import NoTracing

    taxonomy = load_taxonomy(taxonomy_file(settings))
    for entry in settings.entries:
        if entry.make is Make.LOCAL:
            try:
                return make_tier(entry, settings, taxonomy, built_in(settings.remote_min_confidence), NoTracing())
            except LocalModelError:
                return None
    return None


def _at_work(settings: "Settings") -> Any:
    """The model at work; None where there is none that fits this taxonomy."""
    from worker.config.errors import LocalModelError
    from worker.config.sources import taxonomy_file
    from worker.config.yaml_taxonomy import load_taxonomy
    from worker.models.local.choice import local_model

    try:
        return local_model(settings, load_taxonomy(taxonomy_file(settings)))
    except LocalModelError as error:
        complain(f"nothing to compare with: {error}")
        return None


def _history(files: list[Path], *, decisions: bool) -> "list[Row]":
    """Files first, then people's decisions: the later word stands."""
    from worker.evaluation.labelled import read_labelled

    rows = [(each.ticket.text, each.label) for file in files for each in read_labelled(file, "all")]
    if decisions:
        from worker.models.local.learning import examples_from

        rows += examples_from(run(examples))
    return rows


async def examples(parts: "Parts") -> list[dict[str, Any]]:
    """People's decisions in the ledger, oldest first."""
    import json

    return [json.loads(stored) async for stored in parts.examples.standing()]


async def _ended(parts: "Parts") -> "tuple[list[str], int]":
    """The texts that no label fits, oldest first, and how many tickets people ended."""
    from fallbacks.kinds.ended import read_ended

    found = await read_ended(parts.examples)
    return [example.text for example in found.unfitting(parts.process)], len(found.latest)


def _outside(model: "LocalModel", seen: "tuple[list[str], int]") -> "Outside":
    from worker.models.local.outside_file import measured

    return measured(model, *seen)


async def latest(parts: "Parts") -> list[dict[str, Any]]:
    """The last of them, as many as a round looks at."""
    import json
    from collections import deque

    from worker.models.local.rounds import MOST_DECISIONS

    kept = deque[str](maxlen=MOST_DECISIONS)
    async for stored in parts.examples.standing():
        kept.append(stored)
    return [json.loads(stored) for stored in kept]


def _tell(verdict: "Comparison", given: "Material", promoted: str, *, dry_run: bool) -> None:
    say(
        f"learning routed {verdict.right} of {verdict.held_out} later decisions as people do; the model at work "
        f"{verdict.right_before}",
        f"better on {verdict.wins}, worse on {verdict.losses}: e-value {verdict.e_value:.3g}, 20 needed",
    )
    if given.unknown:
        say(f"{given.unknown} rows were left out: the taxonomy does not have their label")
    if promoted:
        say(f"promoted {promoted}: workers take it up within seconds; what it answers the same stays earned")
    elif verdict.better and dry_run:
        say("it would be promoted; this was a dry run")
    else:
        say("not promoted: it did not prove better")


def _roll_back(settings: "Settings", *, json: bool) -> None:
    from worker.models.local.choice import versions_of

    now = versions_of(settings).rollback()
    if json:
        dump({"current": now.name if now else None})
    else:
        say(f"{now.name if now else 'the model from the training data'} works again, within seconds")


def _tell_versions(settings: "Settings", *, json: bool) -> None:
    from worker.models.local.choice import versions_of

    kept = versions_of(settings)
    current = kept.current()
    marked = run(waiting) if current else 0
    if json:
        versions = [asdict(each) for each in kept.all()]
        dump({"current": current.name if current else None, "versions": versions, "erasures_since": marked})
        return
    table = Report(("version", "trained", "learned from", "compared on", "right", "better / worse", "p at most"))
    for each in kept.all():
        name = f"{each.name} (at work)" if current and each.name == current.name else each.name
        differ = f"{each.wins} / {each.losses}"
        table.add(name, each.trained_at, each.learned_from, each.held_out, each.right, differ, f"{each.p_value:.3g}")
    show(table)
    if marked:
        say(f"{marked} erasures since: these versions may have learned from what was erased (--forget deletes them)")
    if current is None:
        say("at work: the model from the training data")
