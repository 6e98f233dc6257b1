"""`deskhand report` answers from history what leads ask, and runs their own SQL without letting it write."""

import asyncio
import csv
import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fallbacks.history.port import Entry
from fallbacks.history.sqlite.history import SqliteHistory
from tests.fallbacks.history.ended import DAY_MS, MARCH, entry
from tests.fallbacks.scene import TRIAGE
from tests.worker.cli.conftest import Deskhand


@pytest.fixture(autouse=True)
def ended(tmp_path: Path) -> None:
    """Four decisions over two days in March, one by the agent alone and one against its suggestion; and one closed."""
    loan = {"label": "new_loan", "team": "loans"}
    first, second = MARCH, MARCH + 40 * DAY_MS
    kept = [
        entry("t1", first, body="one"),
        entry("t2", first + 1_000, body="two", decision=loan),
        alone(entry("t3", second, body="three")),
        entry("t4", second + 1_000, body="=four", cost=2_000_000_000),
        entry("t5", second + 2_000, body="five", state="closed", closed="spam"),
    ]
    asyncio.run(written(tmp_path / "home" / "history.sqlite", kept))


def alone(of: Entry) -> Entry:
    return replace(of, facts=replace(of.facts, decided_by="agent"))


async def written(path: Path, entries: list[Entry]) -> None:
    history = SqliteHistory(path, TRIAGE)
    await history.write(entries)
    await history.aclose()


def test_the_whole_report_answers_in_one_document(deskhand: Deskhand) -> None:
    found = deskhand("report", "--json").json()
    days = {row["name"]: row for row in found["by_day"]}
    assert list(days) == ["2026-03-01", "2026-04-10"]
    march, april = days.values()
    assert (march["arrived"], march["ended"], march["decided"], march["by_people"]) == (2, 2, 2, 2)
    assert march["agreement"] == 0.5
    assert (april["arrived"], april["ended"], april["decided"], april["alone"], april["by_people"]) == (3, 3, 2, 1, 1)
    assert april["usd"] == pytest.approx(2.0, abs=1e-3)
    assert march["minutes"] == pytest.approx(1.0)
    assert [(row["name"], row["ended"]) for row in found["by_label"]] == [("lost_card", 3), ("new_loan", 1)]
    assert found["costs"][0]["tier"] == "small"
    assert found["minutes_to_decision"]["half"] == 2
    shown = deskhand("report").out
    assert "2026-04-10" in shown
    assert "half within 2 min" in shown


def test_one_table_by_what_is_asked_within_a_time(deskhand: Deskhand) -> None:
    months = deskhand("report", "--by", "month", "--json").json()
    assert [(row["name"], row["ended"]) for row in months] == [("2026-03", 2), ("2026-04", 3)]
    weeks = deskhand("report", "--by", "week", "--since", "2026-04-01", "--json").json()
    assert [(row["name"], row["arrived"]) for row in weeks] == [("2026-W15", 3)]
    teams = deskhand("report", "--by", "team", "--until", "2026-04-01", "--json").json()
    assert sorted((row["name"], row["decided"]) for row in teams) == [("cards", 1), ("loans", 1)]
    table = list(csv.DictReader(io.StringIO(deskhand("report", "--by", "person", "--csv").out)))
    assert {row["name"] for row in table} >= {"ann"}
    assert "nothing has ended" in deskhand("report", "--until", "2020-01-01").out
    assert deskhand("report", "--since", "yesterday").code == 1


def test_sql_of_ones_own_reads_and_cannot_write(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = deskhand("report", "--sql", "SELECT id, label FROM tickets WHERE subject = 'Help' ORDER BY id", "--json")
    assert rows.json()[0] == {"id": "t1", "label": "lost_card"}
    assert deskhand("report", "--sql", "DELETE FROM ticket").code == 1
    assert deskhand("report", "--sql", "SELECT nothing FROM tickets").code == 1
    assert len(deskhand("report", "--sql", "SELECT id FROM tickets", "--json").json()) == 5
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused = deskhand("report", "--parquet", str(tmp_path / "days.parquet"))
    assert (refused.code, "deskhand[parquet]" in refused.err) == (1, True)
