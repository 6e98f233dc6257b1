"""The ledger keeps its contract on every store: leaving a run, renewing, sweeping, deadlines."""

import json

import pytest

from fallbacks.ledger.ledger import Conclusion, Lease, Ledger
from fallbacks.ledger.move import AlertRaised, ByWorker, Move
from fallbacks.ledger.states import State
from fallbacks.plan import Severity
from fallbacks.store.cluster.store import ClusterStore
from tasks.errors import LeaseLost
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, message, scene, ticket


@scene
async def test_a_lost_lease_says_when_its_worker_was_last_heard_of(s: Scene) -> None:
    await s.running()
    await s.pass_ms(s.ledger.lease_ms + 5_000)
    ended = int((await s.row())["lease"])
    await s.sweep()
    event = json.loads((await s.store.journal("t1"))[-1])
    assert (event["type"], event["heard_ms"]) == ("lease_expired", ended - s.ledger.lease_ms)


@scene
async def test_a_parked_run_comes_back_when_its_time_has_come(s: Scene) -> None:
    lease = await s.running()
    await s.ledger.park(lease, (), Reason.MODEL_OVERLOADED, await s.store.now_ms() + 5_000)
    assert (await s.state(), await s.sweep()) == (State.PARKED, [])
    await s.pass_ms(5_001)
    assert await s.sweep() == [("triage", "t1")]
    assert (await s.state(), (await s.types())[-2:]) == (State.QUEUED, ["parked", "unparked"])
    assert (await s.claim(owner="w2")).epoch == 2
    assert (await s.row())["losses"] == "0"


@scene
async def test_parking_settles_a_call_in_flight_in_full(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    await s.ledger.park(lease, (), Reason.DAILY_BUDGET, await s.store.now_ms() + 5_000)
    assert (await s.day(), (await s.row())["spent"]) == ((100, 0), "100")


@scene
async def test_a_released_ticket_is_due_at_once_and_counts_no_loss(s: Scene) -> None:
    await s.ledger.release(await s.running(), (), "stopping")
    assert await s.sweep() == [("triage", "t1")]
    row = await s.row()
    assert (row["state"], row["losses"], "owner" in row, "lease" in row) == ("queued", "0", False, False)


@scene
async def test_a_suggestion_waits_in_the_inbox_under_its_facets(s: Scene) -> None:
    await s.suggested()
    for index in ("s:suggested", "inbox", "inbox:queue:suggestions", "inbox:label:lost_card", "inbox:team:cards"):
        assert await s.members(index) == ["t1"], index
    assert await s.members("due") == []
    assert json.loads((await s.row())["decision"]) == DECISION


@scene
async def test_an_agents_decision_stands_and_is_told(s: Scene) -> None:
    outbox = message()
    await s.ledger.decide(await s.running(), Conclusion((), DECISION, Priority.HIGH), outbox)
    assert (await s.state(), await s.members("outbox")) == (State.DECIDED, [outbox[0].id])
    assert await s.members("due") == await s.members("inbox") == []
    assert (await s.store.fields("n"))["decided_auto"] == "1"


@scene
async def test_a_hand_off_writes_state_inbox_alert_and_outbox_together(s: Scene) -> None:
    lease, outbox = await s.running(), message()
    await s.begin(lease, 100)
    await s.hand_off(lease, Reason.LOOP_DETECTED, outbox)
    assert (await s.state(), await s.day()) == (State.HANDED_OFF, (100, 0))
    for index in ("inbox", "inbox:queue:review", "inbox:reason:loop_detected"):
        assert await s.members(index) == ["t1"], index
    assert await s.members("alerts") == ["loop_detected"]
    assert (await s.store.fields("n"))["alerts_raised"] == "1"
    assert await s.members("outbox") == [outbox[0].id]
    assert (await s.types())[-2:] == ["call_lost", "handed_off"]


@scene
async def test_a_move_whose_answer_was_lost_is_made_once(s: Scene) -> None:
    lease = await s.running()
    by, alert = ByWorker(lease.epoch, lease.owner), AlertRaised(Reason.STEP_LIMIT, Severity.WARNING)
    header = Move(State.HANDED_OFF, (State.RUNNING,), by, (), alert=alert).to_header("op1")
    first = await s.store.run("move", "t1", header, '{"type":"handed_off"}')
    again = await s.store.run("move", "t1", header, '{"type":"handed_off"}')
    assert first[:2] == again[:2] == ["ok", "handed_off"]
    assert (await s.store.fields("n"))["alerts_raised"] == "1"
    assert (await s.types()).count("handed_off") == 1


@scene
async def test_one_renewal_keeps_all_leases_of_a_process(s: Scene) -> None:
    leases = [await s.running(f"t{n}", "w1") for n in range(3)]
    await s.pass_ms(20_000)
    assert await s.ledger.renew("w1", leases) == set()
    await s.pass_ms(20_000)
    assert await s.sweep() == []
    assert await s.ledger.renew("w1", []) == set()


@scene
async def test_a_renewal_names_the_leases_that_are_gone(s: Scene) -> None:
    kept, gone = await s.running("t1", "w1"), await s.running("t2", "w1")
    await s.inbox.cancel("t2", "ann")
    assert await s.ledger.renew("w1", [kept, gone]) == {"t2"}


@scene
async def test_a_live_lease_is_left_alone(s: Scene) -> None:
    await s.running()
    await s.pass_ms(29_000)
    assert (await s.sweep(), await s.state()) == ([], State.RUNNING)


@scene
async def test_what_an_owner_holds_that_has_ended_is_due_at_once_and_its_writes_are_refused_once_it_is_swept(
    s: Scene,
) -> None:
    held, _ = await s.running("t1", "w1"), await s.running("t2", "w2")
    await s.begin(held, 100)
    assert (await s.ledger.take_back("w1"), await s.ledger.take_back("w3")) == (["t1"], [])
    await s.ledger.renew("w1", [held])
    assert await s.sweep() == [], "it runs after all"
    await s.ledger.take_back("w1")
    assert await s.sweep() == [("triage", "t1")]
    assert (await s.day(), (await s.row())["losses"], await s.types()) == (
        (100, 0),
        "1",
        ["accepted", "claimed", "step_started", "call_lost", "lease_expired"],
    )
    with pytest.raises(LeaseLost):
        await s.end(held, 30)
    assert await s.ledger.take_back("w1") == []


@scene
async def test_an_expired_lease_is_taken_back_and_its_call_paid_in_full(s: Scene) -> None:
    await s.accept("t1")
    short = Ledger(s.store, TRIAGE, lease_ms=1)
    claim = await short.claim("t1", "w1")
    assert not isinstance(claim, str)
    await s.begin(claim.lease, 100)
    await s.pass_ms(30_001)
    assert await s.sweep() == [("triage", "t1")]
    assert (await s.day(), await s.state(), (await s.row())["losses"]) == ((100, 0), State.QUEUED, "1")
    assert (await s.types())[-2:] == ["call_lost", "lease_expired"]
    assert (await s.claim(owner="w2")).epoch == 2


@scene
async def test_a_ticket_that_kills_its_workers_goes_to_people(s: Scene) -> None:
    await s.accept("t1")
    for losses in range(1, 4):
        await s.claim(owner=f"w{losses}")
        await s.pass_ms(30_001)
        assert await s.sweep(max_losses=3) == [("hand_off" if losses == 3 else "triage", "t1")]
    lease = await s.claim(owner="w9")
    assert (lease.epoch, (await s.row())["losses"]) == (4, "3")


@scene
async def test_a_forgotten_ticket_is_published_again_with_growing_waits(s: Scene) -> None:
    await s.accept("t1")
    assert await s.sweep() == []
    for wait in (10_001, 10_001, 20_001, 40_001):
        await s.pass_ms(wait - 1_000)
        assert await s.sweep() == [], wait
        await s.pass_ms(1_000)
        assert await s.sweep() == [("triage", "t1")], wait
    assert (await s.store.fields("n"))["republished"] == "4"


@scene
async def test_under_a_backlog_what_only_waits_its_turn_is_not_published(s: Scene) -> None:
    await s.accept("t1")
    await s.pass_ms(10_001)
    assert await s.sweep(backlogged=True) == []
    await s.running("t2")
    await s.pass_ms(30_001)
    assert await s.sweep(backlogged=True) == [("triage", "t2")]


@scene
async def test_a_paused_queue_is_swept_again_once_it_goes_on(s: Scene) -> None:
    await s.accept("t1")
    await s.store.put("control", {"paused:tickets": "1"})
    await s.pass_ms(10_001)
    assert await s.sweep() == []
    await s.store.put("control", {"paused:tickets": None})
    await s.pass_ms(10_001)
    assert await s.sweep() == [("triage", "t1")]


@scene
async def test_a_ticket_past_its_deadline_goes_to_people_even_under_a_backlog(s: Scene) -> None:
    await s.accept("t1", deadline_seconds=60)
    await s.store.put("control", {"paused:tickets": "1"})
    await s.pass_ms(60_001)
    assert await s.sweep(backlogged=True) == [("hand_off", "t1")]


@scene
async def test_growing_waits_never_reach_beyond_the_deadline(s: Scene) -> None:
    await s.accept("t1", deadline_seconds=65)
    for wait in (10_001, 10_001, 20_001):
        await s.pass_ms(wait)
        assert await s.sweep() == [("triage", "t1")]
    await s.pass_ms(25_001)
    assert await s.sweep() == [("hand_off", "t1")]


@scene
async def test_a_parked_ticket_wakes_at_its_deadline(s: Scene) -> None:
    lease = await s.running(deadline_seconds=60)
    await s.ledger.park(lease, (), Reason.DAILY_BUDGET, await s.store.now_ms() + 3_600_000)
    await s.pass_ms(60_001)
    assert await s.sweep() == [("hand_off", "t1")]


@scene
async def test_the_longest_wait_counts_as_a_deadline_too(s: Scene) -> None:
    await s.ledger.accept(ticket("t1"), Limits(), max_wait_seconds=5)
    await s.pass_ms(5_001)
    assert await s.sweep() == [("hand_off", "t1")]


@scene
async def test_a_sweep_takes_no_more_than_its_limit(s: Scene) -> None:
    for n in range(5):
        await s.accept(f"t{n}")
    await s.pass_ms(10_001)
    found = [len(await s.sweep(limit=3)), len(await s.sweep(limit=3))]
    assert sum(found) == 5
    assert found == [3, 2] or isinstance(s.store, ClusterStore), "each shard has a limit of its own"


@scene
async def test_an_unended_ticket_missing_from_due_is_healed(s: Scene) -> None:
    lease = await s.running("t1")
    await forget_due(s, "t1")
    assert await s.sweep() == [("triage", "t1")]
    assert await s.ledger.renew("w1", [lease]) == {"t1"}


@scene
async def test_however_many_healthy_ones_stand_before_it(s: Scene) -> None:
    for n in range(5):
        await s.accept(f"t{n}")
    await forget_due(s, "t4")
    assert await s.sweep(limit=2) == [("triage", "t4")]


async def forget_due(s: Scene, ticket_id: str) -> None:
    if isinstance(s.store, MemoryStore):
        s.store.data.due_at(ticket_id, None)
    else:
        await s.command("ZREM", "due", ticket_id, of=ticket_id)


@scene
async def test_a_zombie_writes_nothing_after_its_ticket_went_on(s: Scene) -> None:
    zombie = await s.running("t1", "w1")
    await s.begin(zombie, 100)
    await s.pass_ms(30_001)
    await s.sweep()
    fresh = await s.claim(owner="w1")
    assert fresh == Lease("t1", 2, "w1"), "the same process may claim it again: the epoch tells them apart"
    await s.begin(fresh, 50, "c2")
    assert await s.ledger.renew("w1", [zombie, fresh]) == {"t1"}
    for write in (s.end(zombie, 1), s.begin(zombie, 1, "c9"), s.hand_off(zombie)):
        with pytest.raises(LeaseLost):
            await write
    assert (await s.day(), await s.state()) == ((100, 50), State.RUNNING)
