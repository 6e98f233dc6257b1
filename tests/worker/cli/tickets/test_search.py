"""`deskhand search` finds what is here and what has ended, and answers as the API does."""

import asyncio
from pathlib import Path

from fallbacks.history.sqlite.history import SqliteHistory
from tests.fakes.desk import TRIAGE
from tests.fallbacks.history.ended import MARCH, entry
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import HOSTILE, DirectLedger


def keep(home: Path) -> None:
    async def written() -> None:
        history = SqliteHistory(home / "history.sqlite", TRIAGE)
        await history.write([entry(f"old-{n}", MARCH + n, requester={"id": "c-7", "name": "Ann"}) for n in range(3)])
        await history.aclose()

    asyncio.run(written())


def test_words_and_filters_find_what_is_here_and_what_has_ended(
    deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path
) -> None:
    keep(tmp_path / "home")
    ledger.suggested("new-1", f"my card {HOSTILE}")
    ledger.queued("new-2", "a loan")
    assert deskhand("search", "card", "--ids").out.split() == ["new-1", "old-2", "old-1", "old-0"]
    assert deskhand("search", "--state", "queued", "--state", "suggested", "--ids").out.split() == ["new-2", "new-1"]
    by = ("--label", "lost_card", "--decided-by", "ann", "--until", "2026-03-01", "--requester", "C-7")
    page = deskhand("search", *by, "--limit", "2", "--json").json()
    assert [ticket["id"] for ticket in page["tickets"]] == ["old-2", "old-1"]
    last = deskhand("search", *by, "--limit", "2", "--cursor", page["next"], "--json").json()
    assert ([ticket["id"] for ticket in last["tickets"]], last["next"]) == (["old-0"], None)
    shown = deskhand("search", "CARD")
    assert [name in shown.out for name in ("new-1", "Ann", "\x1b")] == [True, True, False]
    assert "--cursor" in deskhand("search", "card", "--limit", "1").err
    assert deskhand("search", '" OR').out == "no ticket matches\n"


def test_a_bad_filter_is_one_clear_line(deskhand: Deskhand) -> None:
    for wrong in (("--since", "yesterday"), ("--reason", "nothing"), ("--cursor", "x")):
        refused = deskhand("search", *wrong)
        assert (refused.code, refused.out, refused.err.startswith(f"{wrong[0][2:]}: ")) == (1, "", True), refused
