"""Budgets and rates of sources: those of the settings, and those set at run time; of budgets what is gone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fallbacks.ledger.limits.control import DAY_CAP, MONTH_CAP, RATE, Control
from fallbacks.ledger.limits.source_caps import NO_CAPS, SourceCaps, SourceTerms
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason

PERIODS = {"day": DAY_CAP, "month": MONTH_CAP}
"""And by which switch a cap is set at run time, with `:` and the source behind it."""


MOST_A_MINUTE = 1_000_000


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


async def source_budgets(store: Store, as_set_up: SourceTerms, control: Mapping[str, str]) -> list[SourceBudget]:
    """Every one there is. A read of today, and of each day of the month where one is of a month."""
    caps = list(_caps(as_set_up.caps, control))
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
        near = spent + reserved >= cap * as_set_up.warn_at
        found.append(SourceBudget(source, period, cap, spent, reserved, near, at_run_time))
    return found


async def change_source_budget(control: Control, who: str, source: str, caps: Mapping[str, str | None]) -> int:
    """Other caps from the next model call on, by period: nanodollars, None as set up. Returns how many tickets that
    waited for a budget of a source go on: all of them look again.
    """
    changes = await control.change(who, {f"{PERIODS[period]}:{source}": cap for period, cap in caps.items()})
    return await control.wake(Reason.SOURCE_BUDGET) if changes else 0


async def change_source_rate(control: Control, who: str, source: str, per_minute: str | None) -> None:
    """Another rate from the next ticket on, None as set up. What waits for its turn keeps it."""
    await control.change(who, {f"{RATE}:{source}": per_minute})


def read_rate(typed: str) -> str | None:
    """As the switch has it; None for `none`, which is what the settings say. Raises `ValueError`."""
    if typed.strip().lower() == "none":
        return None
    if not typed.strip().isdecimal() or not 1 <= int(typed) <= MOST_A_MINUTE:
        raise ValueError(f"{typed!r} is not a rate: write tickets a minute, 1 to {MOST_A_MINUTE}, or none")
    return str(int(typed))


def source_rates(as_set_up: Mapping[str, int], control: Mapping[str, str]) -> dict[str, int]:
    """Tickets a minute of every source that has a rate."""
    prefix = f"{RATE}:"
    switched = {name.removeprefix(prefix): int(rate) for name, rate in control.items() if name.startswith(prefix)}
    return dict(sorted({**as_set_up, **switched}.items()))


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
