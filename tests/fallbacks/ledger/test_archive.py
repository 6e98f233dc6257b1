"""Ended tickets leave the store for files and stay readable; whatever crashes, none is lost and the audit balances."""

import gzip
import json
import re
from base64 import b64encode
from pathlib import Path
from zlib import compress

import pytest
from redis import Redis

from fallbacks.errors import UnknownTicket
from fallbacks.ledger.archive import PAGE, SHORTEST_SECONDS, ArchiveTarget, archive_ended
from fallbacks.ledger.archive_folder import ArchiveFolder
from fallbacks.ledger.archive_format import ArchivedTicket
from fallbacks.ledger.archive_reader import Archive
from fallbacks.ledger.attachments import packed_texts
from fallbacks.ledger.audit import audit
from fallbacks.ledger.ledger import Lease
from fallbacks.ledger.move import ByWorker, Move, make_move
from fallbacks.ledger.sqlite_archive_index import SqliteArchiveIndex
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.views import Views
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tasks.tools.ports import AttachmentText
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.scene import Scene, message

WEEK_MS = SHORTEST_SECONDS * 1000


async def archive(s: Scene, target: ArchiveTarget) -> int:
    return await archive_ended(s.store, target, retention_seconds=SHORTEST_SECONDS)


def reader(folder: Path) -> Archive:
    return Archive(ArchiveFolder(folder), SqliteArchiveIndex(folder / "index.sqlite"))


async def read_archived(folder: Path, ticket_id: str) -> ArchivedTicket | None:
    return await reader(folder).find(ticket_id)


async def deliver_all(s: Scene) -> None:
    """Deliver what waits in the outbox."""
    for message_id, flat in await s.store.run("take_outbox", "", 1000, 1000):
        sent = dict(zip(flat[::2], flat[1::2], strict=True))
        await s.store.run("settle_outbox", sent["ticket"], message_id, "delivered", 0)


async def aged(s: Scene) -> None:
    """A busy ledger whose outcomes are sent, a week old; its workers still live."""
    await fill(s)
    await s.pass_ms(WEEK_MS + 1)
    await s.ledger.renew("w1", [Lease(name, 1, "w1") for name in ("running0", "running1", "running2", "effects")])
    await deliver_all(s)


def test_an_archived_ticket_is_shown_as_before(play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await aged(s)
        views = Views(s.store, reader(tmp_path))
        before = await views.ticket("unsure"), await views.timeline("unsure"), await views.checkpoint("unsure")
        assert await archive(s, ArchiveFolder(tmp_path)) == 3
        assert await s.store.row("unsure") == {}
        assert (
            await views.ticket("unsure"),
            await views.timeline("unsure"),
            await views.checkpoint("unsure"),
        ) == before

    play_for_real(story)


def test_an_archived_ticket_has_left_the_store_and_is_readable_whole(play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await aged(s)
        row, journal = await s.row("unsure"), await s.store.journal("unsure")
        effects = await s.store.fields("effects:unsure")
        before = await audit(s.store)
        assert await archive(s, ArchiveFolder(tmp_path)) == 3
        for ticket_id in ("decided", "cancelled", "unsure"):
            with pytest.raises(UnknownTicket):
                await s.inbox.views.ticket(ticket_id)
        found = await read_archived(tmp_path, "unsure")
        assert found is not None
        assert (found.row, list(found.journal), found.effects) == (row, journal, effects)
        after = await audit(s.store)
        assert after.problems == ()
        assert (after.accepted, after.archived, after.archived_spent) == (before.accepted, 3, 50)
        assert after.spent == before.spent
        assert await s.store.journal("unsure") == []
        assert await archive(s, ArchiveFolder(tmp_path)) == 0

    play_for_real(story)


def test_what_is_kept_beside_a_ticket_goes_with_it(play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        ticket, texts = Ticket(id="m1", source="email", subject="Card", body="Away."), {2: AttachmentText("12 pounds")}
        kept = {"original": b64encode(compress(b"Subject: Card")).decode(), "attached": packed_texts(texts)}
        await s.ledger.accept(ticket, Limits(), closed=Closed.AUTOMATIC, **kept)
        await s.pass_ms(WEEK_MS + 1)
        assert await archive(s, ArchiveFolder(tmp_path)) == 1
        assert await s.store.fields("original:m1") == {}
        views = Views(s.store, reader(tmp_path))
        assert (await views.original("m1"), await views.attachment_texts("m1")) == (b"Subject: Card", texts)
        assert await views.bring_back("m1")
        assert await s.store.fields("original:m1") == {"zlib": kept["original"], "attached": kept["attached"]}

    play_for_real(story)


def test_nothing_else_leaves(play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await fill(s)
        await s.pass_ms(WEEK_MS - 1000)
        await deliver_all(s)
        assert await archive(s, ArchiveFolder(tmp_path)) == 0
        await s.pass_ms(1001)
        await archive(s, ArchiveFolder(tmp_path))
        states = (await audit(s.store)).states
        assert (states["decided"], states["closed"], states["cancelled"]) == (0, 0, 0)
        assert all(count for state, count in states.items() if state not in ("decided", "closed", "cancelled"))

    play_for_real(story)


def test_what_still_waits_to_be_delivered_stays(play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await fill(s)
        await s.pass_ms(WEEK_MS + 1)
        assert await archive(s, ArchiveFolder(tmp_path)) == 0
        await deliver_all(s)
        assert await archive(s, ArchiveFolder(tmp_path)) == 3

    play_for_real(story)


class Torn(ArchiveFolder):
    """A folder whose process dies in the middle of writing."""

    def append(self, name: str, data: bytes) -> None:
        super().append(name, data[: len(data) // 2])
        raise OSError("disk full")


class Late(ArchiveFolder):
    """A folder whose process dies when all is written."""

    def append(self, name: str, data: bytes) -> None:
        super().append(name, data)
        raise OSError("killed")


@pytest.mark.parametrize("dying", [Torn, Late])
def test_a_crash_while_writing_loses_nothing(dying: type[ArchiveFolder], play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await aged(s)
        with pytest.raises(OSError, match=r"disk full|killed"):
            await archive(s, dying(tmp_path))
        assert (await audit(s.store)).archived == 0
        await s.inbox.note("decided", "ann", "written in between")
        assert await archive(s, ArchiveFolder(tmp_path)) == 3
        found = await read_archived(tmp_path, "decided")
        assert found is not None
        assert json.loads(found.journal[-1])["note"] == "written in between"
        assert (await audit(s.store)).balanced

    play_for_real(story)


class Slow(ArchiveFolder):
    """A folder during whose writing something happens to the tickets."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = url

    def append(self, name: str, data: bytes) -> None:
        super().append(name, data)
        with Redis.from_url(self.url) as client:
            client.hincrby("deskhand:t:decided", "version", 1)


def test_a_ticket_that_changes_meanwhile_stays(play_for_real: Play, valkey_url: str, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await aged(s)
        assert await archive(s, Slow(tmp_path, valkey_url)) == 2
        assert await s.row("decided")
        assert await archive(s, ArchiveFolder(tmp_path)) == 1

    play_for_real(story)


def test_many_leave_in_pages_around_those_that_stay(play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        count = 2 * PAGE + 20
        for n in range(count):
            lease = await s.running(f"t{n}")
            by, outbox = ByWorker(lease.epoch, lease.owner), tuple(message(0 if n % 10 else 10**12))
            await make_move(s.store, f"t{n}", Move(State.DECIDED, (State.RUNNING,), by, (), outbox=outbox))
        await s.pass_ms(WEEK_MS + 1)
        await deliver_all(s)
        assert await archive(s, ArchiveFolder(tmp_path)) == count - count // 10
        report = await audit(s.store)
        assert (report.problems, report.archived, report.rows) == ((), count - count // 10, count // 10)
        assert await read_archived(tmp_path, "t10") is None
        assert await read_archived(tmp_path, "t219") is not None

    play_for_real(story)


def test_files_are_plain_gzip_lines_by_day(play_for_real: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        await aged(s)
        await archive(s, ArchiveFolder(tmp_path))

    play_for_real(story)
    texts = [gzip.decompress(path.read_bytes()) for path in tmp_path.iterdir()]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    assert {line["id"] for line in lines} == {"decided", "cancelled", "unsure"}
    assert all(set(line) == {"id", "row", "journal", "effects"} for line in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d\.jsonl\.gz", path.name) for path in tmp_path.iterdir())


def test_a_retention_shorter_than_idempotency_keys_is_refused(play: Play, tmp_path: Path) -> None:
    async def story(s: Scene) -> None:
        with pytest.raises(ValueError, match="at least"):
            await archive_ended(s.store, ArchiveFolder(tmp_path), retention_seconds=SHORTEST_SECONDS - 1)
        assert await read_archived(tmp_path / "none", "t1") is None

    play(story)
