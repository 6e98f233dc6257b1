"""Archives of earlier releases are read into history, as often as one likes."""

import asyncio
import json
from gzip import compress
from pathlib import Path

import pytest

from fallbacks.history.importing import import_folder
from fallbacks.history.sqlite.history import SqliteHistory
from tests.fallbacks.history.ended import MARCH, ended
from tests.fallbacks.scene import TRIAGE


def archived(ticket_id: str, version: int = 5) -> str:
    """A line as those releases wrote it: what was kept beside the row stands in it."""
    ticket = ended(ticket_id, version=version)
    row = {**ticket.row, "original": "zipped", "attached:m1": "texts"}
    return json.dumps({"id": ticket_id, "row": row, "journal": ticket.journal, "effects": {"e": "done:1"}}) + "\n"


def test_archives_are_read_and_read_again(tmp_path: Path) -> None:
    whole, torn = compress(archived("a").encode()), compress(archived("b").encode())
    (tmp_path / "2026-03-01.jsonl.gz").write_bytes(torn[:-20] + whole)
    (tmp_path / "2026-03-02.jsonl.gz").write_bytes(compress((archived("b") + archived("a", version=7)).encode()))

    async def story() -> None:
        history = SqliteHistory(tmp_path / "history.sqlite", TRIAGE)
        for _ in range(2):
            assert await import_folder(history, TRIAGE, tmp_path) == 3
        found = await history.find_many(["a", "b"])
        assert {ticket.id: ticket.row["version"] for ticket in found.values()} == {"a": "7", "b": "5"}
        assert found["a"].beside == {"zlib": "zipped", "attached:m1": "texts"}
        assert "original" not in found["a"].row
        assert found["b"].journal == ended("b", MARCH).journal
        assert (await history.totals()).tickets == 2
        await history.aclose()

    asyncio.run(story())


def test_a_folder_without_archives_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no"):
        asyncio.run(import_folder(SqliteHistory(tmp_path / "x", TRIAGE), TRIAGE, tmp_path))
