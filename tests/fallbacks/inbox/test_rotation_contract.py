"""Items of a group in rotation go to its people in turn, and to nobody who is away."""

import json

import pytest

from fallbacks.access.users import Users
from fallbacks.inbox.rotation import Rotation, hand_over, read_day
from fallbacks.ledger.acts import Act
from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
from tasks.run import events as ev
from tests.fallbacks.scene import Scene, scene

CARDS, LOANS = "team:cards", "team:loans"


async def staffed(s: Scene) -> Rotation:
    """Ann and bob work for cards, cid for loans, eve for all; dan of cards has no password yet."""
    for name, teams, hashed in (
        ("ann", CARDS, "h"),
        ("bob", CARDS, "h"),
        ("cid", LOANS, "h"),
        ("eve", "", "h"),
        ("dan", CARDS, ""),
    ):
        stored = {"hash": hashed, "role": "reviewer", "created_ms": 0, "subject": "", "teams": [teams] if teams else []}
        await s.store.put(keys.USERS, {name: json.dumps(stored)})
    return Rotation(s.store)


async def whose(s: Scene, ticket_id: str) -> str | None:
    return (await s.inbox.views.ticket(ticket_id)).assignee


@scene
async def test_what_comes_in_goes_to_who_has_least_and_then_to_who_got_one_longest_ago(s: Scene) -> None:
    rotation = await staffed(s)
    await s.suggested("before")
    await rotation.switch("ada", [CARDS], on=True)
    assert await rotation.groups() == {CARDS}
    assert "rotation of cards on" in [change.words for change in await Control(s.store).log()]
    await s.suggested("c1")
    await s.pass_ms(10)
    await s.suggested("c2")
    await s.handed_off("none")
    await s.suggested("l1", label="new_loan", team="loans")
    assert [await whose(s, one) for one in ("before", "c1", "c2", "none", "l1")] == [None, "ann", "bob", None, None]
    said = [each.event for each in await s.inbox.views.timeline("c1")][-1]
    assert said == ev.PersonActed("rotation", Act.ASSIGN, "ann")
    await s.inbox.approve("c1", "ann", None)
    await s.inbox.undo("c1", "ann", None)
    assert await whose(s, "c1") == "ann"
    await s.inbox.reject("c1", "ann", None, "no")
    await s.inbox.assign("c1", "ann", None, "")
    assert await whose(s, "c1") is None, "what is given back stays nobody's"
    await s.inbox.assign("none", "eve", None, CARDS)
    assert await whose(s, "none") == "ann", "given to the group"
    await rotation.only("ada", [LOANS])
    await s.suggested("c3")
    assert (await whose(s, "c3"), await rotation.groups()) == (None, {LOANS})


@scene
async def test_who_is_away_is_given_nothing_and_hands_over_what_is_theirs(s: Scene) -> None:
    rotation = await staffed(s)
    now, ann = await s.store.now_ms(), await Users(s.store).get("ann")
    assert ann is not None
    await rotation.leave("ann", "ann", now + 86_400_000)
    assert (await rotation.turns([ann]))["ann"].away_until_ms == now + 86_400_000
    await rotation.switch("ada", [CARDS], on=True)
    for name in ("c1", "c2"):
        await s.suggested(name)
        assert await whose(s, name) == "bob"
    await s.pass_ms(86_400_001)
    assert (await rotation.turns([ann]))["ann"].away_until_ms is None
    await s.suggested("c3")
    assert await whose(s, "c3") == "ann"
    await s.suggested("l1", label="new_loan", team="loans")
    await s.inbox.assign("l1", "ada", None, "bob")
    await rotation.leave("ada", "bob", await s.store.now_ms() + 86_400_000)
    await s.inbox.claim("c2", "eve")
    assert await hand_over(s.inbox, "ada", "bob") == (2, 1)
    assert [await whose(s, one) for one in ("c1", "c2", "l1")] == ["ann", "bob", None]
    await rotation.leave("ada", "ann", await s.store.now_ms() + 86_400_000)
    await s.suggested("c4")
    assert await whose(s, "c4") is None, "nobody is here"
    await rotation.leave("bob", "bob", None)
    assert (await rotation.turns([ann]))["ann"].has == 2
    log = [change.words for change in await Control(s.store).log()]
    assert log[0] == "user bob: here again"


def test_a_day_is_one_to_come() -> None:
    assert read_day("2026-12-24", 0) == 1_798_070_400_000
    for wrong in ("soon", "1969-12-31"):
        with pytest.raises(ValueError, match=wrong):
            read_day(wrong, 0)
