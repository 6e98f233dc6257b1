"""The messages of a ticket as people read them."""

from typing import Any

import pytest

from fallbacks.inbox.said import messages_of
from tasks.run import events as ev


def added(at_ms: int, body: str, **fields: Any) -> ev.Recorded:
    message = {"id": f"m{at_ms}", "body": body, **fields}
    return ev.Recorded(0, at_ms, 0, ev.MessageAdded(message, "", "mail"))


def test_they_stand_in_the_order_in_which_they_were_written() -> None:
    late = added(2_000_000_000_000, "First.", received_at="2026-01-05T09:00:00Z")
    found = messages_of([added(1_900_000_000_000, "Second."), ev.Recorded(0, 1, 0, ev.Claimed()), late])
    assert [said.body for said in found] == ["First.", "Second."]
    assert found[0].added_ms == 2_000_000_000_000


def test_a_time_in_the_future_is_when_it_was_added() -> None:
    (found,) = messages_of([added(1000, "Hello.", received_at="2099-01-01T00:00:00Z")])
    assert found.at_ms == 1000


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("Yes.\n\n> Is it lost?\n> Really?\n", [("Yes.", False), ("> Is it lost?\n> Really?", True)]),
        ("> Is it?\nYes.\n> Sure?\nNo.", [("> Is it?", True), ("Yes.", False), ("> Sure?", True), ("No.", False)]),
        ("a > b", [("a > b", False)]),
    ],
    ids=["below", "between", "no quote"],
)
def test_quotes_are_told_from_own_words(body: str, parts: list[tuple[str, bool]]) -> None:
    (found,) = messages_of([added(1, body)])
    assert list(found.parts) == parts


def test_who_wrote_it_is_named() -> None:
    named = added(1, "Hello.", author={"name": "Ann", "email": "ann@example.com"})
    assert [said.who for said in messages_of([named, added(2, "Hello.")])] == ["Ann", "the requester"]
