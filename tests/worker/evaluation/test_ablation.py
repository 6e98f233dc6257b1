"""With and without a tool: what is right, what it takes, and which tool is not worth having."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tasks.money import Nanodollars
from tasks.run.agent import Agent
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage
from tests.fakes.desk import LIMITS, TICKET, TRIAGE, Workshop, search, submit
from tests.fakes.scripted_model import ScriptedModel, reply
from worker.evaluation.ablation import ALL, Counted, counted, way, ways, worth
from worker.evaluation.figures import Graded
from worker.evaluation.labelled import Labelled
from worker.evaluation.run import TOTAL, Bench
from worker.models.genai_pricing import Prices
from worker.models.tier import Tier


class Searches(ScriptedModel):
    """Looks something up where it can, and then answers."""

    async def call(self, request: ModelRequest) -> ModelReply:
        can = "search" in {tool.name for tool in request.tools}
        block = search("a") if can and len(request.messages) == 1 else submit(f"s{len(request.messages)}")
        return reply(block, usage=TokenUsage(1000, 10))

    def cost(self, usage: TokenUsage) -> Nanodollars:
        return Prices().cost("claude-haiku-5-5", usage)


def worked(*without: str) -> Counted:
    tiers = (Tier(Searches([], name="large"), 0.5),)
    done = counted(Bench(Agent(TRIAGE, Workshop().tools()), tiers, LIMITS, {}), without)
    done.answers = asyncio.run(done.bench.answers([Labelled(TICKET, "duplicate_charge", "test", {})]))[TOTAL]
    return done


def test_steps_calls_tokens_and_dollars_are_those_of_one_ticket() -> None:
    every, less = way(worked()), way(worked("search"))
    assert (every.name, every.steps, every.tool_calls, every.input_tokens) == ("every tool", 2, 1, 2000)
    assert (less.name, less.steps, less.tool_calls, less.input_tokens) == ("without search", 1, 0, 1000)
    assert every.cost_nanodollars == 2 * less.cost_nanodollars > 0
    assert way(worked("search", "notify", "refund")).name == "only the prefetch"


def answered(right: Callable[[int], bool], dollars: int) -> Counted:
    done = worked()
    said = [("a" if right(number) else "b") for number in range(100)]
    rest: dict[str, Any] = {"confidence": 0.9, "stood": True, "reason": "", "tier": "t", "seconds": 0.1}
    done.answers = [
        Graded(str(n), "a", "x", label, "x", cost_nanodollars=dollars, **rest) for n, label in enumerate(said)
    ]
    return done


@pytest.mark.parametrize(
    ("right", "dollars", "pays", "said"),
    [
        (lambda number: number >= 10, 5, True, "10 tickets are wrong that were right"),
        (lambda number: number >= 2, 5, False, "it does not pay: nothing is lost without it (0 gained, 2 lost)"),
        (lambda number: True, 9, True, "more"),
    ],
    ids=["less is right", "as much is right", "it saves"],
)
def test_a_tool_that_does_not_pay_is_named(right: Callable[[int], bool], dollars: int, pays: bool, said: str) -> None:
    found = worth(answered(lambda number: True, 7), answered(right, dollars))
    assert (found.pays, said in found.verdict) == (pays, True), found.verdict


def test_only_what_is_offered_can_be_left_out() -> None:
    assert ways(["a", ALL, "a"], {"b", "a"}) == [(), ("a",), ("a", "b")]
    with pytest.raises(ValueError, match="no tool 'c' here; it has a, b, or `all`"):
        ways(["c"], {"b", "a"})
