"""Events: stored and read back the same, by this version and by others."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.run import events as ev

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BLOCKS = st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), max_size=3).map(tuple)
TYPES = [
    cls
    for cls in vars(ev).values()
    if isinstance(cls, type) and issubclass(cls, ev.Event) and cls not in (ev.Event, ev.Unreadable)
]


@pytest.mark.parametrize("cls", TYPES, ids=lambda cls: cls.__name__)
def test_an_event_survives_storage(cls: type[ev.Event]) -> None:
    stored = cls().to_json()
    assert json.loads(stored)["type"] == cls.type
    assert ev.read_event(stored, 4) == ev.Recorded(4, 0, 0, cls())


def test_no_two_events_share_a_type() -> None:
    assert len({cls.type for cls in TYPES}) == len(TYPES)
    assert all(cls.type for cls in TYPES)


@given(BLOCKS, st.text(max_size=30))
def test_a_reply_is_stored_verbatim(content: Any, stop: str) -> None:
    event = ev.ModelReplied(1, "c", content, stop, 1, 2, 3, 4, 5, 0.5)
    assert ev.read_event(event.to_json()).event == event


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=3), st.text(max_size=50))
def test_a_tool_call_is_stored_verbatim(arguments: Any, result: str) -> None:
    event = ev.ToolFinished(1, "c", "t", arguments, result)
    assert ev.read_event(event.to_json()).event == event


def test_the_ledgers_stamp_is_read() -> None:
    recorded = ev.read_event('{"at":17,"epoch":3,"type":"claimed","v":1,"owner":"w"}', 2)
    assert recorded == ev.Recorded(2, 17, 3, ev.Claimed("w"))


def test_an_unknown_type_is_kept_as_it_was() -> None:
    raw = {"type": "teleported", "v": 9, "where": "mars"}
    assert ev.read_event(json.dumps(raw)).event == ev.Unreadable(raw)
    assert isinstance(ev.read_event("{}").event, ev.Unreadable)


def test_unknown_fields_are_ignored_and_missing_ones_defaulted() -> None:
    assert ev.read_event('{"type":"claimed","v":2,"mood":"good"}').event == ev.Claimed("")
