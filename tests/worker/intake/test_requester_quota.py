"""One requester's flood costs an hour's quota of the agent's work; the rest reaches people, and nothing is lost."""

import asyncio
from collections.abc import Mapping

import pytest

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.ticket import Requester, Ticket
from tests.fakes.desk import TRIAGE, submit
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import ScriptedModel, reply
from worker.config.settings import Settings
from worker.intake.requester_quota import RequesterQuota
from worker.models.tier import Tier

BODY = "You charged my card twice. I want my money back!"


def ticket(ticket_id: str, source: str = "test", **who: str) -> Ticket:
    return Ticket(id=ticket_id, source=source, subject="", body=BODY, requester=Requester(**who) if who else None)


async def exceeded(store: MemoryStore, quota: int | None, *tickets: Ticket) -> list[bool]:
    return [bool(await RequesterQuota(store, quota).exceeded(each)) for each in tickets]


def test_only_what_is_over_the_quota_is_refused_and_an_hour_later_it_begins_anew() -> None:
    store = MemoryStore()
    flood = [ticket(str(i), id="ada") for i in range(4)]
    assert asyncio.run(exceeded(store, 2, *flood)) == [False, False, True, True]
    store.pass_ms(3_600_001)
    assert asyncio.run(exceeded(store, 2, *flood)) == [False, False, True, True]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"id": "bob"}, False),
        ({"id": "ada", "source": "elsewhere"}, False),
        ({}, False),
        ({"id": "ada", "name": "A."}, True),
    ],
)
def test_it_is_counted_by_requester_and_source(other: Mapping[str, str], *, same: bool) -> None:
    assert asyncio.run(exceeded(MemoryStore(), 1, ticket("a", id="ada"), ticket("b", **other))) == [False, same]


def test_an_address_is_one_requester_however_it_is_written() -> None:
    mails = [ticket("a", email="Ada@x.org"), ticket("b", email=" ada@X.org")]
    assert asyncio.run(exceeded(MemoryStore(), 1, *mails)) == [False, True]


def test_zero_is_zero_and_none_is_no_quota() -> None:
    assert asyncio.run(exceeded(MemoryStore(), 0, ticket("a", id="ada"))) == [True]
    assert asyncio.run(exceeded(MemoryStore(), None, ticket("a", id="ada"))) == [False]
    assert Settings(model="local").requester_tickets_per_hour is None


def test_a_flood_is_handed_off_by_plan_and_costs_nothing_and_a_person_may_send_it_back() -> None:
    async def work() -> None:
        store = MemoryStore()
        ledger, views = Ledger(store, TRIAGE), Views(store)
        model = ScriptedModel([reply(submit())])
        worker = executor(ledger, (Tier(model, 0.5),), call_seconds=10.0, over_quota=RequesterQuota(store, 1).exceeded)
        for name in ("a", "b"):
            await ledger.accept(ticket(name, id="ada"), Limits())
        assert await worker.triage("a") == State.SUGGESTED.value
        assert await worker.triage("b") == State.HANDED_OFF.value
        view = await views.ticket("b")
        assert (view.reason, view.queue, view.spent_nanodollars) == (Reason.REQUESTER_QUOTA, "limits", 0)
        assert "ticket 2 of this requester" in view.detail
        assert len(model.asked) == 1
        await Inbox(store, TRIAGE, OutcomeWriter(wanted=False)).resume("b", "ann", view.version, "go on", Limits())
        assert await worker.triage("b") == State.SUGGESTED.value

    asyncio.run(work())
