"""The inbox keeps its contract on every store: pages, holds, and what people decide and take back."""

import asyncio
import json
from collections.abc import Callable

import pytest

from fallbacks.errors import Stale, UnknownTicket
from fallbacks.ledger.ledger import Claim
from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.triage.process import HandDecision
from tests.fallbacks.scene import DECISION, Scene, Story, scene, ticket

BY_HAND = HandDecision(label="new_loan")


@scene
async def test_a_page_is_sorted_by_urgency_and_filtered_by_facets(s: Scene) -> None:
    await s.handed_off("slow", Reason.LOOP_DETECTED)
    await s.suggested("first")
    await s.suggested("loan", label="new_loan", team="loans")
    await s.pass_ms(1_000)
    await s.suggested("last")
    everything = await s.inbox.page()
    assert ({item.id for item in everything.items}, everything.total) == ({"slow", "first", "loan", "last"}, 4)
    assert everything.items[-1].id == "last"
    for facets, found in (
        (["reason:loop_detected"], ["slow"]),
        (["queue:suggestions", "label:lost_card"], ["first", "last"]),
        (["team:loans"], ["loan"]),
        (["team:loans", "label:lost_card"], []),
    ):
        page = await s.inbox.page(facets)
        assert ([item.id for item in page.items], page.total) == (found, len(found)), facets


@scene
async def test_pages_follow_one_another(s: Scene) -> None:
    for n in range(5):
        await s.suggested(f"t{n}")
    for facets in ([], ["queue:suggestions"]):
        seen, offset = list[str](), 0
        while True:
            page = await s.inbox.page(facets, offset, 2)
            seen += [item.id for item in page.items]
            if page.next_offset is None:
                break
            offset = page.next_offset
        assert sorted(seen) == [f"t{n}" for n in range(5)]


@scene
async def test_serve_next_holds_what_nobody_else_holds(s: Scene) -> None:
    await s.suggested("t1")
    await s.pass_ms(1_000)
    await s.suggested("t2")
    mine, hers = await s.inbox.next("ann"), await s.inbox.next("eve")
    assert mine is not None
    assert hers is not None
    assert (mine.id, mine.holder, hers.id) == ("t1", "ann", "t2")
    assert await s.inbox.next("bob") is None
    again = await s.inbox.next("ann")
    assert again is not None
    assert again.id == "t1"
    assert (await s.types("t1")).count("person_acted") == 1
    await s.pass_ms(5 * 60_000)
    taken = await s.inbox.next("bob")
    assert taken is not None
    assert taken.holder == "bob"


@scene
async def test_serve_next_skips_what_is_skipped_snoozed_or_of_another_facet(s: Scene) -> None:
    await s.suggested("t1")
    await s.pass_ms(1_000)
    await s.handed_off("t2")
    skipped = await s.inbox.next("ann", skip=["t1"])
    assert skipped is not None
    assert skipped.id == "t2"
    faceted = await s.inbox.next("eve", "queue:suggestions")
    assert faceted is not None
    assert faceted.id == "t1"
    snoozed = await s.inbox.snooze("t1", "eve", None, 60)
    assert (snoozed.holder, snoozed.snoozed_until_ms is not None) == (None, True)
    assert await s.inbox.next("bob") is None
    await s.pass_ms(60_001)
    back = await s.inbox.next("bob")
    assert back is not None
    assert back.id == "t1"


@scene
async def test_a_snooze_does_not_hide_the_next_hand_off(s: Scene) -> None:
    await s.inbox.snooze("t1", "ann", await s.suggested(), 3600)
    await s.inbox.resume("t1", "ann", None, "look again", Limits())
    await s.hand_off(await s.claim())
    assert await s.inbox.next("bob") is not None


@scene
async def test_a_hold_keeps_others_from_acting(s: Scene) -> None:
    await s.suggested()
    held = await s.inbox.claim("t1", "ann")
    for act in (
        s.inbox.claim("t1", "eve"),
        s.inbox.release("t1", "eve"),
        s.inbox.approve("t1", "eve", held.version),
        s.inbox.decide("t1", "eve", held.version, BY_HAND),
        s.inbox.reject("t1", "eve", held.version, "no"),
        s.inbox.resume("t1", "eve", held.version, "", Limits()),
        s.inbox.snooze("t1", "eve", held.version, 60),
    ):
        with pytest.raises(Stale) as stale:
            await act
        assert (stale.value.holder, stale.value.version) == ("ann", held.version)
    released = await s.inbox.release("t1", "ann", held.version)
    assert released.holder is None
    assert (await s.inbox.approve("t1", "eve", released.version)).state is State.DECIDED


@scene
async def test_a_stale_version_changes_nothing(s: Scene) -> None:
    old = await s.suggested()
    await s.inbox.claim("t1", "ann", old)
    before = (await s.row(), await s.types())
    for act in (
        s.inbox.claim("t1", "ann", old),
        s.inbox.approve("t1", "ann", old),
        s.inbox.decide("t1", "ann", old, BY_HAND),
        s.inbox.reject("t1", "ann", old, "no"),
        s.inbox.resume("t1", "ann", old, "", Limits()),
    ):
        with pytest.raises(Stale):
            await act
    assert (await s.row(), await s.types()) == before


@scene
async def test_an_approval_decides_records_an_example_and_waits_to_be_told(s: Scene) -> None:
    view = await s.inbox.approve("t1", "ann", await s.suggested())
    assert view.decision is not None
    assert (view.state, view.decision["decided_by"], view.delivery) == (State.DECIDED, "ann", "pending")
    assert await s.members("inbox") == await s.members("inbox:label:lost_card") == []
    (example,) = await s.store.listed("examples", 0, -1)
    assert json.loads(example) | {"action": "approve", "by": "ann", "label": "lost_card"} == json.loads(example)
    ((_, due),) = await s.store.ranked("outbox", 0, -1)
    assert 9_000 < due - await s.store.now_ms() <= 10_000
    assert await s.store.run("take_outbox", "", 10, 1000) == []
    await s.pass_ms(10_001)
    ((message_id, flat),) = await s.store.run("take_outbox", "", 10, 1000)
    message = dict(zip(flat[::2], flat[1::2], strict=True))
    assert (message["event"], message["sequence"], message["ticket"]) == ("ticket.decided", "1", "t1")
    await s.store.run("settle_outbox", "t1", message_id, "delivered", 0)
    assert (await s.inbox.views.ticket("t1")).delivery == "delivered"


@scene
async def test_a_correction_keeps_what_was_suggested_in_the_example(s: Scene) -> None:
    view = await s.inbox.decide("t1", "ann", await s.suggested(), BY_HAND)
    assert view.decision is not None
    assert (view.decision["label"], view.decision["team"], view.decision["tier"]) == ("new_loan", "loans", "person")
    (example,) = await s.store.listed("examples", 0, -1)
    assert (json.loads(example)["proposed"], json.loads(example)["action"]) == ("lost_card", "edit")


@scene
async def test_what_cannot_be_decided_says_why(s: Scene) -> None:
    version = await s.handed_off()
    with pytest.raises(ValueError, match="no suggestion"):
        await s.inbox.approve("t1", "ann", version)
    with pytest.raises(ValueError, match="not in the taxonomy"):
        await s.inbox.decide("t1", "ann", version, HandDecision(label="weather"))
    with pytest.raises(UnknownTicket):
        await s.inbox.approve("t9", "ann", None)
    assert (await s.inbox.decide("t1", "ann", version, BY_HAND)).state is State.DECIDED


@scene
async def test_undo_within_ten_seconds_leaves_no_trace_but_the_timeline(s: Scene) -> None:
    await s.suggested()
    await s.pass_ms(60_000)
    before = await s.inbox.views.ticket("t1")
    decided = await s.inbox.decide("t1", "ann", before.version, BY_HAND)
    await s.pass_ms(9_000)
    undone = await s.inbox.undo("t1", "ann", decided.version)
    assert (undone.state, undone.decision, undone.queue, undone.delivery) == (
        State.SUGGESTED,
        DECISION,
        "suggestions",
        "none",
    )
    assert await s.members("inbox:label:lost_card") == ["t1"]
    assert undone.due_by_ms == before.due_by_ms, "the requester waits all the while"
    assert await s.store.listed("examples", 0, -1) == await s.members("outbox") == []
    assert (await s.types())[-2:] == ["decided", "person_acted"]
    with pytest.raises(ValueError, match="nothing to undo"):
        await s.inbox.undo("t1", "ann", None)


@scene
async def test_undo_gives_a_hand_off_its_reason_back(s: Scene) -> None:
    await s.handed_off("t1", Reason.LOOP_DETECTED)
    decided = await s.inbox.decide("t1", "ann", None, BY_HAND)
    undone = await s.inbox.undo("t1", "ann", decided.version)
    assert (undone.state, undone.reason, undone.detail, undone.decision) == (
        State.HANDED_OFF,
        Reason.LOOP_DETECTED,
        "why",
        None,
    )
    assert await s.members("inbox:reason:loop_detected") == ["t1"]


@scene
async def test_undo_is_refused_when_its_time_is_over(s: Scene) -> None:
    decided = await s.inbox.approve("t1", "ann", await s.suggested())
    await s.pass_ms(10_001)
    with pytest.raises(Stale):
        await s.inbox.undo("t1", "ann", decided.version)
    assert (await s.state(), len(await s.members("outbox"))) == (State.DECIDED, 1)


@scene
async def test_undo_drops_only_the_example_of_its_own_decision(s: Scene) -> None:
    await s.inbox.approve("t1", "ann", await s.suggested("t1"))
    await s.inbox.approve("t2", "ann", await s.suggested("t2"))
    await s.inbox.undo("t1", "ann", None)
    (example,) = await s.store.listed("examples", 0, -1)
    assert json.loads(example)["id"] == "t2"


@scene
async def test_a_rejected_suggestion_stays_for_a_decision_by_hand(s: Scene) -> None:
    view = await s.inbox.reject("t1", "ann", await s.suggested(), "wrong team")
    assert (view.state, view.reason, view.detail) == (State.HANDED_OFF, Reason.SUGGESTION_REJECTED, "wrong team")
    assert await s.members("inbox:queue:suggestions") == []
    assert await s.members("inbox:reason:suggestion_rejected") == ["t1"]


@scene
async def test_an_unreadable_message_can_only_be_dismissed(s: Scene) -> None:
    await s.ledger.reject("r1", "cmF3", "no subject", "intake")
    for act in (s.inbox.decide("r1", "ann", None, BY_HAND), s.inbox.resume("r1", "ann", None, "", Limits())):
        with pytest.raises(ValueError, match="could not be read"):
            await act
    assert (await s.inbox.reject("r1", "ann", None, "spam")).state is State.CANCELLED
    assert await s.members("inbox") == []


@scene
async def test_a_resumed_ticket_is_due_with_fresh_limits_on_top_of_what_was_used(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    await s.end(lease, 40)
    await s.hand_off(lease)
    view = await s.inbox.resume("t1", "ann", None, "try the other label", Limits(max_steps=2, max_cost_nanodollars=50))
    assert (view.state, view.reason, view.losses) == (State.QUEUED, None, 0)
    assert (view.limits.max_steps, view.limits.max_cost_nanodollars) == (3, 90)
    assert await s.members("inbox") == []
    assert await s.sweep() == [("triage", "t1")]
    claim = await s.ledger.claim("t1", "w2")
    assert isinstance(claim, Claim)
    assert claim.lease.epoch == 2
    await s.begin(claim.lease, 50, "c2", run_cap=claim.limits.max_cost_nanodollars)


@scene
async def test_people_send_a_ticket_to_the_agent_again_only_so_often(s: Scene) -> None:
    s.inbox.max_resumes = 2
    await s.hand_off(await s.running())
    for person in ("ann", "ben"):
        await s.inbox.resume("t1", person, None, "", Limits())
        await s.hand_off(await s.claim())
    with pytest.raises(ValueError, match=r"2 times, as often as DESKHAND_MAX_RESUMES allows \(2\): decide it by hand"):
        await s.inbox.resume("t1", "cleo", None, "", Limits())
    assert (await s.inbox.views.ticket("t1")).state is State.HANDED_OFF
    s.inbox.max_resumes = None
    assert (await s.inbox.resume("t1", "cleo", None, "", Limits())).state is State.QUEUED


@scene
async def test_a_resumed_ticket_has_no_deadline_left(s: Scene) -> None:
    await s.accept("t1", deadline_seconds=60)
    await s.pass_ms(60_001)
    await s.hand_off(await s.claim(), Reason.DEADLINE_PASSED)
    await s.inbox.resume("t1", "ann", None, "", Limits())
    assert await s.sweep() == [("triage", "t1")]


@scene
async def test_whatever_has_not_ended_can_be_cancelled_once(s: Scene) -> None:
    await s.accept("queued")
    await s.running("running")
    await s.suggested("suggested")
    for ticket_id in ("queued", "running", "suggested"):
        for _ in range(2):
            assert (await s.inbox.cancel(ticket_id, "ann")).state is State.CANCELLED
        assert (await s.types(ticket_id)).count("cancelled") == 1
    assert await s.members("due") == await s.members("inbox") == []
    assert len(await s.members("outbox")) == 3
    await s.inbox.approve("t1", "ann", await s.suggested())
    with pytest.raises(Stale):
        await s.inbox.cancel("t1", "ann")


@pytest.mark.parametrize("asleep", [49, 50, 51])  # the scripts read fifty at first
def test_the_one_free_item_is_found_behind_any_number_of_snoozed_ones(
    play: Callable[[Story], None], asleep: int
) -> None:
    async def story(s: Scene) -> None:
        async def lay_asleep(number: int) -> None:
            await s.inbox.snooze(f"t{number}", "ann", await s.suggested(f"t{number}"), 3600)

        for start in range(0, asleep, 50):
            await asyncio.gather(*(lay_asleep(number) for number in range(start, min(start + 50, asleep))))
        assert await s.inbox.next("eve") is None
        await s.pass_ms(5)
        await s.suggested("free")
        found = await s.inbox.next("eve")
        assert found is not None
        assert found.id == "free"

    play(story)


@scene
async def test_a_note_moves_nothing(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    await s.inbox.note("t1", "ann", "the customer called")
    assert (await s.state(), await s.members("due"), await s.day()) == (State.RUNNING, ["t1"], (0, 100))
    await s.end(lease, 10)
    await s.hand_off(lease)
    await s.inbox.claim("t1", "eve")
    await s.inbox.note("t1", "ann", "again")
    assert (await s.state(), await s.members("inbox")) == (State.HANDED_OFF, ["t1"])
    assert (await s.types()).count("person_acted") == 3


@scene
async def test_what_a_person_sent_back_has_a_longest_wait_again(s: Scene) -> None:
    s.inbox.max_wait_seconds = 60
    await s.handed_off("t1")
    await s.inbox.resume("t1", "ann", None, "look again", Limits())
    assert int((await s.row())["deadline"]) > await s.store.now_ms()
    await s.pass_ms(60_001)
    assert await s.sweep() == [("hand_off", "t1")]


@scene
async def test_without_a_longest_wait_it_has_none(s: Scene) -> None:
    await s.ledger.accept(ticket("t1"), Limits(), max_wait_seconds=60)
    await s.hand_off(await s.claim("t1"))
    await s.inbox.resume("t1", "ann", None, "look again", Limits())
    assert "deadline" not in await s.row()
