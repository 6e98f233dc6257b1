"""What is wrong with a provider for a moment makes tickets wait: few calls, one alert, nothing for people."""

import asyncio
from collections.abc import Sequence

import pytest

from fallbacks.ledger.states import State
from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import ModelRequest
from tests.fakes.scripted_model import ScriptedModel
from tests.worker.work.office import SMALL, Office, Serve
from worker.models.tier import Tier
from worker.work.executor import Executor

TICKETS = [f"T-{number}" for number in range(16)]
SLOTS = 4
AT_ONCE = {
    "401": Reason.MODEL_AUTH,
    "402": Reason.MODEL_SPEND_LIMIT,
    "403": Reason.MODEL_AUTH,
    "404": Reason.MODEL_NOT_FOUND,
    "spend_limit": Reason.MODEL_SPEND_LIMIT,
    "html200": Reason.MALFORMED_REPLY,
    "malformed_json": Reason.MALFORMED_REPLY,
    "absurd_usage": Reason.MALFORMED_REPLY,
    "missing_usage": Reason.MALFORMED_REPLY,
}
COUNTED = {
    "503": Reason.MODEL_UNAVAILABLE,
    "error200": Reason.MODEL_OVERLOADED,
    "429": Reason.MODEL_RATE_LIMITED,
    "500": Reason.MODEL_UNAVAILABLE,
    "529": Reason.MODEL_OVERLOADED,
    "sse200": Reason.MODEL_OVERLOADED,
}


async def work(executor: Executor, tickets: Sequence[str]) -> list[str]:
    """Each once, as many at a time as there are slots. Returns the states they are in."""
    slots = asyncio.Semaphore(SLOTS)

    async def one(ticket_id: str) -> str:
        async with slots:
            return str(await executor.triage(ticket_id))

    return list(await asyncio.gather(*map(one, tickets)))


async def later(it: Office, tickets: Sequence[str]) -> None:
    """All waits are over: the tickets', and the breaker's."""
    await it.store.redis.zadd(f"{it.store.prefix}due", dict.fromkeys(tickets, 0))
    breaker = f"{it.store.prefix}breaker:{SMALL}"
    if await it.store.redis.exists(breaker):
        await it.store.redis.hset(breaker, "open_until", "1")
    await it.ledger.sweep(limit=99, max_losses=3)


@pytest.mark.parametrize("fault", AT_ONCE | COUNTED)
def test_a_blip_sends_nobody_to_people_and_is_met_by_few(office: Serve, fault: str) -> None:
    async def play(it: Office) -> None:
        executor, calls = it.executor(), it.simulator.calls
        for ticket_id in TICKETS:
            await it.accept(ticket_id)
        it.simulator.fault(fault)
        assert set(await work(executor, TICKETS)) == {State.PARKED}
        met = calls.total_requests
        assert met <= SLOTS * (1 if fault in AT_ONCE else 3)
        assert (await it.store.fields(f"breaker:{SMALL}"))["reason"] == (AT_ONCE | COUNTED)[fault]
        await later(it, TICKETS)
        assert set(await work(executor, TICKETS)) == {State.PARKED}
        assert calls.total_requests <= met + 2, "one probes, and may try again at once"
        alert = await it.store.fields("alert:breaker_open")
        assert (alert.get("count"), fault in AT_ONCE) in {("1", True), (None, False)}
        it.simulator.faults.clear()
        waiting = list(TICKETS)
        while waiting:
            await later(it, waiting)
            states = await work(executor, waiting)
            assert set(states) <= {State.PARKED, State.SUGGESTED}
            assert State.SUGGESTED in states
            waiting = [ticket_id for ticket_id, state in zip(waiting, states, strict=True) if state == State.PARKED]
        stats = await it.views.stats()
        assert stats.states[State.SUGGESTED] == len(TICKETS)
        assert stats.reserved_nanodollars == 0

    office(play)


@pytest.mark.parametrize("fault", ["400", "413", "empty_content"])
def test_what_goes_wrong_whoever_asks_reaches_few_people(office: Serve, fault: str) -> None:
    async def play(it: Office) -> None:
        for ticket_id in TICKETS:
            await it.accept(ticket_id)
        it.simulator.fault(fault)
        states = await work(it.executor(), TICKETS)
        assert states.count(State.HANDED_OFF) < 5 + SLOTS
        assert await it.store.fields(f"breaker:{SMALL}")
        assert states.count(State.PARKED) == len(TICKETS) - states.count(State.HANDED_OFF)

    office(play)


class Unpriced(ScriptedModel):
    def worst_case(self, request: ModelRequest) -> int:  # type: ignore[override] # it never returns
        raise ModelError(Reason.PRICE_UNKNOWN, "no price is known", maybe_paid=False)


def test_a_model_without_a_price_is_waited_for_with_one_alert_and_another_tier_goes_first(office: Serve) -> None:
    async def play(it: Office) -> None:
        for ticket_id in TICKETS:
            await it.accept(ticket_id)
        unpriced = Unpriced([], name="unpriced")
        assert set(await work(it.executor(Tier(unpriced, 0.5)), TICKETS[1:])) == {State.PARKED}
        alert = await it.store.fields("alert:breaker_open")
        assert (alert["count"], alert["about"]) == ("1", "price_unknown unpriced")
        two = it.executor(Tier(unpriced, 0.5), Tier(it.small, 0.5))
        assert await work(two, TICKETS[:1]) == [State.SUGGESTED]

    office(play)
