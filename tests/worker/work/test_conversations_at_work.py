"""A run and what is added to its ticket meanwhile: seen at the next step, nothing paid twice, nothing sent twice."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView
from tasks.conversation import Message
from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tasks.run.limits import Limits
from tasks.run.messages import ModelReply, ModelRequest
from tests.fakes.desk import TICKET, TRIAGE, Workshop, search, submit, unfit
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import Said, ScriptedModel, hang, reply, tool_use
from worker.models.tier import Tier
from worker.work.executor import Executor

LIMITS = Limits(max_cost_nanodollars=10_000, max_seconds=None)
LOCKED = "And now I cannot sign in any more!"


@dataclass
class Office:
    """One ticket, its model's script, and people. Store and clock are in memory."""

    store: MemoryStore = field(default_factory=MemoryStore)
    workshop: Workshop = field(default_factory=Workshop)

    def __post_init__(self) -> None:
        outcomes = OutcomeWriter(wanted=True)
        self.ledger = Ledger(self.store, TRIAGE)
        self.inbox = Inbox(self.store, TRIAGE, outcomes)
        self.conversations = Conversations(self.store, TRIAGE, outcomes, Bounds(LIMITS))

    def executor(self, *script: Said) -> tuple[Executor, ScriptedModel]:
        model = ScriptedModel(script)
        tiers = (Tier(model, 0.5),)
        outcomes = OutcomeWriter(wanted=True)
        return executor(self.ledger, tiers, tools=self.workshop.tools(), outcomes=outcomes), model

    async def work(self, *script: Said) -> ScriptedModel:
        await self.ledger.accept(TICKET, LIMITS)
        worker, model = self.executor(*script)
        await worker.triage("T-1")
        return model

    async def add(self, message_id: str = "m1", body: str = LOCKED) -> None:
        await self.conversations.add("T-1", Message(id=message_id, body=body), door="http")

    async def view(self) -> TicketView:
        return await self.inbox.views.ticket("T-1")

    async def events(self) -> list[ev.Event]:
        return [recorded.event for recorded in await self.inbox.views.timeline("T-1")]

    async def sent(self) -> list[str]:
        names = await self.store.ranked("outbox", 0, -1)
        return [(await self.store.fields(f"out:{name}"))["event"] for name, _ in names]

    def then_adds(self, answer: ModelReply, message_id: str = "m1", body: str = LOCKED) -> Said:
        """A reply during which something is added."""

        async def said(_: ModelRequest) -> ModelReply:
            await self.add(message_id, body)
            return answer

        return said


Story = Callable[[Office], Awaitable[None]]


def in_memory(story: Story) -> Callable[[], None]:
    def test() -> None:
        asyncio.run(story(Office()))

    test.__name__, test.__doc__ = story.__name__, story.__doc__
    return test


def shown(request: ModelRequest) -> str:
    """All that the model is sent in this call."""
    return json.dumps(request.messages)


LOCKED_OUT: dict[str, Any] = {"label": "password_reset", "evidence": ["cannot sign in"]}


@in_memory
async def test_a_queued_ticket_is_opened_with_what_was_added(office: Office) -> None:
    await office.ledger.accept(TICKET, LIMITS)
    await office.add()
    model = await office.work(reply(submit(**LOCKED_OUT)))
    opening = model.asked[0].messages[0]["content"][0]["text"]
    assert opening.index(LOCKED) < opening.index(TICKET.body), "the newest comes first"
    assert '<message newest="true">' in opening
    assert ((await office.view()).decision or {})["label"] == "password_reset"


@in_memory
async def test_what_comes_during_a_call_is_read_next_and_the_call_stays_paid(office: Office) -> None:
    model = await office.work(office.then_adds(reply(submit())), reply(submit("s2", **LOCKED_OUT)))
    assert LOCKED not in shown(model.asked[0])
    assert LOCKED in shown(model.asked[1])
    assert unfit(model.asked[1].messages) is None
    view = await office.view()
    assert ((view.decision or {})["label"], view.spent_nanodollars, view.steps) == ("password_reset", 1200, 2)
    assert fold(await office.inbox.views.timeline("T-1")).heard == 1


@in_memory
async def test_what_comes_before_tools_are_run_goes_beside_their_results(office: Office) -> None:
    model = await office.work(office.then_adds(reply(search("a"))), reply(submit("s2", **LOCKED_OUT)))
    assert unfit(model.asked[1].messages) is None
    assert LOCKED in shown(model.asked[1])
    assert [name for name, *_ in office.workshop.called] == ["ticket_context", "search"]


@in_memory
async def test_a_worker_that_dies_after_it_pays_nothing_twice(office: Office) -> None:
    await office.ledger.accept(TICKET, LIMITS)
    called = asyncio.Event()

    async def vanish(request: ModelRequest) -> ModelReply:
        called.set()
        return await hang(request)

    worker, _ = office.executor(office.then_adds(reply(search("a"))), vanish)
    dying = asyncio.ensure_future(worker.triage("T-1"))
    await called.wait()
    dying.cancel()
    await asyncio.wait([dying])
    office.store.pass_ms(31_000)
    await office.ledger.sweep(limit=9, max_losses=3)
    again, model = office.executor(reply(submit("s3", **LOCKED_OUT)))
    await again.triage("T-1")
    assert unfit(model.asked[0].messages) is None
    assert shown(model.asked[0]).count(LOCKED) == 1
    assert (await office.view()).state is State.SUGGESTED
    assert [name for name, *_ in office.workshop.called].count("search") == 1


@in_memory
async def test_a_withdrawn_suggestion_is_worked_anew_in_the_same_conversation(office: Office) -> None:
    await office.work(reply(submit()))
    await office.add()
    model = await office.work(reply(submit("s2", **LOCKED_OUT)))
    assert [message["role"] for message in model.asked[0].messages] == ["user", "assistant", "user"]
    assert unfit(model.asked[0].messages) is None
    view = await office.view()
    assert (view.state, (view.decision or {})["label"]) == (State.SUGGESTED, "password_reset")
    assert (view.unaided or {})["label"] == "password_reset"


@in_memory
async def test_a_decision_that_still_fits_stands_and_nothing_is_sent(office: Office) -> None:
    await office.work(reply(submit()))
    await office.inbox.approve("T-1", "ann", None)
    await office.add(body="Any news? I wait for my money.")
    model = await office.work(reply(submit("s2")))
    assert "Decided before the newest message: duplicate_charge for billing" in shown(model.asked[0])
    view = await office.view()
    assert (view.state, (view.decision or {})["decided_by"], await office.sent()) == (
        State.DECIDED,
        "ann",
        ["ticket.decided"],
    )
    assert [event.type for event in await office.events()][-2:] == ["decision_submitted", "upheld"]


@in_memory
async def test_a_decision_that_fits_no_more_becomes_a_suggestion_to_correct_it(office: Office) -> None:
    await office.work(reply(submit()))
    await office.inbox.approve("T-1", "ann", None)
    await office.add()
    await office.work(reply(submit("s2", **LOCKED_OUT)))
    view = await office.view()
    assert (view.state, (view.decision or {})["label"], (view.stands or {})["label"]) == (
        State.SUGGESTED,
        "password_reset",
        "duplicate_charge",
    )
    assert view.unaided is None, "a decision was in view"
    await office.inbox.approve("T-1", "eve", None)
    assert sorted(await office.sent()) == ["ticket.corrected", "ticket.decided"]


@in_memory
async def test_a_run_that_fails_over_a_decision_that_stands_sends_nothing(office: Office) -> None:
    await office.work(reply(submit()))
    await office.inbox.approve("T-1", "ann", None)
    await office.add()
    await office.work(reply(submit("s2", confidence=0.1)))
    view = await office.view()
    assert (view.state, view.reason, await office.sent()) == (State.HANDED_OFF, "low_confidence", ["ticket.decided"])


@in_memory
async def test_what_was_done_for_an_earlier_message_is_known(office: Office) -> None:
    await office.work(reply(tool_use("r1", "refund", {"query": "twice"})), reply(submit("s1")))
    await office.inbox.reject("T-1", "ann", None, "look again")
    await office.inbox.decide("T-1", "ann", None, TRIAGE.hand(label="duplicate_charge"))
    await office.add(body="Where is my money?")
    model = await office.work(reply(submit("s2")))
    assert "refund" in shown(model.asked[0])
    assert [name for name, *_ in office.workshop.called].count("refund") == 1


@in_memory
async def test_thanks_during_a_run_disturb_nobody(office: Office) -> None:
    model = await office.work(office.then_adds(reply(submit()), body="Thank you!"))
    assert len(model.asked) == 1
    assert (await office.view()).state is State.SUGGESTED


@in_memory
async def test_an_outcome_names_the_message_it_follows_from(office: Office) -> None:
    await office.ledger.accept(TICKET, LIMITS)
    await office.add("m7")
    await office.work(reply(submit(confidence=0.1)))
    ((name, _),) = await office.store.ranked("outbox", 0, -1)
    body = json.loads((await office.store.fields(f"out:{name}"))["body"])
    assert (body["type"], body["data"]["message"]) == ("ticket.handed_off", "m7")


@pytest.mark.parametrize("when", ["queued", "running"])
def test_quotes_of_a_message_are_evidence(when: str) -> None:
    async def story(office: Office) -> None:
        await office.ledger.accept(TICKET, LIMITS)
        if when == "queued":
            await office.add()
            await office.work(reply(submit(**LOCKED_OUT)))
        else:
            await office.work(office.then_adds(reply(search("a"))), reply(submit("s2", **LOCKED_OUT)))
        assert (await office.view()).state is State.SUGGESTED

    asyncio.run(story(Office()))
