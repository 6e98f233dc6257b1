"""What model calls cost, as integers: by the deployment's own price file, else by the pinned list of `genai-prices`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from genai_prices import Usage, calc_price
from genai_prices.types import ModelInfo, ModelPrice, PriceCalculation, TieredPrices, TimeOfDateConstraint

from tasks.errors import ModelError
from tasks.money import NANO, Nanodollars
from tasks.reasons import Reason
from tasks.run.messages import TokenUsage
from worker.config.models import Make, ModelEntry, read_model
from worker.config.prices import OwnPrice

_PER_TOKENS = 1_000_000
"""Rates are kept per million tokens, as the list states them, so that no rate is ever rounded."""

_PROVIDERS = {Make.ANTHROPIC: "anthropic", Make.OPENAI: "openai", Make.BEDROCK: "aws", Make.VERTEX: "google"}
"""Who bills a model that is asked without a URL of its own."""

_BY_URL = frozenset({Make.OPENAI, Make.SYSTEMONE})
"""Makes whose URL says who bills; what stands before the others is a proxy, and they bill as without it."""

_AT_A_PLACE = Decimal("1.1")
"""What Vertex's regional endpoints charge of the list's prices, which are those of its global one."""

_QUARTERS_OF_A_DAY = tuple(timedelta(minutes=15 * number) for number in range(96))

_NONE: Mapping[str, OwnPrice] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Band:
    """The rates that apply while a call's input is above `above_tokens`, in nanodollars per million tokens.

    call: nanodollars of each call, whatever its tokens.
    """

    above_tokens: int
    fresh: int
    cache_write: int
    cache_read: int
    output: int
    call: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    """Of one model, on one day. bands: by input. context: tokens of its window, None where nobody says.

    own: whether the deployment has stated it.
    """

    bands: tuple[Band, ...]
    context: int | None
    own: bool = False


class Prices:
    """Prices by a model's name. Any without one raises `ModelError(PRICE_UNKNOWN)`: no price, no call.

    own: the deployment's, before the list's. at_a_place: whether Vertex is asked in a region and not globally.
    Looked up once per model and UTC day, because the list dates its price changes by day; of prices by the hour the
    dearest stands for the whole day.
    """

    def __init__(self, own: Mapping[str, OwnPrice] = _NONE, *, at_a_place: bool = False) -> None:
        self._own = own
        self._at_a_place = at_a_place
        self._prices: dict[str, Price] = {}
        self._day = 0

    def cost(self, model: str, usage: TokenUsage) -> Nanodollars:
        """What a finished call cost, rounded up. The whole call is charged at the band its input falls into."""
        bands = self.of(model).bands
        billed_input = usage.billed_input
        band = next((band for band in reversed(bands) if billed_input > band.above_tokens), bands[0])
        tokens = _rounded_up(
            usage.input_tokens * band.fresh
            + usage.cache_write_tokens * band.cache_write
            + usage.cache_read_tokens * band.cache_read
            + usage.output_tokens * band.output
        )
        return Nanodollars(tokens + band.call)

    def worst_case(self, model: str, max_input_tokens: int, max_output_tokens: int, *, caching: bool) -> Nanodollars:
        """Upper bound of what a call within these token bounds can cost.

        The dearest of the bands it can reach: a call may turn out smaller than its bound and land in a lower one.
        """
        bands = self.of(model).bands
        reachable = [band for band in bands if max_input_tokens > band.above_tokens] or [bands[0]]
        return max(
            Nanodollars(
                _rounded_up(max_input_tokens * _dearest_input(band, caching) + max_output_tokens * band.output)
                + band.call
            )
            for band in reachable
        )

    def of(self, model: str) -> Price:
        """The price in force. Raises `ModelError(PRICE_UNKNOWN)`."""
        now = datetime.now(UTC)
        if (day := now.toordinal()) != self._day:
            self._prices, self._day = {}, day
        if (price := self._prices.get(model)) is None:
            price = self._prices[model] = self._find(read_model(model), now)
        return price

    def _find(self, model: ModelEntry, now: datetime) -> Price:
        own = self._own.get(model.name) or self._own.get(model.anywhere.name)
        if own is not None:
            return _stated(own)
        dearer = _AT_A_PLACE if self._at_a_place and model.make is Make.VERTEX else Decimal(1)
        return _listed(model, now, dearer)


def _dearest_input(band: Band, caching: bool) -> int:
    return max(band.fresh, band.cache_write, band.cache_read) if caching else band.fresh


def _stated(own: OwnPrice) -> Price:
    write = own.input if own.cache_write is None else own.cache_write
    read = own.input if own.cache_read is None else own.cache_read
    fresh, written, cached, said = map(_in_nanodollars, (own.input, write, read, own.output))
    return Price((Band(0, fresh, written, cached, said),), own.context, own=True)


def _listed(model: ModelEntry, now: datetime, dearer: Decimal) -> Price:
    try:
        found = _found(model, now)
    except LookupError:
        raise _unknown(model) from None
    prices, writes = [found.model_price], model.make is not Make.SYSTEMONE
    if _by_the_hour(found.model):
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        prices = [found.model.get_prices(midnight + quarter) for quarter in _QUARTERS_OF_A_DAY]
    if any(price.input_mtok is None or (price.output_mtok is None and writes) for price in prices):
        raise _unknown(model)
    return Price(_bands(prices, dearer), found.model.context_window)


def _found(model: ModelEntry, now: datetime) -> PriceCalculation:
    """The list's entry."""
    if model.url and model.make in _BY_URL:
        return calc_price(Usage(), model.id, provider_api_url=model.url, genai_request_timestamp=now)
    provider = _PROVIDERS.get(model.make)
    return calc_price(Usage(), model.id, provider_id=provider, genai_request_timestamp=now)


def _by_the_hour(model: ModelInfo) -> bool:
    conditional = model.prices if isinstance(model.prices, list) else []
    return any(isinstance(price.constraint, TimeOfDateConstraint) for price in conditional)


def _bands(prices: Sequence[ModelPrice], dearer: Decimal) -> tuple[Band, ...]:
    """Every rate the dearest of these prices, times `dearer`."""
    rates = [each for price in prices for each in _rates(price)]
    starts = {0} | {tier.start for each in rates for rate in each for tier in _tiers(rate)}
    call = max(_in_nanodollars(getattr(price, "requests_kcount", None) or Decimal(0)) for price in prices)
    found = []
    for start in sorted(starts):
        fresh, write, read, said = (
            max(_rate(rate, start, dearer) for rate in same) for same in zip(*rates, strict=True)
        )
        found.append(Band(start, fresh, write, read, said, call=-(-call // 1000)))
    return tuple(found)


def _rates(price: ModelPrice) -> list[tuple[Decimal | TieredPrices, ...]]:
    """Of fresh input, of writing to and reading from the cache, and of output; twice where thinking has its own rate:
    usage does not say for certain which part of the output it was.
    """
    fresh, output = price.input_mtok, price.output_mtok or Decimal(0)  # decision models bill no output
    assert fresh is not None  # noqa: S101 - `_listed` has looked
    # A cache rate that the list leaves out means that those tokens are charged as plain input.
    write = fresh if price.cache_write_mtok is None else price.cache_write_mtok
    read = fresh if price.cache_read_mtok is None else price.cache_read_mtok
    thinking = getattr(price, "output_reasoning_mtok", None)
    return [(fresh, write, read, said) for said in (output, thinking) if said is not None]


def _tiers(rate: Decimal | TieredPrices) -> list[Any]:
    return rate.tiers if isinstance(rate, TieredPrices) else []


def _rate(rate: Decimal | TieredPrices, above_tokens: int, dearer: Decimal) -> int:
    """The rate for inputs just above this many tokens, in nanodollars per million tokens."""
    dollars = rate.base if isinstance(rate, TieredPrices) else rate
    for tier in _tiers(rate):
        if above_tokens >= tier.start:
            dollars = tier.price
    return _in_nanodollars(dollars * dearer)


def _in_nanodollars(dollars: Decimal) -> int:
    """Rounded up."""
    nanodollars = dollars * NANO
    return int(nanodollars) + (nanodollars != int(nanodollars))


def _rounded_up(nanodollars_times_million: int) -> int:
    return -(-nanodollars_times_million // _PER_TOKENS)


def _unknown(model: ModelEntry) -> ModelError:
    return ModelError(
        Reason.PRICE_UNKNOWN,
        f"no price is known for the model {model.name!r}: check its spelling, or name its price in DESKHAND_PRICES",
        maybe_paid=False,
    )
