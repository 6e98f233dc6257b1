"""Journals that earlier releases wrote stay readable, and fold to the checkpoints they folded to then."""

import json
from pathlib import Path
from typing import Any

import pytest

from fallbacks.inbox.narrate import narrate
from tasks.run import events as ev
from tests.fakes.desk import TRIAGE
from tests.fallbacks.ledger.journals.reading import folded, recorded
from worker.models.anthropic.messages import fit
from worker.models.turns import sent

FOLDER = Path(__file__).parent / "journals"
FILES = sorted(FOLDER.glob("v*.jsonl"))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_this_version_of_events_has_its_journals() -> None:
    assert FOLDER / f"v{ev.VERSION}.jsonl" in FILES


def test_the_newest_journals_have_every_type_of_event() -> None:
    written = {json.loads(event)["type"] for line in lines(FILES[-1]) for event in line["journal"]}
    assert written == {cls.type for cls in ev._TYPES.values()} - {"unreadable"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_journal_is_read_and_told_whole(path: Path) -> None:
    for line in lines(path):
        events = recorded(line["journal"])
        assert not [one for one in events if isinstance(one.event, ev.Unreadable)]
        assert len(narrate(events, TRIAGE)) > 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_folds_to_what_it_folded_to_then(path: Path) -> None:
    for line in lines(path):
        then, now = line["checkpoint"], folded(line["journal"])
        assert as_of(as_sent(then), as_sent(now)) == as_sent(then)


def as_sent(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """With its messages as they go to an API: earlier releases kept them as that wants them."""
    return {**checkpoint, "messages": sent(checkpoint["messages"], fit)}


def as_of(then: Any, now: Any) -> Any:
    """What is now, without the fields that were not there then."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {name: as_of(then[name], now[name]) for name in then if name in now}
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [as_of(*pair) for pair in zip(then, now, strict=True)]
    return now
