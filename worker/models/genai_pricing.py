"""What model calls cost, from the pinned price list of PyPI `genai-prices`, as integers."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from genai_prices import Usage, calc_price
from genai_prices.types import TieredPrices

from tasks.errors import ModelError
from tasks.money import NANO, Nanodollars
from tasks.reasons import Reason
from tasks.run.messages import TokenUsage

_PER_TOKENS = 1_000_000
"""Rates are kept per million tokens, as the list states them, so that no rate is ever rounded."""


@dataclass(frozen=True, slots=True)
class Band:
    """The rates that apply while a call's input is above `above_tokens`, in nanodollars per million tokens."""

    above_tokens: int
    fresh: int
    cache_write: int
    cache_read: int
    output: int


class Prices:
    """Anthropic's prices. Any model without one raises `ModelError(PRICE_UNKNOWN)`: no price, no call.

    Looked up once per model and UTC day, because the list dates its price changes by day.
    """

    def __init__(self) -> None:
        self._bands: dict[str, tuple[Band, ...]] = {}
        self._day = ""

    def cost(self, model: str, usage: TokenUsage) -> Nanodollars:
        """What a finished call cost, rounded up. The whole call is charged at the band its input falls into."""
        bands = self._lookup(model)
        billed_input = usage.billed_input
        band = next((band for band in reversed(bands) if billed_input > band.above_tokens), bands[0])
        return _rounded_up(
            usage.input_tokens * band.fresh
            + usage.cache_write_tokens * band.cache_write
            + usage.cache_read_tokens * band.cache_read
            + usage.output_tokens * band.output
        )

    def worst_case(self, model: str, max_input_tokens: int, max_output_tokens: int, *, caching: bool) -> Nanodollars:
        """Upper bound of what a call within these token bounds can cost.

        The dearest of the bands it can reach: a call may turn out smaller than its bound and land in a lower one.
        """
        bands = self._lookup(model)
        reachable = [band for band in bands if max_input_tokens > band.above_tokens] or [bands[0]]
        return max(
            _rounded_up(max_input_tokens * _dearest_input(band, caching) + max_output_tokens * band.output)
            for band in reachable
        )

    def _lookup(self, model: str) -> tuple[Band, ...]:
        now = datetime.now(UTC)
        if (day := now.date().isoformat()) != self._day:
            self._bands, self._day = {}, day
        if (bands := self._bands.get(model)) is None:
            bands = self._bands[model] = _bands(model, now)
        return bands


def _dearest_input(band: Band, caching: bool) -> int:
    return max(band.fresh, band.cache_write, band.cache_read) if caching else band.fresh


def _bands(model: str, now: datetime) -> tuple[Band, ...]:
    try:
        price = calc_price(Usage(), model, provider_id="anthropic", genai_request_timestamp=now).model_price
    except LookupError:
        raise _unknown(model) from None
    if price.input_mtok is None or price.output_mtok is None:
        raise _unknown(model)
    fresh, output = price.input_mtok, price.output_mtok
    # A cache rate that the list leaves out means that those tokens are charged as plain input.
    write = fresh if price.cache_write_mtok is None else price.cache_write_mtok
    read = fresh if price.cache_read_mtok is None else price.cache_read_mtok
    starts = {0} | {tier.start for rate in (fresh, write, read, output) for tier in _tiers(rate)}
    return tuple(
        Band(start, _rate(fresh, start), _rate(write, start), _rate(read, start), _rate(output, start))
        for start in sorted(starts)
    )


def _tiers(rate: Decimal | TieredPrices) -> list[Any]:
    return rate.tiers if isinstance(rate, TieredPrices) else []


def _rate(rate: Decimal | TieredPrices, above_tokens: int) -> int:
    """The rate for inputs just above this many tokens, in nanodollars per million tokens."""
    dollars = rate.base if isinstance(rate, TieredPrices) else rate
    for tier in _tiers(rate):
        if above_tokens >= tier.start:
            dollars = tier.price
    nanodollars = dollars * NANO
    return int(nanodollars) + (nanodollars != int(nanodollars))


def _rounded_up(nanodollars_times_million: int) -> Nanodollars:
    return Nanodollars(-(-nanodollars_times_million // _PER_TOKENS))


def _unknown(model: str) -> ModelError:
    return ModelError(
        Reason.PRICE_UNKNOWN,
        f"no price is known for the model {model!r}: check its spelling, or update genai-prices",
        maybe_paid=False,
    )
