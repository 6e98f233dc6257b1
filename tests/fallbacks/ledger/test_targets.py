"""How soon people should look: targets by label, team and priority, in business hours."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.ledger.business_hours import BusinessHours, read_hours
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.targets import Targets
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, Scene, scene

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = read_hours("mon-fri 09:00-17:30, sat 10:00-14:00", "Europe/Berlin", ["2026-12-25", "2026-12-26"])
HOUR = 3_600_000

openings = st.lists(st.integers(0, 96), min_size=0, max_size=4, unique=True).map(
    lambda marks: tuple(zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False))
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
moments = st.integers(1_767_225_600_000, 1_798_761_600_000)  # 2026
amounts = st.integers(0, 40 * HOUR)


@st.composite
def calendars(draw: st.DrawFn) -> BusinessHours:
    week = tuple(tuple((a * 15, b * 15) for a, b in draw(openings)) for _ in range(7))
    days = draw(st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=5))
    return BusinessHours(week, ZoneInfo(draw(zones)), days)


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def local(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, BERLIN).strftime("%a %d %H:%M")


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-12-01T10:00", 4, "Tue 01 14:00"),
        ("2026-12-01T16:00", 4, "Wed 02 11:30"),
        ("2026-12-04T20:00", 1, "Sat 05 11:00"),
        ("2026-12-05T13:30", 1, "Mon 07 09:30"),
        ("2026-12-24T17:00", 1, "Mon 28 09:30"),
        ("2026-12-06T03:00", 0, "Mon 07 09:00"),
    ],
)
def test_only_open_hours_pass(start: str, hours: int, due: str) -> None:
    assert local(OFFICE.after(at(start), hours * HOUR)) == due


def test_the_day_of_a_change_to_or_from_daylight_saving_is_as_long_as_it_is() -> None:
    nights = read_hours("mon-sun 00:00-24:00", "Europe/Berlin", [])
    assert nights.after(at("2026-03-29T00:00"), 24 * HOUR) == at("2026-03-29T00:00") + 24 * HOUR
    short = read_hours("sun 00:00-24:00", "Europe/Berlin", [])
    assert local(short.after(at("2026-03-28T12:00"), 23 * HOUR)) == "Mon 30 00:00"
    assert local(short.after(at("2026-10-24T12:00"), 25 * HOUR)) == "Mon 26 00:00"


@given(calendars(), moments, amounts, amounts, amounts)
def test_a_due_time_is_open_and_none_is_earlier_for_a_later_start_or_for_longer(
    hours: BusinessHours, start: int, later: int, wanted: int, more: int
) -> None:
    due = hours.after(start, wanted)
    assert due >= start + wanted
    assert hours.after(start + later, wanted) >= due
    assert hours.after(start, wanted + more) >= due
    if any(hours.week) and wanted:
        assert _open_at(hours, due - 1)


def _open_at(hours: BusinessHours, ms: int) -> bool:
    """A minute is open as its clocks show it; one that a change skips or repeats, either way."""
    seen = datetime.fromtimestamp(ms / 1000, hours.zone)
    if seen.utcoffset() != datetime.fromtimestamp(ms / 1000 + 7200, hours.zone).utcoffset():
        return True
    if seen.utcoffset() != datetime.fromtimestamp(ms / 1000 - 7200, hours.zone).utcoffset():
        return True
    minute = seen.hour * 60 + seen.minute
    return seen.date() not in hours.holidays and any(a <= minute < b for a, b in hours.week[seen.weekday()])


@pytest.mark.parametrize(
    ("hours", "zone", "holidays", "said"),
    [
        ("mon-fri 9-17", "UTC", [], "is not an opening"),
        ("mon 17:00-09:00", "UTC", [], "is not an opening"),
        ("mon-fri 09:00-17:00, tue 12:00-13:00", "UTC", [], "none twice"),
        (",", "UTC", [], "name one opening"),
        ("mon 09:00-17:00", "Berlin", [], "is not a time zone"),
        ("mon 09:00-17:00", "UTC", ["25.12."], "is not a day"),
    ],
)
def test_what_is_no_calendar_says_what_one_is(hours: str, zone: str, holidays: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_hours(hours, zone, holidays)


def test_a_weekend_may_be_named_over_sunday() -> None:
    assert [bool(day) for day in read_hours("sat-mon 09:00-17:00", "UTC", []).week] == [1, 0, 0, 0, 0, 1, 1]


def test_the_target_of_a_label_goes_before_the_teams_and_the_priority_comes_last() -> None:
    targets = Targets({"normal": 10, "team:cards": 20, "label:lost_card": 30})
    facets = ["queue:review", "label:lost_card", "team:cards"]
    found = [targets.seconds_of(Priority.NORMAL, facets[:n]) for n in (1, 3)]
    assert [*found, targets.seconds_of(Priority.NORMAL, [facets[2]])] == [10, 30, 20]
    assert targets.seconds_of(Priority.HIGH, ()) == 3600


@scene
async def test_an_item_is_due_by_its_target_in_open_hours(s: Scene) -> None:
    now = await s.store.now_ms()
    closed = datetime.fromtimestamp(now / 1000, UTC).strftime("%a").lower()
    week = ", ".join(f"{day} 00:00-24:00" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun") if day != closed)
    s.ledger.targets = Targets({"label:lost_card": 600}, read_hours(week, "UTC", []))
    await s.ledger.suggest(await s.running("t1"), Conclusion((), DECISION, Priority.NORMAL))
    midnight = (now // 86_400_000 + 1) * 86_400_000
    assert abs(int((await s.row())["sla"]) - (midnight + 600_000)) < 60_000
    await s.ledger.reject("rej_1", "cmF3", "no JSON", "intake")
    assert abs(int((await s.row("rej_1"))["sla"]) - (midnight + 4 * 3_600_000)) < 60_000
