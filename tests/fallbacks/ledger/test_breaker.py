"""A model's circuit breaker keeps its contract on every store."""

import pytest

from fallbacks.ledger.ledger import Lease
from tasks.errors import StepRefused
from tasks.reasons import Reason
from tasks.run import events as ev
from tests.fallbacks.scene import MODEL, Scene, scene


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
