"""Figures of each UTC day, for people: spend by model, source and kind, tickets by source, run ends by version.

The scripts that do the work count them (`figure` in `lua/_prelude.lua`), and a day's names are bounded: reading one is
one call, however many tickets it had. They are kept for 62 days.
"""

from collections import Counter
from dataclasses import dataclass, field

from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from fallbacks.store.port import Store

MOST_DAYS = 62


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day. number: of days since 1970. Money in nanodollars.

    spent: all that was settled in it. by: what of it fell on each model, source and kind of decision; of kinds, that of
    runs that ended with a result, when they ended. accepted: tickets by source. runs: by tier version, how they ended.
    """

    number: int
    spent: int = 0
    cap: int | None = None
    by: dict[str, Counter[str]] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    runs: dict[str, Counter[str]] = field(default_factory=dict)


SPENT_BY = ("model", "source", "kind")


async def days_of(store: Store, count: int) -> list[Day]:
    """The last days, this one last. Two reads a day."""
    today = await store.now_ms() // DAY_MS
    return [await day_of(store, number) for number in range(today - min(count, MOST_DAYS) + 1, today + 1)]


async def day_of(store: Store, number: int) -> Day:
    """One day, by its number."""
    money, counted = await store.fields(keys.day(str(number))), await store.fields(keys.figures(str(number)))
    day = Day(number, int(money.get("spent", 0)), int(money["cap"]) if money.get("cap") else None)
    for stored, value in counted.items():
        what, _, name = stored.partition("|")
        _put(day, what, name, int(value))
    for stored, value in money.items():
        what, bar, name = stored.partition("|")
        if bar and what == "spent":
            _put(day, "source", name, int(value))
    return day


def _put(day: Day, what: str, name: str, value: int) -> None:
    match what:
        case "accepted":
            day.accepted[name] += value
        case "run":
            version, _, state = name.rpartition("|")
            day.runs.setdefault(version, Counter())[state] += value
        case _:
            day.by.setdefault(what, Counter())[name] += value
