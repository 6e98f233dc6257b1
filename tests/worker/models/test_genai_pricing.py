"""Prices against the library they come from."""

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TimeOfDateConstraint

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import TokenUsage
from worker.config.prices import OwnPrice
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


@pytest.mark.parametrize("name", ["claude-hiku-4-5", "gpt-4o", "openai:gpt-unheard-of", "claude-soonet-5-5"])
def test_a_model_without_a_price_is_refused_unpaid(name: str) -> None:
    for ask in (
        lambda: Prices().cost(name, TokenUsage(1, 1)),
        lambda: Prices().worst_case(name, 1, 1, caching=True),
    ):
        with pytest.raises(ModelError) as caught:
            ask()
        assert caught.value.reason is Reason.PRICE_UNKNOWN
        assert not caught.value.maybe_paid


def test_every_provider_of_the_list_is_found_by_its_url() -> None:
    prices = Prices()
    assert prices.cost("openai:gpt-5-mini", TokenUsage(1_000_000)) == 250_000_000
    assert prices.cost("openai:grok-4@https://api.x.ai/v1", TokenUsage(1_000_000)) == 3_000_000_000
    assert prices.cost("openai:gpt-5@https://desk.openai.azure.com/openai/v1", TokenUsage(1_000_000)) == 1_250_000_000
    assert prices.of("openai:gpt-5-mini").context == 400_000


def test_the_same_name_at_an_unknown_address_has_no_price() -> None:
    with pytest.raises(ModelError) as caught:
        Prices().of("openai:gpt-5-mini@http://127.0.0.1:1/v1")
    assert "DESKHAND_PRICES" in caught.value.detail


def test_a_proxy_of_anthropics_bills_at_its_prices() -> None:
    through = Prices().cost(f"anthropic:{PLAIN}@http://proxy:1", TokenUsage(100, 10))
    assert through == Prices().cost(PLAIN, TokenUsage(100, 10))


def test_a_cloud_bills_at_its_own_prices_by_model_and_place_and_a_proxy_before_it_too() -> None:
    usage, model = TokenUsage(1_000_000, 1_000_000), "anthropic.claude-haiku-4-5-20251001-v1:0"
    assert Prices().cost(f"bedrock:global.{model}", usage) == 6_000_000_000
    assert Prices().cost(f"bedrock:us.{model}", usage) == 6_600_000_000
    assert Prices().cost(f"bedrock:us.{model}@http://proxy:1", usage) == 6_600_000_000
    assert Prices().cost("vertex:claude-haiku-4-5@20251001", usage) == 6_000_000_000
    assert Prices(at_a_place=True).cost("vertex:claude-haiku-4-5@20251001@http://proxy:1", usage) == 6_600_000_000
    assert Prices(at_a_place=True).cost(f"bedrock:global.{model}", usage) == 6_000_000_000


def test_a_price_of_each_call_is_a_part_of_cost_and_worst_case() -> None:
    prices, model = Prices(), "openai:sonar@https://api.perplexity.ai"
    assert prices.cost(model, TokenUsage()) > 0
    assert prices.worst_case(model, 10, 10, caching=True) >= prices.cost(model, TokenUsage(10, 10))


def test_of_prices_by_the_hour_the_dearest_stands_for_the_whole_day() -> None:
    url = "https://api.deepseek.com/v1"
    by_the_hour = [
        model.id
        for provider in get_snapshot().providers
        if provider.id == "deepseek"
        for model in provider.models
        if isinstance(model.prices, list)
        and any(isinstance(price.constraint, TimeOfDateConstraint) for price in model.prices)
    ]
    assert by_the_hour
    for name in by_the_hour:
        cost = Prices().cost(f"openai:{name}@{url}", TokenUsage(1_000_000, 1_000_000))
        hours = [datetime.now(UTC).replace(hour=hour) for hour in range(24)]
        usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
        listed_by_hour = [
            calc_price(usage, name, provider_id="deepseek", genai_request_timestamp=hour).total_price for hour in hours
        ]
        assert cost >= max(listed_by_hour) * 10**9


OWN = {
    "openai:qwen3": OwnPrice(Decimal(0), Decimal(0)),
    "openai:qwen3@http://dear:1": OwnPrice(Decimal(1), Decimal(2), cache_read=Decimal("0.1"), context=8192),
    PLAIN: OwnPrice(Decimal("0.5"), Decimal("2.5")),
}


def test_the_deployments_own_price_stands_before_the_lists_and_0_is_a_price() -> None:
    prices = Prices(OWN)
    assert prices.worst_case("openai:qwen3@http://gpu:8080", 10**6, 10**6, caching=True) == 0
    assert prices.cost("openai:qwen3@http://dear:1", TokenUsage(10**6, 10**6, 0, 10**6)) == 3_100_000_000
    assert prices.of("openai:qwen3@http://dear:1").context == 8192
    assert prices.cost(PLAIN, TokenUsage(10**6, 10**6)) == 3_000_000_000
