"""Thresholds of tiers whose confidence is their own claim: by what people decided of what they suggested, per version.

What people closed counts as suggested wrongly, so tickets out of scope stand in it. What was decided alone is not seen
but for its audit; what people see is the harder part, and the threshold errs on the side of asking them.
"""

import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from fallbacks.kinds.ended import ended
from fallbacks.ledger.past.examples import Example
from tasks.run.process import Process
from tasks.run.prompt import Prompt
from tasks.triage.taxonomy import Taxonomy
from worker.config.models import Make, ModelEntry
from worker.config.settings import Redact, Settings
from worker.models.makes import questions_version
from worker.models.thresholds import Answered, Threshold, fitted, lower_bound
from worker.models.tier import tier_version

WORTH = 0.05
"""So much more must be covered before a threshold that still holds is left for a lower one: with another threshold a
tier earns autonomy anew."""


def basis_of(entry: ModelEntry, settings: Settings, taxonomy: Taxonomy, prompt: Prompt) -> str:
    """The version of all that a remote tier's suggestions depend on but its threshold; "" for the local tier, which
    proves its own.
    """
    if entry.make is Make.LOCAL:
        return ""
    redacted = ["redacted"] if settings.redact is Redact.MODEL else []
    return tier_version([entry.name, questions_version(entry, taxonomy) or prompt.version, taxonomy.version, *redacted])


def judged(process: Process, examples: Iterable[Example], basis: str) -> list[Answered]:
    """What people made of the suggestions of one version, the last word on each ticket."""
    suggested = [(each, each.agent or {}) for each in ended(examples).latest.values()]
    return [
        (float(agent["confidence"]), not each.closed and process.agrees(agent, each.facets))
        for each, agent in suggested
        if agent.get("basis") == basis
    ]


def refitted(answers: list[Answered], target: float, before: Threshold | None) -> Threshold:
    """The threshold from now on. before: the one in force."""
    found = fitted(answers, target)
    least = before.confidence if before and before.target == target else None
    if found.confidence is None or least is None:
        return found
    reaching = [right for confidence, right in answers if confidence >= least]
    if lower_bound(sum(reaching), len(reaching)) < target or found.covered - len(reaching) > WORTH * len(answers):
        return found
    return Threshold(target, least, len(answers), len(reaching), sum(reaching))


def claims_folder(settings: Settings) -> Path:
    """Beside the weights of the local model."""
    return settings.home / "models"


def keep_claim(folder: Path, basis: str, found: Threshold) -> None:
    """Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, suffix=".tmp")
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(asdict(found), target)
    Path(name).replace(_file(folder, basis))


def kept_claim(folder: Path, basis: str) -> Threshold | None:
    """What was found last; None where nothing was, or where it cannot be read."""
    try:
        kept = json.loads(_file(folder, basis).read_text("utf-8"))
        return Threshold(**{**kept, "groups": ()})  # a claim has one confidence for all
    except (OSError, ValueError, TypeError):
        return None


def _file(folder: Path, basis: str) -> Path:
    return folder / f"claim-{basis}.json"
