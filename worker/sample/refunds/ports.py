"""What the tools need from the outside."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """customer: id of whoever may have it paid back. Amounts in cents of a euro. refunded_cents: so far."""

    id: str
    customer: str
    item: str
    paid_cents: int
    refunded_cents: int

    @property
    def left_cents(self) -> int:
        """What can still be paid back."""
        return self.paid_cents - self.refunded_cents


class Payments(Protocol):
    @property
    def where(self) -> str:
        """The service, as people know it."""
        ...

    async def order(self, order_id: str) -> Order | None:
        """The order, None where there is none. Raises `ToolError`."""
        ...

    async def refund(self, *, key: str, order_id: str, amount_cents: int, reason: str) -> str:
        """Pay back, once for each key however often it is asked; returns the id of the refund.

        Raises `ToolError` where it is not known whether it was done, or it was refused; asking again is safe.
        """
        ...
