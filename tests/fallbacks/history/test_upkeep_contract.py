"""Months become cold and warm again, and old tickets go, on each engine: nothing is lost, and the totals stay."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fallbacks.history.cold.documents import Cold
from fallbacks.history.cold.folder import ColdFolder
from fallbacks.history.port import History, Search
from fallbacks.history.postgres.history import PostgresHistory
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.history.upkeep import Month, bounds_of, cool_older, forget_older, make_cold, thaw
from tests.fallbacks.history.ended import DAY_MS, MARCH, ended, entry
from tests.fallbacks.scene import TRIAGE

Engine = SqliteHistory | PostgresHistory
Story = Callable[[Engine, Cold], Awaitable[None]]
Play = Callable[[Story], None]

APRIL = MARCH + 31 * DAY_MS


@pytest.fixture(params=["sqlite", "postgres"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    cold = Cold(ColdFolder(tmp_path / "cold"))

    async def played(story: Story) -> None:
        if request.param == "sqlite":
            history: Engine = SqliteHistory(tmp_path / "history.sqlite", TRIAGE, cold=cold)
        else:
            history = PostgresHistory(request.getfixturevalue("postgres_url"), TRIAGE, cold=cold)
        try:
            await history.write([*(entry(f"m{n}", MARCH + n) for n in range(3)), entry("a0", APRIL)])
            await story(history, cold)
        finally:
            await history.aclose()

    return lambda story: asyncio.run(played(story))


async def found(history: History, q: str = "") -> list[str]:
    return [ticket_id for ticket_id, _ in await history.search(Search(q))]


def test_a_cold_month_is_read_where_it_is_and_counts_as_before(play: Play, tmp_path: Path) -> None:
    async def story(history: Engine, cold: Cold) -> None:
        before = await history.totals()
        assert await make_cold(history, history.upkeep, cold, "2026-03") == 3
        assert await make_cold(history, history.upkeep, cold, "2026-03") == 0
        assert await history.upkeep.months() == [Month("2026-03", 3, 3), Month("2026-04", 1, 0)]
        assert await history.find("m1") == ended("m1", MARCH + 1)
        assert await found(history) == ["a0", "m2", "m1", "m0"]
        assert await found(history, "card") == ["a0"]
        assert (await history.known(["m0"]))["m0"].state == "decided"
        assert await history.totals() == before
        assert len(list((tmp_path / "cold" / "2026-03").iterdir())) == 1

        assert await thaw(history, history.upkeep, cold, TRIAGE, "2026-03") == 3
        assert await found(history, "card") == ["a0", "m2", "m1", "m0"]
        assert list((tmp_path / "cold" / "2026-03").iterdir()) == []
        assert [month.cold for month in await history.upkeep.months()] == [0, 0]
        assert await history.totals() == before

    play(story)


def test_months_that_were_over_long_ago_become_cold_a_bounded_part_at_a_time(play: Play) -> None:
    async def story(history: Engine, cold: Cold) -> None:
        over = bounds_of("2026-03")[1]
        assert await cool_older(history, history.upkeep, cold, over - 1) == 0
        assert await cool_older(history, history.upkeep, cold, over, limit=0) == 0
        assert await cool_older(history, history.upkeep, cold, over) == 3
        assert await cool_older(history, history.upkeep, cold, over) == 0
        assert await history.upkeep.months() == [Month("2026-03", 3, 3), Month("2026-04", 1, 0)]

    play(story)


def test_what_a_crash_left_half_cold_is_finished(play: Play, tmp_path: Path) -> None:
    async def story(history: Engine, cold: Cold) -> None:
        await history.upkeep.announce("2026-03/f.jsonl.gz", ["m0", "m1"])  # and the file was not written
        assert await history.find("m0") == ended("m0", MARCH)
        assert await make_cold(history, history.upkeep, cold, "2026-03") == 3
        assert len(list((tmp_path / "cold" / "2026-03").iterdir())) == 2
        assert len(await history.find_many(["m0", "m1", "m2"])) == 3

    play(story)


def test_a_later_version_of_a_cold_ticket_is_the_one_that_counts(play: Play) -> None:
    async def story(history: Engine, cold: Cold) -> None:
        await make_cold(history, history.upkeep, cold, "2026-03")
        await history.write([entry("m1", MARCH + 1, version=9, body="a green card")])
        assert await found(history, "green") == ["m1"]
        assert await make_cold(history, history.upkeep, cold, "2026-03") == 1
        again = await history.find("m1")
        assert again is not None
        assert again.row["version"] == "9"
        assert await history.find("m2") == ended("m2", MARCH + 2)

    play(story)


def test_erasing_reaches_cold_files(play: Play, tmp_path: Path) -> None:
    async def story(history: Engine, cold: Cold) -> None:
        await history.write([entry("m1", MARCH + 1, version=9, body="my Geheimnis")])
        await make_cold(history, history.upkeep, cold, "2026-03")
        remains = entry("m1", MARCH + 1, version=9, body="-")
        assert (await history.erase([remains]))["cold"] == 1
        assert await history.find("m1") == remains.ticket
        assert await make_cold(history, history.upkeep, cold, "2026-03") == 1
        texts = [ticket.row["body"] for ticket in (await history.find_many(["m0", "m1", "m2"])).values()]
        assert len(texts) == 3
        assert not any("Geheimnis" in text for text in texts)

    play(story)


def test_old_tickets_go_and_stay_in_the_totals(play: Play, tmp_path: Path) -> None:
    async def story(history: Engine, cold: Cold) -> None:
        before = await history.totals()
        await make_cold(history, history.upkeep, cold, "2026-03")
        with pytest.raises(ValueError, match="cold files"):
            await forget_older(history.upkeep, None, APRIL)
        assert await forget_older(history.upkeep, cold, APRIL) == 3
        assert await forget_older(history.upkeep, cold, APRIL) == 0
        assert await found(history) == ["a0"]
        assert await history.known(["m0", "m1"]) == {}
        assert await history.totals() == before
        _, rows = await history.query("SELECT sum(tickets), sum(calls) FROM costs_by_day", {})
        assert [tuple(map(int, row)) for row in rows] == [(4, 4)]
        assert list((tmp_path / "cold" / "2026-03").iterdir()) == []

    play(story)


@pytest.mark.parametrize(
    ("month", "bounds"), [("2026-03", (MARCH, APRIL)), ("2025-12", (1764547200000, 1767225600000))]
)
def test_the_bounds_of_a_month(month: str, bounds: tuple[int, int]) -> None:
    assert bounds_of(month) == bounds


@pytest.mark.parametrize("month", ["2026-13", "2026", "../x", ""])
def test_what_is_not_a_month(month: str) -> None:
    with pytest.raises(ValueError, match="is not a month"):
        bounds_of(month)
