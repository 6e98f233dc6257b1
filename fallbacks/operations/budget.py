"""The fleet's budget of the day, read from what a person types, and changed while it works."""

import re
from decimal import Decimal, InvalidOperation

from fallbacks.ledger.limits.control import DAY_CAP, Control
from tasks.language import _
from tasks.money import from_usd
from tasks.reasons import Reason

_CENTS_AFTER_A_COMMA = re.compile(r"^(\d+),(\d{1,2})$")


def read_amount(typed: str) -> str | None:
    """Nanodollars as the ledger keeps them; None for `none`, which is what the settings say. Raises `ValueError`."""
    if typed.strip().lower() == "none":
        return None
    try:
        usd = Decimal(_CENTS_AFTER_A_COMMA.sub(r"\1.\2", typed.strip().removeprefix("$")))
    except InvalidOperation:
        raise ValueError(
            _("%(typed)s is not an amount: write dollars, such as 25 or 0.50, or none", typed=repr(typed))
        ) from None
    if not usd.is_finite() or usd < 0:
        raise ValueError(_("write dollars that are not negative; 0 lets no model be called that costs anything"))
    return str(from_usd(usd))


async def change_budget(control: Control, who: str, cap: str | None, as_set_up: int | None) -> int:
    """Another cap from the next model call on. Raised, it wakes the tickets that wait for it; returns how many.

    cap: of `read_amount`. as_set_up: nanodollars by the settings, None for none.
    """

    def rank(stored: str | None) -> float:
        in_force = int(stored) if stored is not None else as_set_up
        return float("inf") if in_force is None else float(in_force)

    changes = await control.change(who, {DAY_CAP: cap})
    raised = any(rank(change.before) < rank(change.after) for change in changes)
    return await control.wake(Reason.DAILY_BUDGET) if raised else 0
