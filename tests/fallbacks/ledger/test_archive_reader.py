"""An id is found by an index that is only derived: whatever happens to it, no archived ticket is missed."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from fallbacks.ledger.archive_folder import ArchiveFolder
from fallbacks.ledger.archive_format import ArchivedTicket, packed
from fallbacks.ledger.archive_reader import Archive
from fallbacks.ledger.sqlite_archive_index import SqliteArchiveIndex

DAYS = [f"2026-01-{day:02}.jsonl.gz" for day in range(1, 6)]


class Counting(ArchiveFolder):
    """Counts the bytes that were read of it. between: happens once, at the first reading."""

    def __init__(self, folder: Path, between: Callable[[], object] = lambda: None) -> None:
        super().__init__(folder)
        self.bytes_read = 0
        self.between = between

    def read(self, name: str, start: int, count: int = -1) -> bytes:
        between, self.between = self.between, lambda: None
        between()
        data = super().read(name, start, count)
        self.bytes_read += len(data)
        return data


def ticket(ticket_id: str, version: int = 1) -> ArchivedTicket:
    return ArchivedTicket(ticket_id, {"version": str(version), "body": "x" * 500}, (), {})


def write(folder: Path, days: list[str] = DAYS, of_each: int = 40) -> None:
    """Forty tickets a day, in members of ten."""
    for day in days:
        for first in range(0, of_each, 10):
            page = [ticket(f"{day[:10]}/{n}") for n in range(first, first + 10)]
            ArchiveFolder(folder).append(day, packed(page))


def archive(files: ArchiveFolder) -> Archive:
    return Archive(files, SqliteArchiveIndex(files.folder / "index.sqlite"))


def found(archived: Archive, *ticket_ids: str) -> list[bool]:
    async def look() -> list[bool]:
        return [await archived.find(ticket_id) is not None for ticket_id in ticket_ids]

    return asyncio.run(look())


def test_an_unknown_id_reads_nothing_once_the_index_is_made(tmp_path: Path) -> None:
    write(tmp_path)
    assert found(archive(ArchiveFolder(tmp_path)), "2026-01-03/7", "nobody") == [True, False]
    later = Counting(tmp_path)
    assert found(archive(later), "nobody", "nobody else", "2026-01-03/70") == [False, False, False]
    assert later.bytes_read == 0


def test_a_known_id_reads_one_member(tmp_path: Path) -> None:
    write(tmp_path)
    found(archive(ArchiveFolder(tmp_path)), "nobody")
    later = Counting(tmp_path)
    assert found(archive(later), "2026-01-03/7") == [True]
    assert 0 < later.bytes_read * 3 < (tmp_path / DAYS[2]).stat().st_size


def test_what_was_written_since_is_found_and_the_rest_not_read_again(tmp_path: Path) -> None:
    write(tmp_path)
    files = Counting(tmp_path)
    archived = archive(files)
    found(archived, "nobody")
    before, added = files.bytes_read, packed([ticket("new")])
    files.append(DAYS[4], added)
    assert found(archived, "nobody") == [False]
    assert files.bytes_read - before == len(added)
    assert found(archived, "new") == [True]


def test_the_last_writing_of_a_ticket_counts(tmp_path: Path) -> None:
    files = ArchiveFolder(tmp_path)
    files.append(DAYS[1], packed([ticket("t", 1)]))
    files.append(DAYS[1], packed([ticket("t", 2), ticket("t", 3)]))
    files.append(DAYS[0], packed([ticket("t", 4)]))
    last = asyncio.run(archive(files).find("t"))
    assert last is not None
    assert last.row["version"] == "3"


def test_a_member_torn_by_a_crash_is_neither_found_nor_read_again_and_hides_nothing(tmp_path: Path) -> None:
    files = Counting(tmp_path)
    torn = packed([ticket("torn")])
    files.append(DAYS[0], packed([ticket("before")]) + torn[: len(torn) // 2])
    archived = archive(files)
    assert found(archived, "before", "torn") == [True, False]
    read = files.bytes_read
    assert found(archived, "nobody") == [False]
    assert files.bytes_read == read
    files.append(DAYS[0], packed([ticket("torn", 2), ticket("after")]))
    assert found(archived, "before", "torn", "after") == [True, True, True]


def test_a_member_seen_while_it_is_written_is_found_when_it_is_whole(tmp_path: Path) -> None:
    files, whole = ArchiveFolder(tmp_path), packed([ticket("late")])
    archived = archive(files)
    for part in (whole[:9], whole[9:-4], whole[-4:-1]):
        files.append(DAYS[0], part)
        assert found(archived, "late") == [False]
    files.append(DAYS[0], whole[-1:])
    assert found(archived, "late") == [True]


def damaged(index: Path) -> None:
    index.write_bytes(b"no database" * 1000)


def half(index: Path) -> None:
    index.write_bytes(index.read_bytes()[: index.stat().st_size // 2])


def gone(index: Path) -> None:
    index.unlink()


def a_folder(index: Path) -> None:
    index.unlink()
    index.mkdir()


def of_another_time(index: Path) -> None:
    index.unlink()
    with sqlite3.connect(index) as db:
        db.execute("CREATE TABLE file (name TEXT)")
    db.close()


@pytest.mark.parametrize("harm", [damaged, half, gone, a_folder, of_another_time])
@pytest.mark.parametrize("in_the_middle", [False, True])
def test_an_index_that_is_lost_is_made_anew(tmp_path: Path, harm: Callable[[Path], None], in_the_middle: bool) -> None:
    write(tmp_path)
    found(archive(ArchiveFolder(tmp_path)), "nobody")
    index = tmp_path / "index.sqlite"
    if in_the_middle:
        write(tmp_path, [DAYS[0], DAYS[4]])
        archived = archive(Counting(tmp_path, lambda: harm(index)))
    else:
        harm(index)
        archived = archive(ArchiveFolder(tmp_path))
    assert found(archived, *(f"{day[:10]}/{n}" for day in DAYS for n in (0, 39)), "nobody") == [True] * 10 + [False]
    archived.index.close()


def test_a_folder_that_cannot_be_written_is_read_all_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    nowhere = SqliteArchiveIndex(tmp_path / "no" / "such" / "folder" / "index.sqlite")
    files = Counting(tmp_path)
    archived = Archive(files, nowhere)
    assert found(archived, "2026-01-01/0", "nobody") == [True, False]
    read = files.bytes_read
    assert found(archived, "nobody") == [False]
    assert files.bytes_read == read
    nowhere.close()


def test_a_file_that_was_put_back_or_taken_away_is_noticed(tmp_path: Path) -> None:
    write(tmp_path)
    archived = archive(ArchiveFolder(tmp_path))
    found(archived, "nobody")
    (tmp_path / DAYS[1]).unlink()
    other = tmp_path / "other"
    other.write_bytes(packed([ticket("from a copy")]))
    other.replace(tmp_path / DAYS[2])
    answers = found(archived, "2026-01-02/3", "2026-01-03/3", "from a copy", "2026-01-04/3")
    assert answers == [False, False, True, True]


def test_processes_that_index_at_once_miss_nothing(tmp_path: Path) -> None:
    write(tmp_path)

    def another() -> None:
        assert found(archive(ArchiveFolder(tmp_path)), "2026-01-05/3") == [True]

    assert found(archive(Counting(tmp_path, another)), *(f"{day[:10]}/3" for day in DAYS)) == [True] * 5


def test_readers_who_leave_do_not_have_the_index_made_twice(tmp_path: Path) -> None:
    write(tmp_path)
    there = sum(path.stat().st_size for path in tmp_path.glob("*.gz"))

    async def story() -> None:
        files = Counting(tmp_path)
        archived = archive(files)
        looks = [asyncio.ensure_future(archived.find("nobody")) for _ in range(20)]
        await asyncio.sleep(0)
        for look in looks:
            look.cancel()
        assert await archived.find("nobody") is None
        assert files.bytes_read == there

    asyncio.run(story())
