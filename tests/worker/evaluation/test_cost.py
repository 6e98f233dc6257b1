"""The naive loop against ours: the parts multiply to the whole, and each takes away what it says."""

import asyncio
from dataclasses import replace

from tasks.money import Nanodollars
from tasks.run.agent import Agent
from tasks.run.messages import TokenUsage
from tests.fakes.desk import LIMITS, TICKET, TRIAGE, Workshop, submit
from tests.fakes.scripted_model import ScriptedModel, reply
from worker.evaluation.cost import PARTS, UNSURE, Arm, CostReport, Metered, arm, armed
from worker.evaluation.figures import Share
from worker.evaluation.labelled import Labelled
from worker.evaluation.run import TOTAL, Bench
from worker.models.genai_pricing import Prices
from worker.models.tier import Tier


class Priced(ScriptedModel):
    """Says what it is told, at a real model's prices."""

    def cost(self, usage: TokenUsage) -> Nanodollars:
        return Prices().cost("claude-haiku-5-5", usage)


def bench() -> Bench:
    said = [reply(submit(), usage=TokenUsage(100, 10, 0, 900))]
    tiers = tuple(Tier(Priced(said, name=name), 0.5) for name in ("small", "large"))
    return Bench(Agent(TRIAGE, Workshop().tools()), tiers, LIMITS, {})


def priced(part: str) -> tuple[int, list[str]]:
    with_part = armed(bench(), part)
    (tried,), _ = asyncio.run(with_part.work(TICKET))
    return tried.cost_nanodollars, [tier.model.name for tier in with_part.tiers]


def test_each_part_is_added_to_the_ones_before_it() -> None:
    assert {part: priced(part)[1] for part in PARTS} == {
        "naive": ["large"],
        "prefetch": ["large"],
        "cache": ["large"],
        "tiers": ["small", "large"],
        "duplicates": ["small", "large"],
    }
    assert "ticket_context" not in armed(bench(), "naive").agent.tools
    assert "ticket_context" in armed(bench(), "prefetch").agent.tools


def test_without_a_cache_what_it_held_is_charged_as_plain_input() -> None:
    prices = Prices()
    assert priced("naive")[0] == priced("prefetch")[0] == prices.cost("claude-haiku-5-5", TokenUsage(1000, 10))
    assert priced("cache")[0] == prices.cost("claude-haiku-5-5", TokenUsage(100, 10, 0, 900)) < priced("naive")[0]


def test_calls_and_tokens_are_counted() -> None:
    with_part = armed(bench(), "cache")
    asyncio.run(with_part.work(TICKET))
    (tier,) = with_part.tiers
    assert isinstance(tier.model, Metered)
    assert (tier.model.calls, tier.model.usage) == (1, TokenUsage(100, 10, 0, 900))


def test_tiers_made_to_be_unsure_hand_on_that_share_and_no_more() -> None:
    rows = [
        Labelled(TICKET.model_copy(update={"id": f"t-{n}", "body": f"{TICKET.body} ({n})"}), "refund_status", "", {})
        for n in range(200)
    ]
    calls = {}
    for name in ("", *UNSURE):
        said = [reply(submit(), usage=TokenUsage(100, 10, 0, 900))] * len(rows)
        tiers = tuple(Tier(Priced(said, name=tier), 0.5) for tier in ("small", "large", "largest"))
        with_part = armed(replace(bench(), tiers=tiers), "tiers", name)
        calls[name] = arm("tiers", with_part, asyncio.run(with_part.answers(rows))[TOTAL]).calls
    half = calls["half escalated"]["large"]
    assert 0.4 < half < 0.6
    assert calls == {
        "": {"small": 1, "large": 0, "largest": 0},
        "half escalated": {"small": 1, "large": half, "largest": 0},
        "all escalated": {"small": 1, "large": 1, "largest": 0},
        "half to the last": {"small": 1, "large": half, "largest": half},
    }


def test_the_ratios_multiply_to_the_whole_and_free_is_no_number() -> None:
    def at(name: str, cost: float) -> Arm:
        return Arm(name, cost, {}, 0, 0, 0, Share(0, 1), 0)

    ratios = CostReport(1, (at("naive", 80), at("prefetch", 40), at("cache", 10), at("tiers", 5))).ratios
    assert ratios == {"prefetch": 2, "cache": 4, "tiers": 2, "together": 16}
    assert CostReport(1, (at("naive", 80), at("tiers", 0))).ratios["together"] is None
