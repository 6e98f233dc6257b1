"""Nothing that a person wrote, and nothing that was written about them, is left in any file; what is counted stays."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from fallbacks.auditing.export import export_journal
from fallbacks.auditing.verify import verify
from fallbacks.autonomy.proof import Rule
from fallbacks.autonomy.standing import replay
from fallbacks.erasure.erasure import Erasure
from fallbacks.erasure.whom import Whom
from fallbacks.errors import UnknownTicket
from fallbacks.history.chain import journal_head, row_digest
from fallbacks.history.ed25519_seals import Ed25519Sealer, sealed_by
from fallbacks.history.port import EndedTicket, History, Search
from fallbacks.history.postgres.history import PostgresHistory
from fallbacks.history.receipts import Receipt
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.inbox.explain import explain
from fallbacks.inbox.narrate import narrate
from fallbacks.ledger.past.examples import read_example
from fallbacks.ledger.sums.audit import audit
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tests.fallbacks.erasure.planted import TICKETS, Planted, files_with
from tests.fallbacks.scene import TRIAGE, Scene
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for

REWRITES = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")

SEALER = Ed25519Sealer(bytes(range(32)))


@dataclass(frozen=True)
class Kept:
    """Where history is. files: all that hold what it has, but for logs; looked up on a running server."""

    history: Callable[[], History]
    files: Callable[[], Path]


@pytest.fixture(params=["sqlite", "postgres"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "sqlite":
        (folder := tmp_path / "history").mkdir()
        return Kept(lambda: SqliteHistory(folder / "history.sqlite", TRIAGE, SEALER.seal), lambda: folder)
    url: str = request.getfixturevalue("postgres_url")
    return Kept(lambda: PostgresHistory(url, TRIAGE, SEALER.seal), lambda: files_of(url))


def files_of(url: str) -> Path:
    """The folder of this database, with all that is in memory written to it."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("CHECKPOINT")
        row = db.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        data = db.execute("SHOW data_directory").fetchone()
    assert row is not None
    assert data is not None
    return Path(data[0]) / "base" / str(row[0])


@asynccontextmanager
async def planted(server: ValkeyServer, kept: Kept) -> AsyncIterator[Planted]:
    store, history = RedisStore(server.url), kept.history()
    try:
        here = Planted(Scene(store), store, history)
        await here.fill()
        yield here
    finally:
        await store.aclose()
        await history.aclose()


def erasure(here: Planted) -> Erasure:
    return Erasure(here.store, here.history, TRIAGE, SEALER, here.scene.inbox.cancel)


async def counted(here: Planted) -> object:
    """What autonomy has come to, by the list in history and by the one in the store."""
    found = [await here.history.examples(0, 1000), await here.store.listed(keys.EXAMPLES, 0, -1)]
    return [replay([read_example(TRIAGE, one) for one in stored], TRIAGE, Rule()).standings for stored in found]


def in_documents(strings: list[str], tickets: list[EndedTicket]) -> set[str]:
    """Those that stand in what is kept compressed."""
    text = "".join(str(ticket).lower() for ticket in tickets)
    return {string for string in strings if string.lower() in text}


async def all_ended(here: Planted) -> list[EndedTicket]:
    ids = [ticket_id for ticket_id, _ in await here.history.search(Search(limit=1000))]
    return list((await here.history.find_many(ids)).values())


def rewritten(server: ValkeyServer) -> None:
    """The append-only file holds what there is now, and no more."""
    with server.client() as client:
        client.bgrewriteaof()
        wait_for(lambda: not sum(client.info("persistence")[name] for name in REWRITES))


def test_nothing_is_left_and_everything_still_balances(kept: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "valkey"
    folder.mkdir()
    with ValkeyServer(folder, aof_use_rdb_preamble="no") as server:
        asyncio.run(erased_whole(server, kept))


def test_a_reader_that_began_before_the_erasure_keeps_nothing(postgres_url: str, tmp_path: Path) -> None:
    """What it could still see is kept by VACUUM FULL; a backup is such a reader."""

    async def story(server: ValkeyServer) -> None:
        kept = Kept(lambda: PostgresHistory(postgres_url, TRIAGE, SEALER.seal), lambda: files_of(postgres_url))
        async with planted(server, kept) as here:
            reader = await psycopg.AsyncConnection.connect(postgres_url)
            await reader.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            await reader.execute("SELECT count(*) FROM pg_class")
            work = asyncio.ensure_future(erasure(here).erase(Whom(requester="maria.planted-zx@example.org"), "ann"))
            async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as watch:
                while not work.done() and not await waited_for(watch):  # noqa: ASYNC110 - a server's doing
                    await asyncio.sleep(0.02)
            await reader.close()
            await work
            rewritten(server)
            assert files_with(here.strings, server.folder, kept.files()) == {}

    with ValkeyServer(tmp_path, aof_use_rdb_preamble="no") as server:
        asyncio.run(story(server))


async def waited_for(watch: psycopg.AsyncConnection[Any]) -> bool:
    """Whether the erasure looks who reads."""
    looks = "SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%backend_xmin%'"
    asked = await watch.execute(looks)
    return await asked.fetchone() is not None


async def erased_whole(server: ValkeyServer, kept: Kept) -> None:
    async with planted(server, kept) as here:
        strings = here.strings
        assert len(strings) >= 200
        before = files_with(strings, server.folder, kept.files()).keys()
        unseen = set(strings) - before - in_documents(strings, await all_ended(here))
        assert all("mail" in string or "attached" in string for string in unseen)  # kept compressed beside the rows
        counts, money = await counted(here), (await audit(here.store)).spent

        tried = await erasure(here).erase(Whom(requester="cust-4711"), "ann", dry_run=True)
        assert tried.places["tickets"] == {"found": TICKETS - 2, "erased": 0}
        assert files_with(strings, server.folder, kept.files()).keys() == before
        receipt = await erasure(here).erase(Whom(requester="maria.planted-zx@example.org"), "ann")

        rewritten(server)
        assert files_with(strings, server.folder, kept.files()) == {}
        assert in_documents(strings, await all_ended(here)) == set()
        await check_receipt(here, receipt)
        assert await counted(here) == counts
        report = await audit(here.store)
        assert (report.problems, report.spent) == ((), money)
        await check_chain(here)
        await check_journal(here)
        await check_screens(here)


async def check_receipt(here: Planted, receipt: Receipt) -> None:
    assert sealed_by(SEALER.public, receipt.sealed_part(), receipt.seal)
    assert receipt.places["tickets"] == {"found": TICKETS - 2, "erased": TICKETS - 2}
    assert receipt.places["history documents"]["erased"] == 2
    assert receipt.places["quotes"] == {"found": 1, "erased": 1}
    assert receipt.places["quotes in history"] == {"found": 1, "erased": 1}
    assert receipt.places["answers kept for use again"]["erased"] == 1
    assert receipt.places["threads"]["erased"] == 1
    assert len(receipt.tickets) == TICKETS + 2
    assert (await here.store.row("m0"))["keys"] == "key|m0"  # sent again, it is known
    again = await erasure(here).erase(Whom(requester="cust-4711"), "ann", dry_run=True)
    assert "tickets" not in again.places
    with pytest.raises(UnknownTicket):
        await erasure(here).erase(Whom(ticket="nobody"), "ann")


async def check_chain(here: Planted) -> None:
    """What history wrote of a ticket when it left is still what its events come to."""
    links = await here.history.chain(1, 100)
    assert [link.id for link in links] == ["m4", "m5", "other-ended"]
    for link in links:
        ticket = await here.history.find(link.id)
        assert ticket is not None
        assert journal_head(ticket.id, ticket.journal[: link.events]) == link.head
        assert row_digest(ticket) == link.row


async def check_journal(here: Planted) -> None:
    """The journal for auditors is sound, and says how many events are erased; without its receipt it is not."""
    lines: list[bytes] = []
    await export_journal(here.store, here.history, SEALER, lines.append, {})
    verdict = verify(lines, [SEALER.public], sealed_by)
    assert verdict.faults == []
    assert verdict.receipts == 1
    assert verdict.erased > 60


async def check_screens(here: Planted) -> None:
    """Every ticket can still be looked at."""
    views, now = here.scene.inbox.views, await here.store.now_ms()
    for number in (0, 1, 2, 3, 6):
        view = await views.ticket(f"m{number}")
        timeline = await views.timeline(view.id)
        card = explain(view, await views.checkpoint(view.id), timeline, now, TRIAGE)
        assert card.headline
        assert "erased" in narrate(timeline, TRIAGE)[-1].text
