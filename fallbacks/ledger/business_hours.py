"""Business hours: when a person is there to look. Pure: an opening week, a time zone by name, holidays."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)(?:-(mon|tue|wed|thu|fri|sat|sun))? (\d\d):(\d\d)-(\d\d):(\d\d)")
LOOKED_AHEAD_DAYS = 4000
"""What does not pass within them passes as if it were always open: an item must be due at some time."""

Week = tuple[tuple[tuple[int, int], ...], ...]
"""By weekday, Monday first: from and until, minutes of the local day, in order and apart."""


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """week: as the clocks of the zone show it; a change of daylight saving makes that day shorter or longer."""

    week: Week
    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()

    def after(self, start_ms: int, open_ms: int) -> int:
        """When it has been open for so long since a time (ms): never before an opening, and never earlier for a later
        start or for longer.
        """
        left, at = open_ms, start_ms
        for begins, ends in self._openings(start_ms):
            begins = max(begins, at)
            if ends <= begins:
                continue
            if left <= ends - begins:
                return begins + left
            left, at = left - (ends - begins), ends
        return start_ms + open_ms

    def _openings(self, start_ms: int) -> Iterator[tuple[int, int]]:
        first = datetime.fromtimestamp(start_ms / 1000, self.zone).date()
        for ahead in range(-1, LOOKED_AHEAD_DAYS):
            day = first + timedelta(ahead)
            if day not in self.holidays:
                yield from ((self._ms(day, begins), self._ms(day, ends)) for begins, ends in self.week[day.weekday()])

    def _ms(self, day: date, minutes: int) -> int:
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the zone is put to the local time
        return int((midnight + timedelta(minutes=minutes)).replace(tzinfo=self.zone).timestamp() * 1000)


def read_hours(text: str, zone: str, holidays: Iterable[str]) -> BusinessHours:
    """`mon-fri 09:00-17:30, sat 10:00-14:00`; holidays as YYYY-MM-DD. Raises `ValueError`."""
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        found = _PART.fullmatch(part)
        begins, ends = (int(found[3]) * 60 + int(found[4]), int(found[5]) * 60 + int(found[6])) if found else (0, 0)
        if not found or not begins < ends <= 1440:
            raise ValueError(f"{part!r} is not an opening: write mon-fri 09:00-17:30, sat 10:00-14:00")
        first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
        for day in range(first, last + 1 if last >= first else last + 8):
            week[day % 7].append((begins, ends))
    days = tuple(tuple(sorted(openings)) for openings in week)
    if not any(days) or any(before[1] > after[0] for day in days for before, after in pairwise(day)):
        raise ValueError("name one opening at least, and none twice")
    return BusinessHours(days, read_zone(zone), frozenset(map(_date, holidays)))


def read_zone(name: str) -> ZoneInfo:
    """A time zone of the IANA database. Raises `ValueError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone, such as Europe/Berlin") from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day: write YYYY-MM-DD") from None
