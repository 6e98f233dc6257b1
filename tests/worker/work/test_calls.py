"""A run whose call waits for a person: it lets go of the ticket, and goes on with what the person made of the call."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from fallbacks.autonomy.calls import CallJudge
from fallbacks.autonomy.proof import Rule
from fallbacks.autonomy.standing import Terms
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.calls import PendingCall
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.views import TicketView
from tasks.conversation import Message
from tasks.run.approval import Approval, Ask, Preview, over
from tasks.run.limits import Limits
from tasks.run.tool import Effect, Tool
from tests.fakes.desk import TICKET, TRIAGE, Workshop, search, submit, unfit
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import Said, ScriptedModel, reply, tool_use
from worker.models.tier import Tier
from worker.work.executor import Executor

LIMITS = Limits(max_cost_nanodollars=1_000_000)


async def shown(arguments: Any, _context: Any) -> Preview:
    return Preview("the payments API", f"Pays {arguments.query} back.", {"to": "the card it came from"})


@dataclass
class Office:
    """One ticket over a store in memory. approval, ends: of its tool `refund`."""

    script: list[Said]
    approval: Approval = Ask.ALWAYS
    ends: bool = False
    effect: Effect = Effect.KEYED
    wait_seconds: float = 3600
    store: MemoryStore = field(default_factory=MemoryStore)
    workshop: Workshop = field(default_factory=Workshop)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.store, TRIAGE)
        self.model = ScriptedModel(self.script)
        refund = self.workshop.tool("refund", self.effect)
        self.tools: dict[str, Tool] = self.workshop.tools(
            replace(refund, approval=self.approval, preview=shown, ends=self.ends)
        )
        self.inbox = Inbox(self.store, TRIAGE, OutcomeWriter(wanted=False), tools=lambda: self.tools)

    def executor(self, **otherwise: Any) -> Executor:
        given = {"tools": self.tools, "approval_seconds": self.wait_seconds, **otherwise}
        return executor(self.ledger, (Tier(self.model, 0.5),), **given)

    async def work(self) -> str:
        return await self.executor().triage("T-1")

    async def asks(self) -> PendingCall:
        await self.ledger.accept(TICKET, LIMITS)
        assert await self.work() == "suggested"
        return await self.call()

    async def call(self) -> PendingCall:
        found = (await self.view()).call
        assert found is not None
        return found

    async def view(self) -> TicketView:
        return await self.inbox.views.ticket("T-1")

    async def types(self) -> list[str]:
        return [json.loads(event)["type"] for event in await self.store.journal("T-1")]

    def answered(self) -> str:
        """What the model was last told."""
        said = self.model.asked[-1].messages
        assert unfit(said) is None
        return json.dumps([block for block in said[-1]["content"] if block["type"] == "tool_result"])


def refund(call_id: str = "r1", query: str = "twice") -> dict[str, Any]:
    return tool_use(call_id, "refund", {"query": query})


def test_it_is_put_before_people_with_its_preview_and_done_once_they_approve() -> None:
    async def story() -> None:
        office = Office([reply(search("a"), refund()), reply(submit())])
        call = await office.asks()
        assert (call.tool, call.arguments, call.target) == ("refund", {"query": "twice"}, "the payments API")
        assert (call.does, call.details) == ("Pays twice back.", {"to": "the card it came from"})
        assert [name for name, *_ in office.workshop.called] == ["ticket_context", "search"]
        await office.inbox.approve_call("T-1", "ann", None, call.digest)
        assert await office.work() == "suggested"
        assert office.workshop.called[-1][0] == "refund"
        assert office.workshop.called[-1][2].endswith("r1")
        assert '{\\"found\\":\\"twice\\"}' in office.answered()
        assert (await office.view()).decision is not None
        assert "proposal" not in await office.store.row("T-1")  # a person had a part in it: it proves nothing
        assert (await office.types()).count("effect_begun") == 1

    asyncio.run(story())


def test_a_refusal_tells_the_agent_why_and_it_goes_on() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())])
        call = await office.asks()
        await office.inbox.reject_call("T-1", "ann", None, call.digest, "it was paid back in May")
        assert await office.work() == "suggested"
        assert "it was paid back in May" in office.answered()
        assert "refund" not in [name for name, *_ in office.workshop.called]

    asyncio.run(story())


def test_arguments_as_a_person_changed_them_are_what_is_done_and_said() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())])
        call = await office.asks()
        edited = (await office.inbox.edit_call("T-1", "ann", None, call.digest, {"query": "once"})).call
        assert edited is not None
        assert edited.does == "Pays once back."
        await office.inbox.approve_call("T-1", "eve", None, edited.digest)
        assert await office.work() == "suggested"
        assert [query for name, query, _ in office.workshop.called if name == "refund"] == ["once"]
        assert "arguments_as_a_person_changed_them" in office.answered()

    asyncio.run(story())


def test_whoever_approves_what_ends_a_ticket_has_decided_it() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())], ends=True)
        call = await office.asks()
        await office.inbox.approve_call("T-1", "ann", None, call.digest)
        assert await office.work() == "decided"
        view = await office.view()
        assert view.decision is not None
        assert view.decision["decided_by"] == "ann"

    asyncio.run(story())


@pytest.mark.parametrize("approved", [False, True])
def test_what_is_added_first_is_read_first(approved: bool) -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(refund("r2", "once")), reply(submit())])
        call = await office.asks()
        if approved:
            await office.inbox.approve_call("T-1", "ann", None, call.digest)
        talk = Conversations(office.store, TRIAGE, OutcomeWriter(wanted=False), Bounds(LIMITS))
        await talk.add("T-1", Message(id="m1", body="Only one of them."), door="http")
        assert await office.work() == "suggested"
        assert (await office.call()).arguments == {"query": "once"}
        assert "something was added" in office.answered()
        assert "refund" not in [name for name, *_ in office.workshop.called]

    asyncio.run(story())


def test_a_person_who_sends_it_back_has_not_approved_it() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())])
        await office.asks()
        await office.inbox.resume("T-1", "ann", None, "Ask them for the receipt first.", LIMITS)
        assert await office.work() == "suggested"
        assert (await office.view()).decision is not None
        assert "instead of approving" in office.answered()

    asyncio.run(story())


def test_an_approval_that_came_too_late_is_asked_for_again() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())])
        office.inbox.approval_seconds = 60
        call = await office.asks()
        await office.inbox.approve_call("T-1", "ann", None, call.digest)
        office.store.pass_ms(61_000)
        assert await office.work() == "suggested"
        again = await office.call()
        assert again.digest == call.digest
        await office.inbox.approve_call("T-1", "ann", None, again.digest)
        assert await office.work() == "suggested"
        assert [name for name, *_ in office.workshop.called].count("refund") == 1

    asyncio.run(story())


def test_another_model_than_the_one_that_asked_still_does_what_was_approved() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())])
        call = await office.asks()
        await office.inbox.approve_call("T-1", "ann", None, call.digest)
        office.model = ScriptedModel([reply(submit())], name="another")
        assert await office.work() == "suggested"
        assert [name for name, *_ in office.workshop.called].count("refund") == 1
        assert "Done already for this ticket, not to be done again: refund" in str(office.model.asked[0].messages)

    asyncio.run(story())


def test_what_was_shown_too_long_ago_is_not_approved() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())], wait_seconds=60)
        call = await office.asks()
        office.store.pass_ms(60_000)
        with pytest.raises(ValueError, match="too old"):
            await office.inbox.approve_call("T-1", "ann", None, call.digest)
        assert (await office.view()).call == call

    asyncio.run(story())


def test_a_tool_earns_to_act_alone_by_what_people_let_happen_and_loses_it() -> None:
    async def story() -> None:
        refunds = [reply(refund(f"r{number}")) if not number % 2 else reply(submit()) for number in range(40)]
        office = Office(refunds, approval=Ask.UNTIL_EARNED)
        judge = CallJudge(office.store, "triage", Terms(Rule(target=0.5, alarm_from=4)), dice=lambda: 0.99)

        async def earned(tool: str, version: str) -> str:
            return await judge.refusal(tool, version, may_act=True)

        async def asks(number: int) -> PendingCall | None:
            await office.ledger.accept(TICKET.model_copy(update={"id": f"T-{number}"}), LIMITS)
            await office.executor(earned=earned).triage(f"T-{number}")
            return (await office.inbox.views.ticket(f"T-{number}")).call

        number = 0
        while (call := await asks(number)) is not None:
            assert f"it has not earned to act alone: {number} of {number} approved" in call.why
            await office.inbox.approve_call(f"T-{number}", "ann", None, call.digest)
            assert await office.executor(earned=earned).triage(f"T-{number}") == "suggested"
            number += 1
        assert number == 6
        assert [name for name, *_ in office.workshop.called].count("refund") == number + 1
        judge.dice, refused = (lambda: 0.0), 0
        while (call := await asks(number := number + 1)) is not None and "permanent audit" in call.why:
            await office.inbox.reject_call(f"T-{number}", "ann", None, call.digest, "not any more")
            await office.executor(earned=earned).triage(f"T-{number}")
            refused += 1
        assert call is not None
        assert refused
        assert "it has not earned to act alone" in call.why

    asyncio.run(story())


def test_an_effect_that_may_have_happened_goes_to_people_under_its_reason() -> None:
    async def story() -> None:
        office = Office([reply(refund()), reply(submit())], effect=Effect.UNKEYED)
        office.workshop.answers["twice"] = RuntimeError("no answer")
        call = await office.asks()
        await office.inbox.approve_call("T-1", "ann", None, call.digest)
        assert await office.work() == "handed_off"
        assert (await office.view()).reason == "effect_unknown"

    asyncio.run(story())


@pytest.mark.parametrize(("limit", "asks"), [(10, False), (1, True)])
def test_only_amounts_above_the_limit_are_asked_about(limit: int, asks: bool) -> None:
    async def story() -> None:
        tool = replace(Office([]).tools["refund"], approval=over("query", limit))
        office = Office([reply(tool_use("r1", "refund", {"query": "5"})), reply(submit())])
        office.tools["refund"] = replace(tool, run=office.tools["refund"].run, arguments=Amount)
        await office.ledger.accept(TICKET, LIMITS)
        await office.work()
        assert ((await office.view()).call is not None) is asks

    from pydantic import BaseModel

    class Amount(BaseModel):
        query: int

    asyncio.run(story())
