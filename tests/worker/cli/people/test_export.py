"""What people decided leaves as CSV that no spreadsheet runs and no terminal obeys."""

import csv
from pathlib import Path

import pytest

from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import HOSTILE, DirectLedger
from worker.cli.people.export import cell

ATTACKS = (
    '=HYPERLINK("https://evil.example","x")',
    "+1+cmd|'/C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "＝1+1",  # noqa: RUF001
    "\u200b=1+1",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_a_formula_is_text(text: str) -> None:
    assert cell(text)[0] in "'<"


def test_plain_values_stay_as_they_are() -> None:
    assert [cell(value) for value in (None, "", 7, 1.5, "a=b", "an 'id'")] == ["", "", "7", "1.5", "a=b", "an 'id'"]


def test_hostile_tickets_leave_as_inert_rows(deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path) -> None:
    bodies = {f"x{number}": f'{text} "quoted", with; commas\n{HOSTILE}' for number, text in enumerate(ATTACKS)}
    for ticket_id, body in bodies.items():
        ledger.suggested(ticket_id, body)
        assert deskhand("decide", ticket_id, "--label", "card_swallowed", "--as", "=anna").code == 0
    file = tmp_path / "examples.csv"
    told = deskhand("export", str(file), "--examples", "--format", "csv", "--json").json()
    assert (told["examples"], told["reviewers"][0]["name"], told["reviewers"][0]["agreement"]) == (10, "=anna", 0.0)
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == list(bodies)
    assert {row["by"] for row in rows} == {"'=anna"}
    for row in rows:
        assert not [value for value in row.values() if value[:1] in set("=+-@\t\r\n＝")]  # noqa: RUF001
    shown = deskhand("export", "--examples", "--format", "csv").out
    assert not set(shown) & set("\x1b\x07\u202e\x9b\u200b")
    assert deskhand("export", "--examples", "--format", "xlsx").code == 2
