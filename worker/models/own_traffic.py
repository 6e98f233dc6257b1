"""The screen of a deployment: its thresholds, and what is ordinary in its own tickets, learned once and kept in a file.

Its tickets are those of DESKHAND_TRAINING_DATA, where the sample taxonomy is in force the sample's; without either
nothing is known of them.
"""

import hashlib
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from tasks.safety.screen import Screen, may_be_ordinary
from tasks.safety.traffic import FORM, UNKNOWN_TRAFFIC, Traffic, learn
from worker.config.errors import LocalModelError
from worker.config.settings import Settings
from worker.config.sources import training_file
from worker.models.training_rows import read_rows


def screen_of(settings: Settings, *, works: bool) -> Screen:
    """What works here. works: False in a process that reads no ticket, which then needs no traffic either.

    Raises `LocalModelError` where the training data cannot be read.
    """
    traffic = own_traffic(settings) if works else UNKNOWN_TRAFFIC
    return Screen(settings.screen_marked_from, settings.screen_handed_off_from, traffic)


def own_traffic(settings: Settings) -> Traffic:
    """What is ordinary here."""
    data = training_file(settings)
    if data is None:
        return UNKNOWN_TRAFFIC
    try:
        key = hashlib.sha256(f"traffic, form {FORM}\n".encode() + data.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise LocalModelError(f"{error.filename}: cannot be read: {error.strerror}") from None
    file = settings.home / "models" / f"traffic-{key}.json"
    known = _load(file)
    if known is None:
        known = learn((text for text, _ in read_rows(data)), may_be_ordinary)
        _save(known, file)
    return known


def _load(file: Path) -> Traffic | None:
    try:
        raw = json.loads(file.read_text("utf-8"))
        return Traffic(frozenset(raw["words"]), raw["unknown_from"], frozenset(raw["common"]), raw["tickets"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _save(traffic: Traffic, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        json.dump(asdict(traffic), target, ensure_ascii=False, default=sorted)
    Path(name).replace(file)
