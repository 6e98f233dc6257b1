"""The same ticket again costs nothing, is suggested like any other, and is never reused where it should not be."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.inbox import Inbox
from fallbacks.inbox.narrate import narrate
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from fallbacks.store.redis_store import RedisStore
from tasks.run.limits import Limits
from tasks.ticket import Requester, Ticket
from tasks.triage.process import HandDecision
from tests.fakes.desk import TRIAGE, search, submit
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import ScriptedModel, reply
from worker.config.settings import Settings
from worker.models.reuse import Repeating, StoreAnswers, kept_for, reusing
from worker.models.tier import Tier

BODY = "You charged my card twice. I want my money back!"


def ticket(name: str, body: str = BODY, source: str = "test", who: str | None = None) -> Ticket:
    return Ticket(id=name, source=source, subject="", body=body, requester=Requester(id=who) if who else None)


class Office:
    """Books, a model that remembers what it was asked, and a worker that reuses its answers."""

    def __init__(self, store: RedisStore, seconds: float = 60.0, script: list[object] | None = None) -> None:
        self.model = ScriptedModel(script or [reply(submit())])  # type: ignore[arg-type]
        self.ledger, self.views = Ledger(store, TRIAGE), Views(store)
        self.inbox = Inbox(store, TRIAGE, OutcomeWriter(wanted=False))
        tier = Tier(Repeating(self.model, StoreAnswers(Views(store), seconds, TRIAGE.agrees)), 0.5)
        self.executor = executor(self.ledger, (tier,), call_seconds=10.0)

    async def work(self, *tickets: Ticket) -> int:
        """Work tickets to their rest; how often the model was asked so far."""
        for each in tickets:
            await self.ledger.accept(each, Limits(max_cost_nanodollars=None))
            await self.executor.triage(each.id or "")
        return len(self.model.asked)


Run = Callable[..., None]


@pytest.fixture
def run(valkey_url: str) -> Run:
    def serve(work: Callable[[Office], object], **options: object) -> None:
        async def main() -> None:
            store = RedisStore(valkey_url)
            try:
                await work(Office(store, **options))  # type: ignore[arg-type,misc]
            finally:
                await store.aclose()

        asyncio.run(main())

    return serve


def test_the_same_ticket_again_is_suggested_for_nothing_and_says_whose_answer_it_is(run: Run) -> None:
    async def work(office: Office) -> None:
        assert await office.work(ticket("a"), ticket("b", BODY.replace(" I ", "\n I "))) == 1
        first, again = await office.views.ticket("a"), await office.views.ticket("b")
        assert (again.state, again.spent_nanodollars, again.reserved_nanodollars) == (State.SUGGESTED, 0, 0)
        assert again.decision == first.decision
        assert first.spent_nanodollars > 0
        told = [line.detail for line in narrate(await office.views.timeline("b"), TRIAGE)]
        assert "stop: reused from a" in told

    run(work)


@pytest.mark.parametrize("other", [{"body": BODY + " Now!"}, {"source": "elsewhere"}, {"who": "bob"}])
def test_another_text_source_or_requester_is_another_ticket(run: Run, other: Mapping[str, str]) -> None:
    async def work(office: Office) -> None:
        assert await office.work(ticket("a", who="ada"), ticket("b", **{"who": "ada", **other})) == 2

    run(work)


def test_what_a_person_corrected_is_not_repeated_and_what_one_approved_is(run: Run) -> None:
    async def work(office: Office) -> None:
        await office.work(ticket("a"), ticket("c", "other words: charged my card twice"))
        await office.inbox.approve("a", "ann", (await office.views.ticket("a")).version)
        assert await office.work(ticket("b")) == 2
        version = (await office.views.ticket("c")).version
        await office.inbox.decide("c", "ann", version, HandDecision(label="password_reset"))
        assert await office.work(ticket("d", "other words: charged my card twice")) == 3

    run(work)


def test_an_answer_that_only_looked_something_up_is_not_kept(run: Run) -> None:
    async def work(office: Office) -> None:
        asked = await office.work(ticket("a"))
        assert await office.work(ticket("b")) > asked

    run(work, script=[reply(search("a")), reply(submit()), reply(submit())])


def test_it_is_off_by_default_and_leaves_the_local_tier_alone() -> None:
    seconds = Settings(model="local").reuse_seconds
    tiers = tuple(Tier(ScriptedModel([reply(submit())], name=name), 0.5) for name in ("local", "remote"))
    assert (seconds, reusing(tiers, kept_for(Views(MemoryStore()), seconds, TRIAGE.agrees))) == (0, tiers)
    local, remote = reusing(tiers, kept_for(Views(MemoryStore()), 60, TRIAGE.agrees))
    assert (local, remote.model.name) == (tiers[0], "remote")
    assert isinstance(remote.model, Repeating)
