"""Implements `fallbacks.history.upkeep.Upkeep` in SQLite."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from fallbacks.history.documents import pack
from fallbacks.history.port import Entry
from fallbacks.history.sqlite.connections import SqliteConnections
from fallbacks.history.sqlite.search import BITS
from fallbacks.history.upkeep import Month
from fallbacks.history.words import words_of

OF_A_TICKET = ("document", "cold", "cost", "thread", "made_by", "ticket")
"""Tables, by the number `n`."""

_ASKED = "id IN (SELECT value FROM json_each(?))"
_BETWEEN = "ticket.n >= ? AND ticket.n < ?"


class SqliteUpkeep:
    """Over the connections of a history."""

    def __init__(self, connections: SqliteConnections) -> None:
        self._connections = connections

    async def months(self) -> list[Month]:
        """See `Upkeep`."""
        return [
            Month(*row)
            for row in await self._rows(
                """SELECT strftime('%Y-%m', accepted / 1000, 'unixepoch') AS month, count(*),
                count(cold.n) - count(CASE WHEN cold.n IS NOT NULL THEN document.n END)
                FROM ticket LEFT JOIN cold USING (n) LEFT JOIN document USING (n) GROUP BY month ORDER BY month"""
            )
        ]

    async def half_cold(self, since_ms: int, until_ms: int) -> str | None:
        """See `Upkeep`."""
        sql = f"SELECT file FROM ticket JOIN cold USING (n) JOIN document USING (n) WHERE {_BETWEEN} LIMIT 1"
        rows = await self._rows(sql, since_ms << BITS, until_ms << BITS)
        return rows[0][0] if rows else None

    async def warm(self, since_ms: int, until_ms: int, count: int) -> list[str]:
        """See `Upkeep`."""
        sql = f"""SELECT id FROM ticket JOIN document USING (n) LEFT JOIN cold USING (n)
            WHERE {_BETWEEN} AND file IS NULL ORDER BY ticket.n LIMIT ?"""
        return [row[0] for row in await self._rows(sql, since_ms << BITS, until_ms << BITS, count)]

    async def files(self, since_ms: int, until_ms: int) -> list[str]:
        """See `Upkeep`."""
        sql = f"SELECT DISTINCT file FROM ticket JOIN cold USING (n) WHERE {_BETWEEN} ORDER BY file"
        return [row[0] for row in await self._rows(sql, since_ms << BITS, until_ms << BITS)]

    async def in_file(self, file: str) -> list[str]:
        """See `Upkeep`."""
        return [row[0] for row in await self._rows("SELECT id FROM cold JOIN ticket USING (n) WHERE file = ?", file)]

    async def cold_files(self, ticket_ids: Sequence[str]) -> Mapping[str, str]:
        """See `Upkeep`."""
        return dict(
            await self._rows(f"SELECT id, file FROM ticket JOIN cold USING (n) WHERE {_ASKED}", _list(ticket_ids))
        )

    async def announce(self, file: str, ticket_ids: Sequence[str]) -> None:
        """See `Upkeep`."""
        sql = f"INSERT OR REPLACE INTO cold SELECT n, ? FROM ticket WHERE {_ASKED}"
        await self._connections.write(lambda db: db.execute(sql, (file, _list(ticket_ids))) and None)

    async def drop_documents(self, versions: Mapping[str, int]) -> int:
        """See `Upkeep`."""

        def drop(db: sqlite3.Connection) -> int:
            sql = f"SELECT n, id, version FROM ticket JOIN cold USING (n) WHERE {_ASKED}"
            found = db.execute(sql, (_list(versions),)).fetchall()
            same = [(number,) for number, ticket_id, version in found if versions[ticket_id] == version]
            db.executemany("UPDATE ticket SET words = '' WHERE n = ?", same)
            return db.executemany("DELETE FROM document WHERE n = ?", same).rowcount

        return await self._connections.write(drop)

    async def put_back(self, entries: Sequence[Entry]) -> None:
        """See `Upkeep`."""
        packed = pack((entry.ticket, entry.facts.text) for entry in entries)

        def put(db: sqlite3.Connection) -> None:
            for entry, document in zip(entries, packed, strict=True):
                sql = "INSERT OR IGNORE INTO document SELECT n, ? FROM ticket WHERE id = ?"
                if db.execute(sql, (document, entry.ticket.id)).rowcount:
                    db.execute("UPDATE ticket SET words = ? WHERE id = ?", (words_of(entry), entry.ticket.id))

        await self._connections.write(put)

    async def forget_file(self, file: str) -> None:
        """See `Upkeep`."""
        await self._connections.write(lambda db: db.execute("DELETE FROM cold WHERE file = ?", (file,)) and None)

    async def ended_before(self, ms: int, count: int) -> list[str]:
        """See `Upkeep`. A ticket ended after it was accepted: the order of acceptance says where to stop looking."""
        sql = "SELECT id FROM ticket WHERE n < ? AND ended < ? ORDER BY n LIMIT ?"
        return [row[0] for row in await self._rows(sql, ms << BITS, ms, count)]

    async def forget(self, ticket_ids: Sequence[str]) -> None:
        """See `Upkeep`."""
        await self._connections.write(lambda db: _forget(db, ticket_ids))

    async def _rows(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        return await self._connections.read(lambda db: db.execute(sql, given).fetchall())


def _forget(db: sqlite3.Connection, ticket_ids: Sequence[str]) -> None:
    db.execute("CREATE TEMP TABLE IF NOT EXISTS gone (n INTEGER PRIMARY KEY)")
    db.execute("DELETE FROM gone")
    db.execute(f"INSERT INTO gone SELECT n FROM ticket WHERE {_ASKED}", (_list(ticket_ids),))
    db.execute(
        """INSERT INTO past_cost SELECT day, tier, count(*), sum(calls), sum(input_tokens), sum(output_tokens),
        sum(nanodollars) FROM cost JOIN gone USING (n) WHERE true GROUP BY day, tier
        ON CONFLICT (day, tier) DO UPDATE SET tickets = tickets + excluded.tickets, calls = calls + excluded.calls,
        input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
        nanodollars = nanodollars + excluded.nanodollars"""
    )
    db.execute(
        """UPDATE past SET tickets = past.tickets + went.tickets, spent = past.spent + went.spent,
        overbilled = past.overbilled + went.overbilled FROM (SELECT count(*) AS tickets,
        coalesce(sum(spent), 0) AS spent,
        coalesce(sum(overbilled), 0) AS overbilled FROM ticket JOIN gone USING (n)) AS went"""
    )
    for table in OF_A_TICKET:
        db.execute(f"DELETE FROM {table} WHERE n IN (SELECT n FROM gone)")
    db.execute("DELETE FROM gone")


def _list(values: Any) -> str:
    return json.dumps(list(values))
