"""A PostgreSQL that is away, comes back, or is no primary any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.postgres.connections import MOST_CONNECTIONS
from fallbacks.history.postgres.history import PostgresHistory
from fallbacks.history.postgres.url import read_postgres_url
from tests.fallbacks.history.ended import MARCH, entry
from tests.fallbacks.scene import TRIAGE
from tests.services.process import free_port

TERMINATE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresHistory]:
    history = PostgresHistory(url, TRIAGE, connect_seconds=1.0)
    try:
        yield history
    finally:
        await history.aclose()


def test_nobody_there_is_unreachable() -> None:
    async def story() -> None:
        async with opened(f"postgresql://deskhand@127.0.0.1:{free_port()}/x") as history:
            with pytest.raises(HistoryUnreachable):
                await history.known(["t1"])

    asyncio.run(story())


def test_connections_that_were_ended_are_replaced(postgres_url: str) -> None:
    async def story() -> None:
        async with opened(postgres_url) as history:
            await history.write([entry("t1")])
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute(TERMINATE)
            assert list(await history.known(["t1"])) == ["t1"]

    asyncio.run(story())


def test_one_that_only_reads_is_left_for_another(postgres_url: str) -> None:
    """It would stay in the pool for ever: it answers."""
    name = postgres_url.rpartition("/")[2]

    async def story() -> None:
        async with opened(postgres_url) as history:
            await history.write([entry("t1")])
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
                other.execute(TERMINATE)
            with pytest.raises(HistoryUnreachable, match="read-only"):
                await history.write([entry("t2")])
            with psycopg.connect(postgres_url, autocommit=True) as other:
                other.execute("SET default_transaction_read_only = off")
                other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            for _ in range(MOST_CONNECTIONS):  # each may have been opened while it only read
                with suppress(HistoryUnreachable):
                    await history.write([entry("t2")])
            assert sorted(await history.known(["t1", "t2"])) == ["t1", "t2"]

    asyncio.run(story())


def test_several_writers_and_new_months_at_once(postgres_url: str) -> None:
    async def story() -> None:
        several = [PostgresHistory(postgres_url, TRIAGE) for _ in range(4)]
        month = 31 * 86_400_000
        await asyncio.gather(
            *(one.write([entry(f"t{n}-{m}", MARCH + m * month) for m in range(5)]) for n, one in enumerate(several))
        )
        assert (await several[0].totals()).tickets == 20
        assert [link.place for link in await several[1].chain(1, 50)] == list(range(1, 21))
        for one in several:
            await one.aclose()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://", "must be a URL such as"),
        ("postgresql://host-s3cr3t", "must be a URL such as"),
        ("postgresql://u:s3cr3t@host:54x2/db", "a port is not a number"),
        ("postgresql://u:s3cr3t/x@host/db", "percent-encode"),
        ("postgresql://u:p@host/db?sslmod=s3cr3t", "an option that PostgreSQL does not know"),
    ],
)
def test_a_url_that_cannot_work_is_one_line_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        read_postgres_url(url)
    assert "s3cr3t" not in str(raised.value)


def test_a_url_is_kept_as_it_is() -> None:
    url = "postgresql://u:p%40ss@a:5432,b:5432/db?target_session_attrs=read-write"
    assert read_postgres_url(url) == url
