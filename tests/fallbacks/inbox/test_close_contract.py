"""Closing an item: it ends without a decision, upstream gets why, and ten seconds take it back; on every store."""

import json
from typing import Any

import pytest

from fallbacks.autonomy.standing import AutonomyJudge, Key, Terms
from fallbacks.errors import NotAllowed, Stale
from fallbacks.kinds.ended import read_ended
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.states import Closed, State
from fallbacks.store import keys
from tasks.reasons import Reason
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, scene

KEY = Key("lost_card", "small", "v1")


async def sent(s: Scene) -> list[tuple[str, Any]]:
    """Outcomes on their way, by sequence: (event, data)."""
    rows = [await s.store.fields(keys.message(message_id)) for message_id in await s.members("outbox")]
    rows.sort(key=lambda row: int(row["sequence"]))
    return [(row["event"], json.loads(row["body"])["data"]) for row in rows]


async def suggested_alone(s: Scene, ticket_id: str = "t1", *, blind: bool = False) -> int:
    """A suggestion that is evidence."""
    made = {"label": "lost_card", "team": "cards", "tier": "small", "version": "v1", "blind": blind}
    await s.ledger.suggest(await s.running(ticket_id), Conclusion((), DECISION, Priority.NORMAL, "", made, blind))
    return await s.version(ticket_id)


async def evidence(s: Scene) -> tuple[int, int]:
    standing = (await AutonomyJudge(s.store, TRIAGE, Terms()).standings()).get(KEY)
    return (standing.n, standing.agreements) if standing else (0, 0)


@scene
async def test_an_item_in_any_state_of_the_inbox_can_be_closed(s: Scene) -> None:
    await s.ledger.reject("bad", "cmF3", "no subject", "intake")
    for ticket_id, version in (
        ("s", await s.suggested("s")),
        ("h", await s.handed_off("h")),
        ("bad", await s.version("bad")),
    ):
        view = await s.inbox.close(ticket_id, "ann", version, Closed.SPAM)
        assert (view.state, view.closed, view.decision, view.reason) == (State.CLOSED, Closed.SPAM, None, None)
        assert (await s.types(ticket_id))[-1] == "closed"
        assert ticket_id not in await s.members("inbox")


@scene
async def test_upstream_gets_the_kind_once_it_cannot_be_undone(s: Scene) -> None:
    await s.accept("t0")
    await s.inbox.close("t1", "ann", await s.suggested(), Closed.DUPLICATE, "t0")
    assert await sent(s) == [("ticket.closed", {"id": "t1", "state": "closed", "kind": "duplicate", "of": "t0"})]
    assert await s.store.run("take_outbox", "", 10, 1000) == []
    await s.pass_ms(10_001)
    assert len(await s.store.run("take_outbox", "", 10, 1000)) == 1
    view = await s.inbox.views.ticket("t1")
    assert (view.detail, view.delivery) == ("t0", "pending")


@scene
async def test_what_cannot_be_closed_so_is_refused(s: Scene) -> None:
    version = await s.suggested()
    for kind, of, why in (
        (Closed.SPAM, "t1", "only a duplicate"),
        (Closed.DUPLICATE, "t1", "itself"),
        (Closed.DUPLICATE, "t9", "no ticket 't9'"),
    ):
        with pytest.raises(ValueError, match=why):
            await s.inbox.close("t1", "ann", version, kind, of)
    assert await s.state() is State.SUGGESTED


@scene
async def test_what_waits_for_nobody_or_is_held_cannot_be_closed(s: Scene) -> None:
    await s.accept("queued")
    with pytest.raises(Stale):
        await s.inbox.close("queued", "ann", None, Closed.OTHER)
    await s.inbox.approve("t1", "ann", await s.suggested())
    with pytest.raises(Stale):
        await s.inbox.close("t1", "ann", None, Closed.OTHER)
    await s.suggested("t2")
    await s.inbox.claim("t2", "eve")
    with pytest.raises(Stale) as stale:
        await s.inbox.close("t2", "ann", None, Closed.OTHER)
    assert stale.value.holder == "eve"


@scene
async def test_a_close_can_be_undone_by_who_made_it_and_in_time(s: Scene) -> None:
    await s.handed_off(reason=Reason.LOOP_DETECTED)
    before = await s.inbox.views.ticket("t1")
    closed = await s.inbox.close("t1", "ann", None, Closed.THANKS)
    assert closed.undo_by == "ann"
    with pytest.raises(NotAllowed):
        await s.inbox.undo("t1", "eve", None)
    back = await s.inbox.undo("t1", "ann", closed.version)
    assert (back.state, back.reason, back.queue, back.detail) == (
        before.state,
        before.reason,
        before.queue,
        before.detail,
    )
    assert (back.closed, back.undo_until_ms, await sent(s)) == (None, None, [])
    assert await s.members("inbox:reason:loop_detected") == ["t1"]
    again = await s.inbox.close("t1", "ann", back.version, Closed.THANKS)
    await s.pass_ms(10_001)
    with pytest.raises(Stale):
        await s.inbox.undo("t1", "ann", again.version)


@scene
async def test_what_the_agent_would_have_decided_is_evidence_against_it(s: Scene) -> None:
    await s.inbox.approve("a", "ann", await suggested_alone(s, "a"))
    for ticket_id, kind in (("b", Closed.SPAM), ("c", Closed.DUPLICATE)):
        await s.inbox.close(ticket_id, "ann", await suggested_alone(s, ticket_id), kind)
    await s.inbox.close("d", "ann", await s.handed_off("d"), Closed.SPAM)
    assert await evidence(s) == (2, 1)
    await s.inbox.undo("b", "ann", None)
    assert await evidence(s) == (1, 1)


@scene
async def test_what_people_close_is_out_of_scope_whoever_had_a_suggestion_and_a_duplicate_is_not(s: Scene) -> None:
    await s.inbox.approve("a", "ann", await suggested_alone(s, "a"))
    for ticket_id, kind in (("b", Closed.SPAM), ("c", Closed.DUPLICATE)):
        await s.inbox.close(ticket_id, "ann", await suggested_alone(s, ticket_id), kind)
    await s.inbox.close("d", "ann", await s.handed_off("d"), Closed.OTHER)
    found = await read_ended(Examples(s.store, TRIAGE))
    assert (len(found.latest), [each.id for each in found.unfitting(TRIAGE)]) == (3, ["b", "d"])


@scene
async def test_a_close_is_no_training_example(s: Scene) -> None:
    await s.inbox.close("a", "ann", await suggested_alone(s, "a"), Closed.SPAM)
    await s.inbox.approve("b", "ann", await suggested_alone(s, "b"))
    assert [json.loads(stored)["id"] async for stored in Examples(s.store, TRIAGE).standing()] == ["b"]


@scene
async def test_an_item_that_is_to_be_decided_blind_can_be_closed_and_comes_back_blind(s: Scene) -> None:
    await s.inbox.close("t1", "ann", await suggested_alone(s, blind=True), Closed.OTHER)
    back = await s.inbox.undo("t1", "ann", None)
    assert (back.blind, back.decision, (back.unseen or {})["label"]) == (True, None, "lost_card")


@scene
async def test_nothing_leaves_because_of_a_closed_probe(s: Scene) -> None:
    version = await suggested_alone(s)
    await s.store.put(keys.PROBES, {"t1": '{"wrong": "lost_card", "source": "t0"}'})
    await s.inbox.close("t1", "ann", version, Closed.SPAM)
    assert (await sent(s), await evidence(s)) == ([], (0, 0))
