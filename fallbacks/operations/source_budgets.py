"""Budgets of sources, day and month, with what of each is gone: those of the settings, and those set at run time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fallbacks.ledger.control import DAY_CAP, MONTH_CAP, Control
from fallbacks.ledger.source_caps import NO_CAPS, SourceCaps
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason

PERIODS = {"day": DAY_CAP, "month": MONTH_CAP}
"""And by which switch a cap is set at run time, with `:` and the source behind it."""


@dataclass(frozen=True, slots=True)
class SourceBudget:
    """Of one source and period, nanodollars. near: past the share from which somebody should hear of it."""

    source: str
    period: str
    cap: int
    spent: int
    reserved: int
    near: bool
    at_run_time: bool


async def source_budgets(
    store: Store, as_set_up: Mapping[str, SourceCaps], control: Mapping[str, str], warn_at: float
) -> list[SourceBudget]:
    """Every one there is. A read of today, and of each day of the month where one is of a month."""
    caps = list(_caps(as_set_up, control))
    today = await store.now_ms() // DAY_MS if caps else 0
    first = today - datetime.fromtimestamp(today * DAY_MS / 1000, UTC).day + 1
    monthly = any(period == "month" for _, period, _, _ in caps)
    numbers = range(first if monthly else today, today + 1) if caps else ()
    days = [await store.fields(keys.day(str(number))) for number in numbers]
    found = []
    for source, period, cap, at_run_time in caps:
        counted = days if period == "month" else days[-1:]
        spent, reserved = (
            sum(int(day.get(f"{what}|{source}", 0)) for day in counted) for what in ("spent", "reserved")
        )
        near = spent + reserved >= cap * warn_at
        found.append(SourceBudget(source, period, cap, spent, reserved, near, at_run_time))
    return found


async def change_source_budget(control: Control, who: str, source: str, caps: Mapping[str, str | None]) -> int:
    """Other caps from the next model call on, by period: nanodollars, None as set up. Returns how many tickets that
    waited for a budget of a source go on: all of them look again.
    """
    changes = await control.change(who, {f"{PERIODS[period]}:{source}": cap for period, cap in caps.items()})
    return await control.wake(Reason.SOURCE_BUDGET) if changes else 0


def _caps(as_set_up: Mapping[str, SourceCaps], control: Mapping[str, str]) -> Iterator[tuple[str, str, int, bool]]:
    switched = {
        field.partition(":")[2] for field in control if field.startswith(tuple(f"{f}:" for f in PERIODS.values()))
    }
    for source in sorted({*as_set_up, *switched}):
        own = as_set_up.get(source, NO_CAPS)
        for period, field in PERIODS.items():
            stored, cap = control.get(f"{field}:{source}"), own.day if period == "day" else own.month
            if stored is not None:
                yield source, period, int(stored), True
            elif cap is not None:
                yield source, period, cap, False
