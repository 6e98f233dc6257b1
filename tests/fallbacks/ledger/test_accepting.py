"""Accepting keeps its contract on every store: once, for now or for later, under an id or a key."""

import pytest

from fallbacks.errors import IdempotencyConflict
from fallbacks.ledger.states import State
from tasks.run.limits import Limits
from tests.fallbacks.scene import Scene, scene, ticket

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
