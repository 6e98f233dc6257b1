"""The naive loop against ours: the parts multiply to the whole, and each takes away what it says."""

import asyncio

from tasks.messages import TokenUsage
from tasks.money import Nanodollars
from tests.fakes.desk import LIMITS, TAXONOMY, TICKET, Workshop, submit
from tests.fakes.scripted_model import ScriptedModel, reply
from worker.evaluation_cost import PARTS, Arm, CostReport, Metered, armed
from worker.evaluation_run import Bench
from worker.executor import Tier
from worker.genai_pricing import Prices


class Priced(ScriptedModel):
    """Says what it is told, at a real model's prices."""

    def cost(self, usage: TokenUsage) -> Nanodollars:
        return Prices().cost("claude-haiku-5-5", usage)


def bench() -> Bench:
    said = [reply(submit(), usage=TokenUsage(100, 10, 0, 900))]
    tiers = tuple(Tier(Priced(said, name=name), 0.5) for name in ("small", "large"))
    return Bench(TAXONOMY, tiers, Workshop().tools(), LIMITS)


def priced(part: str) -> tuple[int, list[str]]:
    with_part = armed(bench(), part)
    (tried,) = asyncio.run(with_part.work(TICKET))
    return tried.cost_nanodollars, [tier.model.name for tier in with_part.tiers]


def test_each_part_is_added_to_the_ones_before_it() -> None:
    assert {part: priced(part)[1] for part in PARTS} == {
        "naive": ["large"],
        "prefetch": ["large"],
        "cache": ["large"],
        "tiers": ["small", "large"],
        "duplicates": ["small", "large"],
    }
    assert "ticket_context" not in armed(bench(), "naive").tools
    assert "ticket_context" in armed(bench(), "prefetch").tools


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


def test_the_ratios_multiply_to_the_whole_and_free_is_no_number() -> None:
    def at(name: str, cost: float) -> Arm:
        return Arm(name, cost, {}, 0, 0, 0, 0)

    ratios = CostReport(1, (at("naive", 80), at("prefetch", 40), at("cache", 10), at("tiers", 5))).ratios
    assert ratios == {"prefetch": 2, "cache": 4, "tiers": 2, "together": 16}
    assert CostReport(1, (at("naive", 80), at("tiers", 0))).ratios["together"] is None
