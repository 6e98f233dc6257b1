"""Implements `fallbacks.history.upkeep.Upkeep` in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from fallbacks.history.documents import pack
from fallbacks.history.port import Entry
from fallbacks.history.postgres.connections import PostgresConnections
from fallbacks.history.postgres.writing import remove, there
from fallbacks.history.upkeep import Month
from fallbacks.history.words import words_of

_BETWEEN = "ticket.accepted >= %s AND ticket.accepted < %s"
_BOTH = "USING (accepted, id)"


class PostgresUpkeep:
    """Over the connections of a history."""

    def __init__(self, connections: PostgresConnections) -> None:
        self._connections = connections

    async def months(self) -> list[Month]:
        """See `Upkeep`."""
        sql = f"""SELECT to_char(to_timestamp(accepted / 1000) AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*),
            count(*) FILTER (WHERE cold.file IS NOT NULL AND document.packed IS NULL)
            FROM ticket LEFT JOIN cold {_BOTH} LEFT JOIN document {_BOTH} GROUP BY month ORDER BY month"""
        return [Month(*row) for row in await self._rows(sql)]

    async def half_cold(self, since_ms: int, until_ms: int) -> str | None:
        """See `Upkeep`."""
        sql = f"SELECT file FROM ticket JOIN cold {_BOTH} JOIN document {_BOTH} WHERE {_BETWEEN} LIMIT 1"
        rows = await self._rows(sql, since_ms, until_ms)
        return rows[0][0] if rows else None

    async def warm(self, since_ms: int, until_ms: int, count: int) -> list[str]:
        """See `Upkeep`."""
        sql = f"""SELECT id FROM ticket JOIN document {_BOTH} LEFT JOIN cold {_BOTH}
            WHERE {_BETWEEN} AND file IS NULL ORDER BY accepted, id LIMIT %s"""
        return [row[0] for row in await self._rows(sql, since_ms, until_ms, count)]

    async def files(self, since_ms: int, until_ms: int) -> list[str]:
        """See `Upkeep`."""
        sql = "SELECT DISTINCT file FROM cold WHERE accepted >= %s AND accepted < %s ORDER BY file"
        return [row[0] for row in await self._rows(sql, since_ms, until_ms)]

    async def in_file(self, file: str) -> list[str]:
        """See `Upkeep`."""
        return [row[0] for row in await self._rows("SELECT id FROM cold WHERE file = %s", file)]

    async def cold_files(self, ticket_ids: Sequence[str]) -> Mapping[str, str]:
        """See `Upkeep`."""
        return dict(await self._rows("SELECT id, file FROM cold WHERE id = ANY(%s)", list(ticket_ids)))

    async def announce(self, file: str, ticket_ids: Sequence[str]) -> None:
        """See `Upkeep`."""
        sql = """INSERT INTO cold SELECT id, accepted, %s FROM known WHERE id = ANY(%s)
            ON CONFLICT (id) DO UPDATE SET file = excluded.file"""
        await self._done(sql, file, list(ticket_ids))

    async def drop_documents(self, versions: Mapping[str, int]) -> int:
        """See `Upkeep`."""
        same = "SELECT id, accepted FROM known JOIN cold USING (id, accepted) JOIN unnest(%s::text[], %s::bigint[]) "
        same += "AS t(id, version) USING (id, version)"
        given = [list(versions), list(versions.values())]
        by = "WHERE {0}.accepted = same.accepted AND {0}.id = same.id"
        async with self._connections.transaction() as db:
            words = f"UPDATE ticket SET words = '' FROM ({same}) AS same {by.format('ticket')}"
            await db.execute(words, given)
            return (
                await db.execute(f"DELETE FROM document USING ({same}) AS same {by.format('document')}", given)
            ).rowcount

    async def put_back(self, entries: Sequence[Entry]) -> None:
        """See `Upkeep`."""
        sql = """INSERT INTO document SELECT id, accepted, %b::bytea FROM known WHERE id = %s
            ON CONFLICT DO NOTHING"""
        packed = pack((entry.ticket, entry.facts.text) for entry in entries)
        async with self._connections.transaction() as db:
            for entry, document in zip(entries, packed, strict=True):
                if (await db.execute(sql, [document, entry.ticket.id])).rowcount:
                    given = [words_of(entry), entry.facts.accepted_ms, entry.ticket.id]
                    await db.execute("UPDATE ticket SET words = %s WHERE accepted = %s AND id = %s", given)

    async def forget_file(self, file: str) -> None:
        """See `Upkeep`."""
        await self._done("DELETE FROM cold WHERE file = %s", file)

    async def ended_before(self, ms: int, count: int) -> list[str]:
        """See `Upkeep`. A ticket ended after it was accepted: the order of acceptance says where to stop looking."""
        sql = "SELECT id FROM ticket WHERE accepted < %s AND ended < %s ORDER BY accepted, id LIMIT %s"
        return [row[0] for row in await self._rows(sql, ms, ms, count)]

    async def forget(self, ticket_ids: Sequence[str]) -> None:
        """See `Upkeep`."""
        async with self._connections.transaction() as db:
            places = {ticket_id: accepted for ticket_id, (accepted, _) in (await there(db, ticket_ids)).items()}
            given = [list(places), list(places.values())]
            gone = "JOIN unnest(%s::text[], %s::bigint[]) AS gone(id, accepted) USING (accepted, id)"
            await db.execute(
                f"""INSERT INTO past_cost AS past SELECT day, tier, count(*), sum(calls), sum(input_tokens),
                sum(output_tokens), sum(nanodollars) FROM cost {gone} GROUP BY day, tier
                ON CONFLICT (day, tier) DO UPDATE SET tickets = past.tickets + excluded.tickets,
                calls = past.calls + excluded.calls, input_tokens = past.input_tokens + excluded.input_tokens,
                output_tokens = past.output_tokens + excluded.output_tokens,
                nanodollars = past.nanodollars + excluded.nanodollars""",
                given,
            )
            await db.execute(
                f"""UPDATE past SET tickets = past.tickets + went.tickets, spent = past.spent + went.spent,
                overbilled = past.overbilled + went.overbilled FROM (SELECT count(*) AS tickets,
                coalesce(sum(spent), 0) AS spent, coalesce(sum(overbilled), 0) AS overbilled
                FROM ticket {gone}) AS went""",
                given,
            )
            await remove(db, places)
            for table in ("cold", "known"):
                await db.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", given[:1])

    async def _rows(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        async with self._connections.transaction() as db:
            return await (await db.execute(sql, given)).fetchall()

    async def _done(self, sql: str, *given: Any) -> None:
        async with self._connections.transaction() as db:
            await db.execute(sql, given)
