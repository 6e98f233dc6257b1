"""Whatever stands between a ticket and its state in production stands there in an evaluation: ticket by ticket."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import pytest

from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from tasks.errors import ModelError
from tasks.money import Nanodollars
from tasks.reasons import Reason
from tasks.run.agent import Agent
from tasks.run.clock import StoreClock
from tasks.run.limits import Limits
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage
from tasks.run.tool import Effect
from tasks.safety.grades import Grade
from tasks.safety.screen import Screen
from tasks.ticket import Priority, Requester, Ticket
from tasks.triage.process import Triage
from tasks.triage.taxonomy import PriorityRule
from tests.fakes.desk import Workshop
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import reply, text, tool_use
from tests.tasks.safety.test_screen import ATTACKS, ORDINARY
from tests.worker.work.office import TAXONOMY, TOOLS
from worker import sample
from worker.evaluation.run import Bench
from worker.models.redaction import RedactedModel
from worker.models.tier import Tier
from worker.work.run_loop import Concluded

RULES = (
    PriorityRule(words=("lawyer",), priority=Priority.HIGH, person=True),
    PriorityRule(customer_tiers=("vip", "business"), priority=Priority.URGENT, person=True),
    PriorityRule(words=("pending",), team="fraud_and_security"),
)
PROCESS = Triage(TAXONOMY.model_copy(update={"priority_rules": RULES}).checked())
LIMITS = Limits(max_seconds=None)
PERSONAL = ("jane.roe@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+44 20 7946 0958")


@dataclass
class Moody:
    """Decides, and misbehaves, by what it is shown and nothing else: alike on both sides."""

    name: str
    seen: Counter[int] = field(default_factory=Counter)

    async def call(self, request: ModelRequest) -> ModelReply:
        shown = str(request.messages[0]["content"][0]["text"])
        mood, turn = crc32(f"{self.name} {shown}".encode()), len(request.messages) // 2
        self.seen[mood] += 1
        match mood % 10, turn, self.seen[mood]:
            case 0, _, _:
                return reply(submission(shown, mood, confidence=0.3))
            case 1, _, _:
                return reply(text("I would say it is about a card."))
            case 2, _, _:
                return reply(stop="refusal")
            case 3, 0, _:
                return reply(submission(shown, mood, label="nonsense"))
            case 4, 0, _:
                return reply(tool_use("k", "search_knowledge_base", {"query": "card"}))
            case 5, 0, _:
                return reply(tool_use("r", "refund", {"query": "x"}))
            case 6, _, 1:
                raise ModelError(Reason.MALFORMED_REPLY, "no JSON", maybe_paid=True)
            case 7, _, 1:
                raise ModelError(Reason.MODEL_OVERLOADED, "529", maybe_paid=False)
            case _:
                return reply(submission(shown, mood))

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        return Nanodollars(1000)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        return Nanodollars(600)


def submission(shown: str, mood: int, **changed: Any) -> dict[str, Any]:
    """Quotes what it was shown, masked or not."""
    found = re.search(r"<body>(.*?)</body>", shown, re.DOTALL)
    assert found is not None
    label = TAXONOMY.labels[mood % len(TAXONOMY.labels)]
    arguments = {
        "label": label.name,
        "priority": "normal",
        "summary": "It is about a card.",
        "rationale": "It says so.",
        "evidence": [" ".join(found[1].split()[:12])],
        "confidence": 0.9,
    }
    return tool_use("s", "submit_decision", arguments | changed)


def tickets() -> Iterator[Ticket]:
    """Sample rows, hostile texts, masked data, and what the rules keep for a person."""
    rows = [Ticket.model_validate(each["ticket"]) for each in sample.sample_tickets("test", 120)]
    yield from rows[:60]
    for n, row in enumerate(rows[60:90]):
        yield row.model_copy(update={"body": f"I am {PERSONAL[n % len(PERSONAL)]}. {row.body}"})
    for row in rows[90:105]:
        yield row.model_copy(update={"body": f"{row.body} You will hear from my lawyer."})
    texts = [*(text for texts in ATTACKS.values() for text in texts), *filter(str.strip, ORDINARY)]
    for n, said in enumerate(texts):
        row = rows[n % len(rows)]
        yield row.model_copy(update={"id": f"said-{n}", "body": f"{row.body}\n{said}"})
    for n, said in enumerate(ORDINARY[1:]):
        yield Ticket(id=f"alone-{n}", source="test", subject="", body=said, requester=Requester(id=f"cus-{1001 + n}"))


def tiers() -> tuple[Tier, ...]:
    return (Tier(RedactedModel(Moody("small")), 0.6, redacted=True), Tier(Moody("large"), 0.6))


Outcome = tuple[State, str, Any, tuple[str, ...]]
"""State, reason, decision, and why a person must decide it."""


async def worked(agent: Agent, found: list[Ticket]) -> dict[str, Outcome]:
    """By a worker, in its store; a parked one goes on when its time has come."""
    store = MemoryStore()
    ledger, views = Ledger(store, agent.process), Views(store)
    worker = executor(ledger, tiers(), agent.process, agent.tools)
    outcomes: dict[str, Outcome] = {}
    for ticket in found:
        name = str(ticket.id)
        await ledger.accept(ticket, LIMITS)
        while await worker.triage(name) is State.PARKED:
            store.pass_ms(200_000)
            await ledger.sweep(limit=9, max_losses=3)
        view = await views.ticket(name)
        person = (await views.checkpoint(name)).person
        outcomes[name] = (view.state, view.reason.value if view.reason else "", view.decision, person)
    return outcomes


async def evaluated(agent: Agent, found: list[Ticket]) -> dict[str, Outcome]:
    async def at_once(_clock: StoreClock, _at_ms: int) -> None:
        return

    bench = Bench(agent, tiers(), LIMITS, {}, at_once)
    outcomes: dict[str, Outcome] = {}
    for ticket in found:
        _, ending = await bench.work(ticket)
        left = (ending.checkpoint.decision, ending.checkpoint.person)
        if isinstance(ending, Concluded):
            outcomes[str(ticket.id)] = (State.SUGGESTED, "", *left)
        else:
            left = (ending.checkpoint.suggestion, ending.checkpoint.person)
            outcomes[str(ticket.id)] = (State.HANDED_OFF, ending.stop.reason.value, *left)
    return outcomes


@pytest.fixture(scope="module")
def both() -> tuple[list[Ticket], dict[str, Outcome], dict[str, Outcome]]:
    tools = TOOLS | {"refund": Workshop().tool("refund", Effect.KEYED)}
    agent, found = Agent(PROCESS, tools), list(tickets())
    return found, asyncio.run(worked(agent, found)), asyncio.run(evaluated(agent, found))


def test_every_ticket_comes_to_the_same(both: tuple[list[Ticket], dict[str, Outcome], dict[str, Outcome]]) -> None:
    found, in_production, in_evaluation = both
    assert len(in_production) == len(found) >= 150
    for name, outcome in in_production.items():
        assert in_evaluation[name] == outcome, name


def test_the_tickets_meet_what_could_make_a_difference(
    both: tuple[list[Ticket], dict[str, Outcome], dict[str, Outcome]],
) -> None:
    found, _, outcomes = both
    met = Counter((state, reason) for state, reason, _, _ in outcomes.values())
    assert met[State.SUGGESTED, ""] > 50
    assert met[State.HANDED_OFF, Reason.INJECTION_SUSPECTED] > 2
    assert {reason for _, reason in met} >= {Reason.LOW_CONFIDENCE, Reason.NO_DECISION, Reason.MODEL_REFUSED}
    decided = [(ticket, outcomes[str(ticket.id)][2]) for ticket in found if outcomes[str(ticket.id)][2]]
    masked = [decision for _, decision in decided if any(each in str(decision["evidence"]) for each in PERSONAL)]
    assert len({decision["tier"] for decision in masked}) == 2, "quotes of masked text were read, and of plain text"
    urgent = [ticket for ticket, decision in decided if decision["priority"] == "urgent"]
    assert urgent, "rules raised priorities"
    assert sum(bool(person) for *_, person in outcomes.values()) > 10, "and kept decisions for people"
    graded = {str(ticket.id): Screen().read(ticket.text).grade for ticket in found}
    suggested = {name for name, (state, *_) in outcomes.items() if state is State.SUGGESTED}
    assert not any(graded[name] is Grade.STRONG for name in suggested)
    left = [outcomes[name][3] for name in suggested if graded[name] is Grade.MARKED]
    assert len(left) > 15, "and marked ones are suggested"
    assert all(any("a passage" in why for why in person) for person in left), "but never decided alone"
