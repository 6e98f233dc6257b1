"""The ledger keeps its contract on every store: claims, steps, effects, and who may not write any more."""

import pytest

from fallbacks.ledger.ledger import Claim, Lease
from fallbacks.ledger.states import State
from tasks.errors import EffectUnknown, LeaseLost
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tests.fallbacks.scene import MODEL, Scene, replied, scene


@scene
async def test_a_claim_brings_all_that_is_needed(s: Scene) -> None:
    await s.accept("t1", deadline_seconds=60)
    claim = await s.ledger.claim("t1", "w1")
    assert isinstance(claim, Claim)
    assert (claim.lease, claim.ticket.id, claim.limits, claim.losses) == (Lease("t1", 1, "w1"), "t1", Limits(), 0)
    assert claim.deadline_ms is not None
    assert claim.deadline_ms - claim.now_ms <= 60_000
    assert [type(recorded.event) for recorded in claim.journal] == [ev.Accepted, ev.Claimed]


@scene
async def test_what_is_running_or_at_rest_cannot_be_claimed(s: Scene) -> None:
    await s.running("t1")
    assert await s.ledger.claim("t1", "w1") == "running"
    await s.suggested("t2")
    assert await s.ledger.claim("t2", "w1") == "suggested"
    await s.inbox.cancel("t1", "ann")
    assert await s.ledger.claim("t1", "w1") == "cancelled"
    assert await s.ledger.claim("t9", "w1") == "unknown"


@scene
async def test_a_paused_queue_gives_nothing_and_loses_nothing(s: Scene) -> None:
    await s.accept("t1")
    await s.store.put("control", {"paused:tickets": "1"})
    assert await s.ledger.claim("t1", "w1") == "paused"
    assert isinstance(await s.ledger.claim("t1", "w1", "handoff"), Claim)


@scene
async def test_a_claim_whose_answer_was_lost_gets_it_again(s: Scene) -> None:
    await s.accept("t1")
    args = ("w1", 30_000, "tickets", "claim-id", ev.Claimed("w1").to_json())
    first = await s.store.run("claim", "t1", *args)
    again = await s.store.run("claim", "t1", *args)
    assert first[:2] == again[:2] == ["ok", "1"]
    assert await s.types() == ["accepted", "claimed"]


@scene
async def test_a_step_renews_a_lease_that_was_not_renewed_lately(s: Scene) -> None:
    s.ledger.lease_ms = 3_600_000
    lease = await s.running()
    young = (await s.row())["lease"]
    await s.begin(lease, 100)
    assert (await s.row())["lease"] == young, "only just made"
    for _ in range(2):
        await s.pass_ms(s.ledger.lease_ms * 2 // 3)
        await s.end(lease, 30)
        await s.begin(lease, 100)
    await s.pass_ms(s.ledger.lease_ms * 2 // 3)
    assert await s.sweep() == []


@scene
async def test_a_lost_result_is_settled_in_full_by_the_next_step(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100, "c1")
    await s.begin(lease, 50, "c2")
    assert (await s.day(), (await s.row())["spent"]) == ((100, 50), "100")
    assert await s.types() == ["accepted", "claimed", "step_started", "call_lost", "step_started"]
    with pytest.raises(LeaseLost):
        await s.end(lease, 1, "c1")


@scene
async def test_a_cost_above_its_bound_is_charged_and_counted(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 10)
    await s.end(lease, 15)
    assert await s.day() == (15, 0)
    assert (await s.store.fields("n"))["bound_violations"] == "1"


@scene
async def test_an_effect_is_done_once(s: Scene) -> None:
    lease = await s.running()
    assert await s.ledger.begin_effect(lease, "k", "refund", (), key_honoured=False) is None
    await s.ledger.end_effect(lease, "k", "result")
    await s.ledger.end_effect(lease, "k", "another")
    assert await s.ledger.begin_effect(lease, "k", "refund", (), key_honoured=False) == "result"
    assert await s.types() == ["accepted", "claimed", "effect_begun", "effect_ended"]


@scene
async def test_a_lost_effect_is_repeated_only_where_its_key_is_honoured(s: Scene) -> None:
    lease = await s.running()
    for key in ("honoured", "other"):
        await s.ledger.begin_effect(lease, key, "refund", (), key_honoured=False)
    note = ev.RepairAsked(1, "", "said meanwhile")
    assert await s.ledger.begin_effect(lease, "honoured", "refund", (note,), key_honoured=True) is None
    with pytest.raises(EffectUnknown):
        await s.ledger.begin_effect(lease, "other", "refund", (), key_honoured=False)
    assert await s.types() == ["accepted", "claimed", "effect_begun", "effect_begun", "repair_asked"]


@scene
async def test_a_stale_epoch_and_a_stale_owner_are_refused_on_every_write(s: Scene) -> None:
    lease = await s.running("t1", "w1")
    await s.begin(lease, 10)
    await s.ledger.begin_effect(lease, "k", "refund", (), key_honoured=True)
    before = (await s.row(), await s.types(), await s.day(), await s.store.fields("effects:t1"))
    for stale in (Lease("t1", lease.epoch - 1, "w1"), Lease("t1", lease.epoch, "w2"), Lease("t9", 1, "w1")):
        writes = (
            s.begin(stale, 10, "c2"),
            s.end(stale, 5),
            s.ledger.begin_effect(stale, "k2", "refund", (), key_honoured=True),
            s.ledger.end_effect(stale, "k", "r"),
            s.ledger.park(stale, (), Reason.DAILY_BUDGET, 0),
            s.ledger.release(stale, (), "why"),
            s.hand_off(stale),
        )
        for write in writes:
            with pytest.raises(LeaseLost):
                await write
        assert await s.ledger.renew(stale.owner, [stale]) == {stale.ticket_id}
    assert (await s.row(), await s.types(), await s.day(), await s.store.fields("effects:t1")) == before


@scene
async def test_a_cancelled_ticket_stops_its_worker_at_the_next_write(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 10)
    await s.inbox.cancel("t1", "ann")
    with pytest.raises(LeaseLost):
        await s.ledger.end_step(lease, "c1", 3, (replied("c1", 3),), model=MODEL, health="well")
    assert (await s.day(), await s.state()) == ((10, 0), State.CANCELLED)
