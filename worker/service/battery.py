"""Runs the battery of `deskhand eval --battery`: a labelled file as a deployment of its own, which learns from its
train rows and is asked its test rows. Nothing of the deployment that runs it is read but its settings.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from fallbacks.ledger.states import State
from tasks.triage.taxonomy import Taxonomy
from worker.config.errors import LabelledFileError
from worker.config.settings import LOCAL, Settings, load_settings
from worker.config.yaml_taxonomy import load_taxonomy
from worker.evaluation import battery
from worker.evaluation.battery import TARGETS, Agreement, Battery, Leak
from worker.evaluation.figures import Graded, Share, summarize
from worker.evaluation.labelled import EVERY_SPLIT, Labelled, read_labelled
from worker.models.local.choice import local_model, proved
from worker.models.local.model import LocalModel
from worker.models.local.training import train
from worker.models.thresholds import Threshold
from worker.service.bench import bench
from worker.service.celery_factory import sender_app
from worker.service.embedded_valkey import EmbeddedValkey
from worker.wiring import Parts

SAMPLE = 100
"""Test rows that a worker works, too."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ground:
    """The deployment. learn, asked: its rows."""

    name: str
    settings: Settings
    taxonomy: Taxonomy
    learn: list[Labelled]
    asked: list[Labelled]


def ground(file: Path, taxonomy: Path | None, home: Path, limit: int | None = None) -> Ground:
    """Divide a file and set it up in a folder. Without train rows every fifth by its text is asked, and not learned.

    Raises `LabelledFileError` where there is nothing to learn or nothing to ask.
    """
    rows = read_labelled(file, EVERY_SPLIT)
    divided = any(row.split == "train" for row in rows)
    learn = [row for row in rows if (row.split == "train" if divided else crc32(row.ticket.text.encode()) % 5)]
    asked = [row for row in rows if row.split == "test"] or [row for row in rows if row not in learn]
    if not learn or not asked:
        raise LabelledFileError(file, 1, "has no rows to learn from, or none to ask")
    own = taxonomy or _taxonomy_of(rows, home)
    known = {label.name for label in load_taxonomy(own).labels}
    data = home / "learn.jsonl"
    lines = ({"subject": r.ticket.subject, "body": r.ticket.body, "label": r.label} for r in learn if r.label in known)
    data.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    settings = load_settings(home=home, taxonomy=own, training_data=data, models=(LOCAL,))
    return Ground(file.name, settings, load_taxonomy(own), learn, asked[:limit])


def run_battery(tried: Ground, say: Say) -> Battery:
    """All of it, in minutes for ten thousand rows."""
    began = time.perf_counter()
    say(f"learning from {len(tried.learn):,} rows")
    model = local_model(tried.settings, tried.taxonomy)
    assert model is not None  # noqa: S101 - the training data is set
    trained = time.perf_counter() - began
    say(f"asking {len(tried.asked):,} rows")
    answers = asyncio.run(_answers(tried))
    summary = summarize(LOCAL, answers)
    say(f"a worker works {min(SAMPLE, len(tried.asked))} of them, too")
    agreement = asyncio.run(_agreement(tried, answers))
    leaks = [leak for team in battery.left_out(_sizes(tried)) for leak in _leaks(tried, team, say)]
    return Battery(
        name=tried.name,
        learned=len(tried.learn),
        tickets=len(answers),
        team_right=summary.team_right,
        label_right=summary.label_right,
        kept=tuple(battery.kept(answers, _proved(model, tried.settings, target)) for target in TARGETS),
        leaks=tuple(leaks),
        outside=summary.leaked,
        marked=Share(sum(each.marked for each in answers), len(answers)),
        handed_off=Share(sum(each.strong for each in answers), len(answers)),
        agreement=agreement,
        training_seconds=trained,
        answer_seconds=summary.seconds_median,
    )


async def _answers(tried: Ground) -> list[Graded]:
    measured = bench(tried.settings)
    try:
        return (await measured.answers(tried.asked))[LOCAL]
    finally:
        await measured.aclose()


async def _agreement(tried: Ground, answers: Sequence[Graded]) -> Agreement:
    """The same rows through a worker's executor, on a store of its own."""
    step = max(1, len(tried.asked) // SAMPLE)
    pairs = list(zip(tried.asked, answers, strict=True))[::step][:SAMPLE]
    valkey = EmbeddedValkey(tried.settings.home)
    url = await asyncio.to_thread(valkey.start)
    try:
        differ = await _differing(Parts(tried.settings, sender_app(tried.settings, url), url), pairs)
    finally:
        await asyncio.to_thread(valkey.stop)
    return Agreement(len(pairs), tuple(differ))


async def _differing(parts: Parts, pairs: Sequence[tuple[Labelled, Graded]]) -> list[str]:
    try:
        return [graded.ticket_id for row, graded in pairs if await _worked(parts, row) != _said(graded)]
    finally:
        await parts.aclose()
        parts.app.close()


Outcome = tuple[State, str, str, float]
"""State, reason, suggested label, confidence."""


async def _worked(parts: Parts, row: Labelled) -> Outcome:
    accepted = await parts.ledger.accept(row.ticket, parts.settings.limits)
    await parts.executor.triage(accepted.id)
    view = await parts.views.ticket(accepted.id)
    decision = view.decision or {}
    reason = view.reason.value if view.reason else ""
    return view.state, reason, str(decision.get("label", "")), float(decision.get("confidence", 0.0))


def _said(graded: Graded) -> Outcome:
    state = State.SUGGESTED if graded.stood else State.HANDED_OFF
    return state, graded.reason, graded.suggested_label, graded.confidence


def _sizes(tried: Ground) -> list[tuple[str, int]]:
    team_of = tried.taxonomy.team_of
    return list(Counter(team_of[row.label] for row in tried.asked if team_of.get(row.label)).items())


def _leaks(tried: Ground, team: str, say: Say) -> list[Leak]:
    say(f"learning without {team}")
    team_of = tried.taxonomy.team_of
    rows = [(row.ticket.text, row.label) for row in tried.learn if team_of.get(row.label, team) != team]
    model = LocalModel.of(tried.taxonomy, train(rows, team_of), "left out")
    asked = [row for row in tried.asked if team_of.get(row.label)]
    said = model.guesses([row.ticket for row in asked])
    guesses = [(team_of[row.label], guess) for row, guess in zip(asked, said, strict=True)]
    found = []
    for target in TARGETS:
        threshold = _proved(model, tried.settings, target)
        decided = [
            (wanted, guess.team)
            for wanted, guess in guesses
            if guess.familiar and threshold.holds(guess.team, round(guess.confidence, 4))
        ]
        foreign = sum(wanted == team for wanted, _ in decided)
        known = len(decided) - foreign
        of_team = sum(wanted == team for wanted, _ in guesses)
        right = Share(sum(wanted == said for wanted, said in decided), known)
        found.append(Leak(team, target, Share(foreign, of_team), Share(known, len(guesses) - of_team), right))
    return found


def _proved(model: LocalModel, settings: Settings, target: float) -> Threshold:
    return proved(model, settings.model_copy(update={"precision": target}))


def _taxonomy_of(rows: Sequence[Labelled], home: Path) -> Path:
    """The labels of a file as a taxonomy: their teams where it names some, else a team each."""
    team_of = {row.label: str(row.row.get("team") or row.label) for row in rows}
    document = {
        "teams": [{"name": team, "description": team} for team in sorted(set(team_of.values()))],
        "labels": [{"name": name, "description": name, "team": team} for name, team in sorted(team_of.items())],
    }
    file = home / "taxonomy.yaml"
    file.write_text(json.dumps(document), "utf-8")  # which is YAML, too
    return file
