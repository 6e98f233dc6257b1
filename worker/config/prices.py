"""Prices that a deployment states itself: for models that the price list does not know, or at terms of its own."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """Dollars per million tokens; 0 is a price. cache_write, cache_read: None for the same as input.

    context: tokens of the model's window, None where it was not said.
    """

    input: Decimal
    output: Decimal
    cache_write: Decimal | None = None
    cache_read: Decimal | None = None
    context: int | None = None
