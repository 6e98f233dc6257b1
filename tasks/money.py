"""Money is an integer: nanodollars (1e-9 USD). Floats are read at the edges and never added."""

from decimal import ROUND_CEILING, Decimal
from typing import NewType

from tasks.language import spoken

Nanodollars = NewType("Nanodollars", int)

NANO = 1_000_000_000
FREE = Nanodollars(0)


def from_usd(usd: Decimal | float | str) -> Nanodollars:
    """Dollars to nanodollars, rounded up: a cost is never understated."""
    exact = Decimal(str(usd)) * NANO
    return Nanodollars(int(exact.to_integral_value(rounding=ROUND_CEILING)))


def to_usd(amount: int) -> float:
    """Nanodollars to dollars, for people and JSON only."""
    return amount / NANO


def format_usd(amount: int) -> str:
    """`$0.0123`, as English writes it, for what is stored; more digits where the amount is small."""
    return f"${_digits(amount)}"


def shown_usd(amount: int) -> str:
    """The same, in the language of who reads it now."""
    return spoken().usd(_digits(amount))


def _digits(amount: int) -> str:
    dollars = amount / NANO
    return f"{dollars:.2f}" if dollars >= 1 or amount == 0 else f"{dollars:.6f}".rstrip("0").rstrip(".")
