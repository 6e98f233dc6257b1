"""Prices against the library they come from."""

from decimal import ROUND_CEILING, Decimal

import pytest
from genai_prices import Usage, calc_price

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import TokenUsage
from worker.models.genai_pricing import Prices

PLAIN = "claude-haiku-4-5"
BANDED = "claude-sonnet-4-5"
MODELS = [PLAIN, BANDED, "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-opus-4-6", "claude-2"]
USAGES = [
    TokenUsage(),
    TokenUsage(1, 1),
    TokenUsage(1_234, 567, 8_901, 23_456),
    TokenUsage(0, 100, 0, 199_999),
    TokenUsage(100_000, 100, 50_000, 50_000),
    TokenUsage(100_000, 100, 50_000, 50_001),
    TokenUsage(900_001, 4_321, 17, 3),
]


def listed(model: str, usage: TokenUsage) -> int:
    """The library's own price, rounded up to nanodollars."""
    tokens = Usage(
        input_tokens=usage.billed_input,
        output_tokens=usage.output_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_read_tokens=usage.cache_read_tokens,
    )
    dollars = calc_price(tokens, model, provider_id="anthropic").total_price
    return int((dollars * Decimal(10**9)).to_integral_value(ROUND_CEILING))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("usage", USAGES, ids=repr)
def test_a_cost_is_the_lists_price_rounded_up(model: str, usage: TokenUsage) -> None:
    assert Prices().cost(model, usage) == listed(model, usage)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("usage", USAGES, ids=repr)
def test_the_worst_case_covers_every_split_of_the_input(model: str, usage: TokenUsage) -> None:
    prices, total = Prices(), usage.billed_input
    bound = prices.worst_case(model, total, usage.output_tokens, caching=True)
    assert bound >= prices.cost(model, usage)
    assert bound >= prices.cost(model, TokenUsage(0, usage.output_tokens, total, 0))
    assert bound >= prices.cost(model, TokenUsage(total, usage.output_tokens))


def test_a_banded_model_charges_the_whole_call_at_the_higher_band() -> None:
    prices = Prices()
    below, above = prices.cost(BANDED, TokenUsage(200_000)), prices.cost(BANDED, TokenUsage(200_001))
    assert below == 200_000 * 3_000
    assert above == 200_001 * 6_000
    assert prices.worst_case(BANDED, 200_001, 10, caching=False) == 200_001 * 6_000 + 10 * 22_500


def test_with_caching_the_worst_case_charges_all_input_as_a_cache_write() -> None:
    assert Prices().worst_case(PLAIN, 1_000, 100, caching=True) == 1_000 * 1_250 + 100 * 5_000
    assert Prices().worst_case(PLAIN, 1_000, 100, caching=False) == 1_000 * 1_000 + 100 * 5_000


@pytest.mark.parametrize("name", ["claude-hiku-4-5", "gpt-4o", "", "claude-soonet-5-5"])
def test_a_model_without_a_price_is_refused_unpaid(name: str) -> None:
    for ask in (
        lambda: Prices().cost(name, TokenUsage(1, 1)),
        lambda: Prices().worst_case(name, 1, 1, caching=True),
    ):
        with pytest.raises(ModelError) as caught:
            ask()
        assert caught.value.reason is Reason.PRICE_UNKNOWN
        assert not caught.value.maybe_paid
