"""What a version of the local model makes of tickets out of scope, kept beside its weights: numbers, and no text."""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tasks.ticket import MAX_BODY_CHARS, Ticket
from worker.models.local.model import Guess, LocalModel
from worker.models.outside import Outside

_WORTH = 1.5

MOST = 1_000
"""Texts that are asked, the latest ones."""


def measured(model: LocalModel, unfitting: Iterable[str], looked_at: int) -> Outside:
    """unfitting: texts of tickets that no label fits, oldest first; looked_at: tickets that people ended, in all."""
    texts = list(unfitting)
    asked = [text for text in texts if text.strip() and not model.has_learned(text)][-MOST:]
    guesses = model.guesses([Ticket(source="outside", subject="", body=text[:MAX_BODY_CHARS]) for text in asked])
    return Outside(looked_at, len(texts), tuple(sorted(map(_stood_by, guesses))))


def renew_outside(folder: Path, model: LocalModel, unfitting: Sequence[str], looked_at: int) -> None:
    """Measure and keep, where half more is known than was kept: with another threshold a tier earns autonomy anew."""
    if looked_at >= _WORTH * kept_outside(folder, model.version).looked_at:
        keep_outside(folder, model.version, measured(model, unfitting, looked_at))


def keep_outside(folder: Path, version: str, outside: Outside) -> None:
    """Whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, suffix=".tmp")
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(asdict(outside), target)
    Path(name).replace(_file(folder, version))


def kept_outside(folder: Path, version: str) -> Outside:
    """What was kept; of nothing where nothing was, or where it cannot be read."""
    try:
        raw = json.loads(_file(folder, version).read_text("utf-8"))
        return Outside(int(raw["looked_at"]), int(raw["unfitting"]), tuple(map(float, raw["confidences"])))
    except (OSError, ValueError, KeyError, TypeError):
        return Outside()


def _file(folder: Path, version: str) -> Path:
    return folder / f"outside-{version}.json"


def _stood_by(guess: Guess) -> float:
    return round(guess.confidence, 4) if guess.familiar and guess.team else 0.0
