"""The ledger keeps its contract on every store: accept, claim, steps with their money, effects, fencing."""

import pytest

from fallbacks.errors import IdempotencyConflict
from fallbacks.ledger.breaker import HELD_SECONDS
from fallbacks.ledger.ledger import Claim, Lease
from fallbacks.ledger.states import State
from tasks.errors import EffectUnknown, LeaseLost, StepRefused
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tests.fallbacks.scene import MODEL, Scene, replied, scene, ticket

LIMITS = Limits()


@scene
async def test_a_ticket_sent_twice_is_accepted_once(s: Scene) -> None:
    first = await s.ledger.accept(ticket("t1"), LIMITS)
    second = await s.ledger.accept(ticket("t1"), LIMITS)
    assert (first.created, second.created, second.id, second.state) == (True, False, "t1", State.QUEUED)
    assert await s.types() == ["accepted"]
    assert (await s.store.fields("n"))["accepted"] == "1"


@scene
async def test_an_accepted_ticket_is_queued_and_due(s: Scene) -> None:
    await s.accept("t1")
    assert (await s.members("s:queued"), await s.members("due")) == (["t1"], ["t1"])


@scene
async def test_a_ticket_for_later_is_parked_until_then_and_its_longest_wait_begins_then(s: Scene) -> None:
    later = await s.store.now_ms() + 60_000
    accepted = await s.ledger.accept(ticket("t1"), LIMITS, max_wait_seconds=30, not_before_ms=later)
    assert (accepted.state, await s.types()) == (State.PARKED, ["accepted", "parked"])
    assert (await s.row())["deadline"] == str(later + 30_000)
    assert await s.ledger.claim("t1", "w1") == "parked"
    await s.pass_ms(60_001)
    assert await s.sweep() == [("triage", "t1")]
    await s.claim("t1")


@scene
async def test_a_time_to_come_that_has_passed_parks_nothing(s: Scene) -> None:
    accepted = await s.ledger.accept(ticket("t1"), LIMITS, not_before_ms=await s.store.now_ms() - 1)
    assert (accepted.state, await s.types()) == (State.QUEUED, ["accepted"])


@scene
async def test_what_has_expired_is_swept_to_people_at_once(s: Scene) -> None:
    now = await s.store.now_ms()
    await s.ledger.accept(ticket("t1"), LIMITS, max_wait_seconds=3600, expires_ms=now - 5)
    assert (await s.row())["deadline"] == str(now - 5)
    assert await s.sweep() == [("hand_off", "t1")]


@scene
async def test_another_body_under_one_id_is_a_conflict(s: Scene) -> None:
    await s.accept("t1")
    with pytest.raises(IdempotencyConflict):
        await s.accept("t1", body="something else")
    assert "something else" not in (await s.row())["body"]


@scene
async def test_an_idempotency_key_gives_the_first_ticket_again(s: Scene) -> None:
    first = await s.ledger.accept(ticket(), LIMITS, idempotency_key="k")
    again = await s.ledger.accept(ticket(), LIMITS, idempotency_key="k")
    assert (again.id, again.created) == (first.id, False)
    with pytest.raises(IdempotencyConflict) as conflict:
        await s.ledger.accept(ticket(body="other"), LIMITS, idempotency_key="k")
    assert conflict.value.ticket_id == first.id


@scene
async def test_a_key_first_used_for_a_ticket_known_by_its_id_holds_from_then_on(s: Scene) -> None:
    await s.accept("t1")
    assert not (await s.ledger.accept(ticket("t1"), LIMITS, idempotency_key="k")).created
    with pytest.raises(IdempotencyConflict):
        await s.ledger.accept(ticket(body="other"), LIMITS, idempotency_key="k")


@scene
async def test_an_idempotency_key_is_forgotten_after_a_week(s: Scene) -> None:
    first = await s.ledger.accept(ticket(), LIMITS, idempotency_key="k")
    await s.pass_ms(7 * 86_400_000 + 1)
    assert (await s.ledger.accept(ticket(), LIMITS, idempotency_key="k")).id != first.id


@scene
async def test_a_rejected_message_is_never_overwritten_by_a_ticket(s: Scene) -> None:
    await s.ledger.reject("t1", "cmF3", "no subject", "intake")
    with pytest.raises(IdempotencyConflict):
        await s.accept("t1")
    assert (await s.state(), (await s.row())["raw"]) == (State.REJECTED, "cmF3")


@scene
async def test_rejecting_twice_keeps_one(s: Scene) -> None:
    for _ in range(2):
        await s.ledger.reject("r1", "cmF3", "no subject", "intake")
    assert (await s.types("r1"), await s.members("inbox")) == (["rejected"], ["r1"])
    n = await s.store.fields("n")
    assert (n["accepted"], n["alerts_raised"]) == ("1", "1")


@scene
async def test_a_claim_brings_all_that_is_needed(s: Scene) -> None:
    await s.accept("t1", deadline_seconds=60)
    claim = await s.ledger.claim("t1", "w1")
    assert isinstance(claim, Claim)
    assert (claim.lease, claim.ticket.id, claim.limits, claim.losses) == (Lease("t1", 1, "w1"), "t1", LIMITS, 0)
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
async def test_a_step_reserves_and_settles(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    assert (await s.day(), (await s.row())["rsv"]) == ((0, 100), "100")
    await s.end(lease, 30)
    assert (await s.day(), (await s.row())["spent"]) == ((30, 0), "30")
    assert "rsv" not in await s.row()
    assert await s.types() == ["accepted", "claimed", "step_started", "model_replied"]


@scene
async def test_beginning_and_ending_again_changes_nothing(s: Scene) -> None:
    lease = await s.running()
    for _ in range(2):
        await s.begin(lease, 100)
    assert await s.day() == (0, 100)
    for _ in range(2):
        await s.end(lease, 30)
    assert (await s.day(), (await s.row())["steps"]) == ((30, 0), "1")
    assert len(await s.types()) == 4


@scene
async def test_the_run_cap_refuses_and_reserves_nothing(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 60, run_cap=100)
    await s.end(lease, 41)
    with pytest.raises(StepRefused) as refused:
        await s.begin(lease, 60, "c2", run_cap=100)
    assert refused.value.reason is Reason.COST_LIMIT
    assert (await s.day(), await s.types()) == ((41, 0), [*await s.types()])
    await s.begin(lease, 59, "c3", run_cap=100)
    assert await s.day() == (41, 59)


@scene
async def test_zero_is_a_cap_and_none_is_none(s: Scene) -> None:
    lease = await s.running()
    with pytest.raises(StepRefused):
        await s.begin(lease, 1, run_cap=0)
    with pytest.raises(StepRefused):
        await s.begin(lease, 1, day_cap=0)
    await s.begin(lease, 10**12)


@scene
async def test_the_day_cap_spans_the_fleet_and_what_it_only_reserved(s: Scene) -> None:
    first, second = await s.running("t1", "w1"), await s.running("t2", "w2")
    await s.begin(first, 60, day_cap=100)
    with pytest.raises(StepRefused) as refused:
        await s.begin(second, 41, run_cap=1000, day_cap=100)
    assert (refused.value.reason, refused.value.waits) == (Reason.DAILY_BUDGET, True)
    assert refused.value.retry_after_seconds == HELD_SECONDS
    assert "rsv" not in await s.row("t2")
    await s.end(first, 10)
    with pytest.raises(StepRefused) as refused:  # what is spent comes back at midnight only
        await s.begin(second, 91, run_cap=1000, day_cap=100)
    assert (refused.value.waits, refused.value.retry_after_seconds) == (False, None)
    await s.begin(second, 90, day_cap=100)
    assert await s.day() == (10, 90)


@scene
async def test_an_operators_day_cap_comes_before_the_settings(s: Scene) -> None:
    lease = await s.running()
    await s.store.put("control", {"day_cap": "50"})
    with pytest.raises(StepRefused):
        await s.begin(lease, 51, day_cap=1000)


@scene
async def test_the_kill_switch_is_looked_at_before_every_step(s: Scene) -> None:
    lease = await s.running()
    await s.store.put("control", {"autonomy": "off"})
    with pytest.raises(StepRefused) as refused:
        await s.begin(lease, 1)
    assert refused.value.reason is Reason.AUTONOMY_OFF
    await s.store.put("control", {"autonomy": None})
    await s.begin(lease, 1)


async def five_failures(s: Scene, lease: Lease) -> None:
    for call in range(5):
        await s.begin(lease, 10, f"f{call}")
        await s.fail(lease, f"f{call}")


@scene
async def test_the_breaker_opens_after_five_failures_for_the_whole_fleet(s: Scene) -> None:
    await five_failures(s, await s.running("t1", "w1"))
    with pytest.raises(StepRefused) as refused:
        await s.begin(await s.running("t2", "w2"), 10)
    assert refused.value.reason is Reason.MODEL_OVERLOADED
    assert refused.value.retry_after_seconds is not None
    assert 4 < refused.value.retry_after_seconds <= 5
    assert await s.day() == (0, 0)


@scene
async def test_a_half_open_breaker_lets_one_probe_through(s: Scene) -> None:
    first = await s.running("t1", "w1")
    await five_failures(s, first)
    second, third = await s.running("t2", "w2"), await s.running("t3", "w3")
    await s.pass_ms(5_001)
    with pytest.raises(StepRefused) as capped:
        await s.begin(second, 10, run_cap=5)
    assert capped.value.reason is Reason.COST_LIMIT, "a refused step is no probe"
    await s.begin(second, 10, "probe")
    with pytest.raises(StepRefused):
        await s.begin(third, 10)
    await s.end(second, 5, "probe")
    await s.begin(third, 10)
    assert not await s.store.fields(f"breaker:{MODEL}") or await s.day() == (5, 10)


@scene
async def test_a_failed_probe_opens_the_breaker_for_longer(s: Scene) -> None:
    lease = await s.running()
    await five_failures(s, lease)
    await s.pass_ms(5_001)
    await s.begin(lease, 10, "probe")
    await s.fail(lease, "probe")
    await s.pass_ms(5_001)
    with pytest.raises(StepRefused):
        await s.begin(lease, 10, "next")


@scene
async def test_a_burst_in_flight_opens_the_breaker_no_longer_than_its_fifth_failure(s: Scene) -> None:
    leases = [await s.running(f"t{number}", f"w{number}") for number in range(12)]
    for number, lease in enumerate(leases):
        await s.begin(lease, 10, f"c{number}")
    for number, lease in enumerate(leases):
        await s.fail(lease, f"c{number}")
    with pytest.raises(StepRefused) as refused:
        await s.begin(leases[0], 10, "next")
    assert refused.value.retry_after_seconds is not None
    assert refused.value.retry_after_seconds <= 5


@scene
async def test_what_is_the_same_for_every_ticket_opens_the_breaker_at_once_with_one_alert(s: Scene) -> None:
    leases = [await s.running(f"t{number}", f"w{number}") for number in range(3)]
    for number, lease in enumerate(leases):
        await s.begin(lease, 10, f"c{number}")
    for number, lease in enumerate(leases):
        await s.fail(lease, f"c{number}", reason=Reason.MODEL_AUTH)
    with pytest.raises(StepRefused) as refused:
        await s.begin(leases[0], 10, "next")
    assert (refused.value.reason, refused.value.waits) == (Reason.MODEL_AUTH, True)
    assert refused.value.retry_after_seconds is not None
    assert 2 < refused.value.retry_after_seconds <= 2.5
    alert = await s.store.fields("alert:breaker_open")
    assert (alert["count"], alert["about"], alert["severity"]) == ("1", f"model_auth {MODEL}", "error")
    assert "alerts_raised" not in await s.store.fields("n"), "the audit balances those of hand-offs"


@scene
async def test_a_failed_probe_is_no_new_alert_and_a_good_one_lets_everybody_in(s: Scene) -> None:
    first, second = await s.running("t1", "w1"), await s.running("t2", "w2")
    for wait_ms in (2_501, 5_001, 10_001):
        await s.begin(first, 10, f"c{wait_ms}")
        await s.fail(first, f"c{wait_ms}", reason=Reason.MALFORMED_REPLY)
        with pytest.raises(StepRefused):
            await s.begin(second, 10)
        await s.pass_ms(wait_ms)
    assert (await s.store.fields("alert:breaker_open"))["count"] == "1"
    await s.begin(first, 10, "probe")
    with pytest.raises(StepRefused) as refused:
        await s.begin(second, 10)
    assert refused.value.retry_after_seconds is not None
    assert refused.value.retry_after_seconds <= 3, "a probe may end long before its lease"
    await s.end(first, 5, "probe")
    await s.begin(second, 10)
    assert not await s.store.fields(f"breaker:{MODEL}")


@scene
async def test_an_alert_of_a_breaker_that_has_closed_before_it_was_sent_is_not_sent(s: Scene) -> None:
    first, second = await s.running("t1", "w1"), await s.running("t2", "w2")
    await s.begin(first, 10, "c1")
    await s.begin(second, 10, "c2")
    await s.fail(first, "c1", reason=Reason.MALFORMED_REPLY)
    await s.end(second, 5, "c2")
    await s.pass_ms(4_000)
    assert not await s.store.run("take_alert", "", 1000)
    await s.begin(first, 10, "c3")
    await s.fail(first, "c3", reason=Reason.MALFORMED_REPLY)
    await s.pass_ms(4_000)
    taken = await s.store.run("take_alert", "", 1000)
    assert (taken[0], taken[2]) == ("breaker_open", "1")


@scene
async def test_a_probe_that_says_nothing_of_the_provider_lets_another_probe(s: Scene) -> None:
    first, second = await s.running("t1", "w1"), await s.running("t2", "w2")
    await s.begin(first, 10, "c")
    await s.fail(first, "c", reason=Reason.MODEL_AUTH)
    await s.pass_ms(2_501)
    await s.begin(first, 10, "probe")
    failed = ev.ModelFailed(1, "probe", Reason.CONTEXT_EXCEEDED.value, "too long")
    await s.ledger.end_step(first, "probe", 0, (failed,), model=MODEL)
    await s.begin(second, 10)


@scene
async def test_a_breaker_that_stays_open_for_a_minute_is_alerted(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 10, "c")
    await s.fail(lease, "c", 59)
    assert not await s.store.fields("alert:breaker_open")
    await s.pass_ms(59_001)
    await s.begin(lease, 10, "d")
    await s.fail(lease, "d", 61)
    assert (await s.store.fields("alert:breaker_open"))["about"] == f"model_overloaded {MODEL}"


@scene
async def test_a_model_without_a_price_opens_its_breaker_though_no_call_is_made(s: Scene) -> None:
    lease = await s.running()
    later = await s.store.now_ms() + 10_000
    await s.ledger.park(lease, (), Reason.PRICE_UNKNOWN, later, model=MODEL)
    assert (await s.store.fields(f"breaker:{MODEL}"))["reason"] == "price_unknown"
    assert (await s.store.fields("alert:breaker_open"))["about"] == f"price_unknown {MODEL}"


@scene
async def test_one_retry_after_holds_for_the_whole_fleet(s: Scene) -> None:
    first = await s.running("t1", "w1")
    await s.begin(first, 10)
    await s.fail(first, "c1", retry_after_seconds=30)
    second = await s.running("t2", "w2")
    with pytest.raises(StepRefused) as refused:
        await s.begin(second, 10)
    assert refused.value.retry_after_seconds is not None
    assert 29 < refused.value.retry_after_seconds <= 30
    await s.pass_ms(30_001)
    await s.begin(second, 10)


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
