"""What the lists of the inbox find, on the fake and on a real server."""

from dataclasses import replace

import pytest

from fallbacks.inbox.wanted import By, Counts, Wanted
from tasks.triage.process import HandDecision
from tests.fakes.asking import ask
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, scene


async def filled(s: Scene) -> None:
    """Two suggestions, s1 and s2, and two hand-offs, h1 and h2, a second apart."""
    await s.suggested("s1")
    await s.pass_ms(1_000)
    await s.handed_off("h1")
    await s.pass_ms(1_000)
    await s.suggested("s2")
    await s.pass_ms(1_000)
    await s.handed_off("h2")


async def found(s: Scene, wanted: Wanted) -> list[str]:
    ids, total = await s.inbox.find_ids(wanted, 0, 50)
    assert total == len(ids)
    return ids


@scene
async def test_a_list_holds_what_is_wanted_and_is_in_its_order(s: Scene) -> None:
    await filled(s)
    everything = await found(s, Wanted())
    assert sorted(everything) == ["h1", "h2", "s1", "s2"]
    assert await found(s, Wanted(descending=True)) == everything[::-1]
    assert await found(s, Wanted(by=By.SINCE)) == ["s1", "h1", "s2", "h2"]
    assert await found(s, Wanted(by=By.SINCE, descending=True)) == ["h2", "s2", "h1", "s1"]
    assert await found(s, Wanted(("queue:suggestions",), by=By.SINCE)) == ["s1", "s2"]
    assert await found(s, Wanted(without=("queue:suggestions",), by=By.SINCE)) == ["h1", "h2"]
    assert await found(s, Wanted(("queue:suggestions", "label:lost_card"))) == await found(
        s, Wanted(("queue:suggestions",))
    )
    assert await found(s, Wanted(("queue:suggestions", "label:new_loan"))) == []
    assert await found(s, Wanted(waited_ms=2_000, by=By.SINCE)) == ["s1", "h1"]


@scene
async def test_what_is_snoozed_is_in_a_list_of_its_own_until_it_wakes(s: Scene) -> None:
    await filled(s)
    await s.inbox.snooze("s1", "ann", None, 60)
    await s.inbox.snooze("h1", "ann", None, 60)
    assert await found(s, Wanted(asleep=False, by=By.SINCE)) == ["s2", "h2"]
    assert await found(s, Wanted(asleep=True, by=By.SINCE)) == ["s1", "h1"]
    assert await s.inbox.counts() == Counts(awake=2, ready=1, overdue=0, snoozed=2)
    assert await s.inbox.counts(["label:lost_card"]) == Counts(awake=1, ready=0, overdue=0, snoozed=1)
    assert await s.inbox.counts(["label:lost_card", "queue:limits"]) == Counts(awake=0, ready=0, overdue=0, snoozed=0)
    assert await s.inbox.counts(["label:new_loan", "queue:none"]) == Counts(awake=2, ready=1, overdue=0, snoozed=2)
    await s.inbox.approve("s1", "ann", None)
    await s.inbox.snooze("h1", "ann", None, 0)
    assert await s.inbox.counts() == Counts(awake=3, ready=1, overdue=0, snoozed=0)
    await s.inbox.snooze("h1", "ann", None, 60)
    await s.pass_ms(10**9)
    assert await s.inbox.counts() == Counts(awake=3, ready=1, overdue=3, snoozed=0)
    assert sorted(await found(s, Wanted(asleep=False, due_in_ms=0))) == ["h1", "h2", "s2"]


@scene
async def test_a_call_that_waits_is_ready_to_approve_beside_the_suggestions(s: Scene) -> None:
    await filled(s)
    ready = Wanted(any_of=("queue:suggestions", "queue:approvals"), asleep=False, by=By.SINCE)
    assert await found(s, ready) == ["s1", "s2"]
    await ask(s.ledger, await s.running("c1"))
    assert await found(s, ready) == ["s1", "s2", "c1"]
    assert sorted(await found(s, replace(ready, by=By.DUE))) == ["c1", "s1", "s2"]
    assert await found(s, replace(ready, facets=("label:lost_card",))) == ["s1", "s2"]
    assert await found(s, Wanted(without=ready.any_of, by=By.SINCE)) == ["h1", "h2"]
    assert (await s.inbox.counts()).ready == 3
    await s.inbox.snooze("c1", "ann", None, 60)
    assert await s.inbox.counts() == Counts(awake=4, ready=2, overdue=0, snoozed=1)
    assert await found(s, replace(ready, asleep=True)) == ["c1"]
    await s.inbox.snooze("c1", "ann", None, 0)
    served = await s.inbox.next("ann", skip=["s1", "s2"], wanted=ready)
    assert served is not None
    assert served.id == "c1"
    for name in ("s1", "s2"):
        await s.inbox.approve(name, "ann", None)
    assert await found(s, ready) == ["c1"]


@scene
async def test_what_is_assigned_is_served_to_its_person_first_and_to_nobody_else(s: Scene) -> None:
    await filled(s)
    await s.inbox.claim("h2", "ann")
    view = await s.inbox.assign("h2", "ann", None, "bob")
    assert (view.assignee, view.holder) == ("bob", None)
    assert await found(s, Wanted(("assignee:bob",))) == ["h2"]
    served = [await s.inbox.next("ann", skip=skip) for skip in ([], ["s1"], ["s1", "h1"], ["s1", "h1", "s2"])]
    assert "h2" not in [view.id for view in served if view]
    first = await s.inbox.next("bob")
    assert first is not None
    assert first.id == "h2"
    await s.inbox.decide("h2", "bob", first.version, HandDecision(label="lost_card"))
    undone = await s.inbox.undo("h2", "bob", None)
    assert undone.assignee == "bob"
    await s.inbox.assign("h2", "bob", None, "")
    assert (await s.inbox.views.ticket("h2")).assignee is None
    assert await found(s, Wanted(("assigned",))) == []
    assert await found(s, Wanted(("queue:limits",))) == await found(s, Wanted(without=("queue:suggestions",)))


@scene
async def test_what_is_given_to_a_team_waits_undecided_in_its_list(s: Scene) -> None:
    await filled(s)
    suggested, other = TRIAGE.facets(DECISION)["team"], "team:loans"
    view = await s.inbox.assign("h2", "ann", None, other)
    assert (view.given, view.assignee, view.decision) == (other, None, None)
    await s.inbox.assign("s1", "ann", None, other)
    assert await found(s, Wanted((other,), by=By.SINCE)) == ["s1", "h2"]
    assert await found(s, Wanted((f"team:{suggested}",))) == ["s2"]
    assert await found(s, Wanted(("label:lost_card", other))) == ["s1"]
    view = await s.inbox.assign("h2", "ann", None, "bob")
    assert (view.given, view.assignee) == (other, "bob")
    await s.inbox.decide("h2", "bob", None, HandDecision(label="lost_card"))
    undone = await s.inbox.undo("h2", "bob", None)
    assert (undone.given, undone.assignee) == (other, "bob")
    await s.inbox.reject("s1", "ann", None, "no")
    assert await found(s, Wanted((other,), by=By.SINCE)) == ["h2", "s1"]
    with pytest.raises(ValueError, match="there is no team 'nowhere'"):
        await s.inbox.assign("s1", "ann", None, "team:nowhere")
    for item in ("s1", "h2"):
        assert (await s.inbox.assign(item, "ann", None, "")).given is None
    assert await found(s, Wanted((other,))) == []
    assert len(await found(s, Wanted((f"team:{suggested}",)))) == 2


@scene
async def test_serve_next_passes_over_all_that_is_not_wanted(s: Scene) -> None:
    await filled(s)
    wanted = Wanted(("queue:suggestions", "label:lost_card"), due_in_ms=10**9)
    served = await s.inbox.next("ann", wanted=wanted)
    assert served is not None
    assert served.id in ("s1", "s2")
    await s.inbox.snooze(served.id, "ann", None, 60)
    other = await s.inbox.next("ann", wanted=wanted)
    assert other is not None
    assert {served.id, other.id} == {"s1", "s2"}
    assert await s.inbox.next("eve", wanted=wanted) is None
