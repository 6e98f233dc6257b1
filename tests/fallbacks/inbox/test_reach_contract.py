"""Who works for some teams is served and counts the items of these and of none, and what is theirs by name."""

import json

import pytest

from fallbacks.errors import OtherGroup
from fallbacks.inbox.reach import reach_of, read_groups
from fallbacks.inbox.wanted import Wanted
from fallbacks.store import keys
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.scene import TRIAGE, Scene, scene

CARDS, LOANS = "team:cards", "team:loans"


async def filled(s: Scene) -> None:
    """Of cards, of loans, of nobody, given to loans by a person, and blind."""
    await s.suggested("cards", team="cards")
    await s.suggested("loans", label="new_loan", team="loans")
    await s.handed_off("none")
    await s.handed_off("given")
    await s.inbox.assign("given", "lea", None, LOANS)


@scene
async def test_lists_serving_and_counts_hold_their_own_and_what_is_nobodys(s: Scene) -> None:
    await filled(s)
    reach = reach_of(TRIAGE, "ann", [CARDS])
    ids, total = await s.inbox.find_ids(reach.narrowed(Wanted()), 0, 50)
    assert (sorted(ids), total) == (["cards", "none"], 2)
    assert (await s.inbox.counts(reach.unseen)).awake == 2
    served = [await s.inbox.next("ann", skip=skip, unseen=reach.unseen) for skip in ([], ["cards"], ["cards", "none"])]
    assert [view and view.id for view in served] == ["cards", "none", None]
    everything = reach_of(TRIAGE, "ann", [])
    assert (await s.inbox.find_ids(everything.narrowed(Wanted()), 0, 50))[1] == 4
    assert (await s.inbox.counts(everything.unseen)).awake == 4


@scene
async def test_what_is_left_to_them_by_name_is_theirs_whatever_its_team(s: Scene) -> None:
    await filled(s)
    reach = reach_of(TRIAGE, "ann", [CARDS])
    with pytest.raises(OtherGroup) as refused:
        reach.check(await s.inbox.views.ticket("given"))
    assert refused.value.group == LOANS
    await s.inbox.assign("loans", "lea", None, "ann")
    reach.check(await s.inbox.views.ticket("loans"))
    assert (await s.inbox.find_ids(reach.narrowed(Wanted(("assignee:ann",))), 0, 50))[0] == ["loans"]
    served = await s.inbox.next("ann", unseen=reach.unseen)
    assert served is not None
    assert served.id == "loans"
    await s.inbox.approve("loans", "ann", None)
    reach.check(await s.inbox.views.ticket("loans"))  # to correct or undo it
    with pytest.raises(OtherGroup):
        reach_of(TRIAGE, "bob", [CARDS]).check(await s.inbox.views.ticket("loans"))


@scene
async def test_what_another_version_put_there_is_found_and_takes_its_place(s: Scene) -> None:
    """Its processes know no index of what is of no team."""
    await filled(s)
    reach = reach_of(TRIAGE, "ann", [CARDS])
    facets = json.loads((await s.row("none"))["facets"])
    if not isinstance(s.store, MemoryStore):  # the fake looks through all there is
        await s.command("ZREM", keys.inbox_facet("team:"), "none", of="none")
        await s.command("HSET", keys.ticket("none"), "facets", json.dumps(facets[:-1]), of="none")
    served = await s.inbox.next("ann", skip=["cards"], unseen=reach.unseen)
    assert served is not None
    assert served.id == "none"
    assert (await s.inbox.find_ids(reach.narrowed(Wanted(descending=True)), 0, 50))[1] == 2
    assert json.loads((await s.row("none"))["facets"]) == facets
    assert await s.store.ranked(keys.inbox_facet("team:"), 0, -1) == [("none", float(served.due_by_ms or 0))]
    await s.inbox.assign("none", "ann", None, LOANS)
    assert await s.store.sizes([keys.inbox_facet("team:")]) == [0]


def test_groups_are_read_as_people_write_them() -> None:
    assert read_groups(TRIAGE, ["cards", LOANS, CARDS]) == (CARDS, LOANS)
    with pytest.raises(ValueError, match="there is no team 'nobody'"):
        read_groups(TRIAGE, ["nobody"])
