"""History in PostgreSQL: a team's. `sqlite_history.py` is one machine's."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Error

from fallbacks.history.chain import Seal
from fallbacks.history.cold.documents import Cold
from fallbacks.history.documents import Unpacker, pack
from fallbacks.history.facts import clean
from fallbacks.history.port import EndedTicket, Entry, Facts, Known, Link, Search, Totals
from fallbacks.history.postgres.connections import CONNECT_SECONDS, Connection, PostgresConnections
from fallbacks.history.postgres.erasure import put_remains, scrubbed
from fallbacks.history.postgres.schema import make_partitions, month_of
from fallbacks.history.postgres.search import Clause, search_sql
from fallbacks.history.postgres.upkeep import PostgresUpkeep
from fallbacks.history.postgres.writing import link_of, write
from fallbacks.history.queries import checked
from fallbacks.history.rows import found_from, latest
from fallbacks.history.views import POSTGRES, views
from tasks.run.process import Process


class PostgresHistory:
    """Implements `fallbacks.history.port.History`."""

    def __init__(
        self,
        url: str,
        process: Process,
        seal: Seal | None = None,
        cold: Cold | None = None,
        *,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """seal: signs the chain. cold: where documents of cold months are."""
        self._keyed_by = process.keyed_by
        self._facet_names = process.facet_names
        shown = views(POSTGRES, process.facet_names, process.keyed_by)
        self.connections = PostgresConnections(url, shown, connect_seconds)
        self._unpack = Unpacker()
        self._seal = seal
        self._cold = cold
        self.upkeep = PostgresUpkeep(self.connections)
        self._months: set[str] = set()

    async def write(self, entries: Sequence[Entry]) -> None:
        """See `History`."""
        if not entries:
            return
        once = latest(entries)
        packed = await asyncio.to_thread(lambda: pack((entry.ticket, entry.facts.text) for entry in once))
        await self._make_room(once)
        async with self.connections.transaction() as db:
            await write(db, list(zip(once, packed, strict=True)), self._seal)

    async def _make_room(self, entries: Sequence[Entry]) -> None:
        months = {month_of(entry.facts.accepted_ms) for entry in entries}
        for month in sorted(month for month in months if month[0] not in self._months):
            async with self.connections.transaction() as db:
                await make_partitions(db, month)
            self._months.add(month[0])

    async def find(self, ticket_id: str) -> EndedTicket | None:
        """See `History`."""
        return (await self.find_many([ticket_id])).get(ticket_id)

    async def find_many(self, ticket_ids: Sequence[str]) -> Mapping[str, EndedTicket]:
        """See `History`."""
        sql = "SELECT packed FROM known JOIN document USING (accepted, id) WHERE id = ANY(%s)"
        async with self.connections.transaction() as db:
            packed = [row[0] for row in await _all(db, sql, [_plain(ticket_ids)])]
            unpack = await self._unpacker(db, packed)
        found = {ticket.id: ticket for ticket in map(unpack.ticket, packed)}
        if self._cold is not None and (missing := [each for each in ticket_ids if each not in found]):
            found |= await self._cold.tickets(await self.upkeep.cold_files(missing))
        return found

    async def known(self, ticket_ids: Sequence[str]) -> Mapping[str, Known]:
        """See `History`."""
        rows = await self._read("SELECT id, digest, state FROM known WHERE id = ANY(%s)", [_plain(ticket_ids)])
        return {row[0]: Known(*row) for row in rows}

    async def made_by(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """See `History`."""
        sql = "SELECT key, id, digest, state FROM made_by JOIN known USING (id) WHERE key = ANY(%s)"
        found = {key: Known(*known) for key, *known in await self._read(sql, [_plain(keys)])}
        return {key: found[clean(key)] for key in keys if clean(key) in found}

    async def in_thread(self, mail_ids: Sequence[str]) -> Mapping[str, str]:
        """See `History`."""
        return dict(await self._read("SELECT mail, id FROM thread WHERE mail = ANY(%s)", [_plain(mail_ids)]))

    async def of_requester(self, requester_id: str, limit: int) -> list[tuple[str, Facts]]:
        """See `History`."""
        plain = clean(requester_id)
        exactly = ("lower(requester_id) = %s AND requester_id = %s", [plain.lower(), plain])
        return await self._search(Search(limit=limit), exactly)

    async def search(self, wanted: Search) -> list[tuple[str, Facts]]:
        """See `History`."""
        return await self._search(wanted)

    async def _search(self, wanted: Search, *further: Clause) -> list[tuple[str, Facts]]:
        asked = search_sql(wanted, self._keyed_by, *further)
        if asked is None:
            return []
        async with self.connections.transaction() as db:
            rows = await _all(db, *asked)
            unpack = await self._unpacker(db, [row[-1] for row in rows if row[-1]])
        return found_from(rows, unpack.text, self._facet_names)

    async def identity(self) -> str:
        """See `History`."""
        return str((await self._read("SELECT value FROM meta WHERE name = 'identity'"))[0][0])

    async def totals(self) -> Totals:
        """See `History`."""
        whole = """SELECT past.tickets + here.tickets, past.spent + here.spent, past.overbilled + here.overbilled
            FROM past, (SELECT count(*) AS tickets, coalesce(sum(spent), 0) AS spent,
            coalesce(sum(overbilled), 0) AS overbilled FROM ticket) AS here"""
        every = "SELECT day, nanodollars FROM cost UNION ALL SELECT day, nanodollars FROM past_cost"
        async with self.connections.transaction() as db:
            await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            ((tickets, spent, overbilled),) = await _all(db, whole)
            days = await _all(db, f"SELECT day, sum(nanodollars) FROM ({every}) AS every GROUP BY day")
        return Totals(tickets, int(spent), int(overbilled), {day: int(sum_) for day, sum_ in days})

    async def add_examples(self, start: int, stored: Sequence[str]) -> None:
        """See `History`."""
        sql = "INSERT INTO example SELECT * FROM unnest(%s::bigint[], %s::text[]) ON CONFLICT DO NOTHING"
        places = list(range(start, start + len(stored)))
        async with self.connections.transaction() as db:
            await db.execute(sql, [places, _plain(stored)])

    async def examples(self, start: int, count: int) -> list[str]:
        """See `History`."""
        sql = "SELECT stored FROM example WHERE place >= %s AND place < %s ORDER BY place"
        return [stored for (stored,) in await self._read(sql, [start, start + count])]

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """See `History`. Parameters are written `:name`. Raises ValueError for what cannot be run."""

        def placed(found: re.Match[str]) -> str:
            return f"%({found[1]})s" if found[1] in parameters else found[0]

        named = re.sub(r"(?<!:):([A-Za-z_]\w*)", placed, sql.replace("%", "%%"))
        try:
            async with self.connections.transaction(read_only=True) as db, db.cursor(binary=True) as cursor:
                await cursor.execute(checked(named), dict(parameters))  # binary: one statement, whatever it says
                return [column.name for column in cursor.description or ()], await cursor.fetchall()
        except Error as error:
            raise ValueError(f"the query cannot be run: {str(error).strip()}") from error

    async def chain(self, start: int, count: int) -> list[Link]:
        """See `History`."""
        sql = "SELECT * FROM link WHERE place >= %s AND place < %s ORDER BY place"
        return list(map(link_of, await self._read(sql, [start, start + count])))

    async def erase(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """See `History`."""
        if self._cold is not None:
            remains = {entry.ticket.id: entry.ticket for entry in entries}
            await self._cold.replace(await self.upkeep.cold_files(list(remains)), remains)
        async with self.connections.transaction() as db:
            return await put_remains(db, entries)

    async def replace_examples(self, stored: Mapping[int, str]) -> None:
        """See `History`."""
        sql = """UPDATE example SET stored = t.stored FROM unnest(%s::bigint[], %s::text[]) AS t(place, stored)
            WHERE example.place = t.place"""
        async with self.connections.transaction() as db:
            await db.execute(sql, [list(stored), _plain(stored.values())])

    async def scrub(self) -> Mapping[str, str]:
        """See `History`."""
        return await scrubbed(self.connections)

    async def aclose(self) -> None:
        """See `History`."""
        await self.connections.aclose()

    async def _read(self, sql: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        async with self.connections.transaction() as db:
            return await _all(db, sql, given)

    async def _unpacker(self, db: Connection, packed: Sequence[bytes]) -> Unpacker:
        if self._unpack.lacks(packed):  # made by another release
            self._unpack = Unpacker(dict(await _all(db, "SELECT number, data FROM dictionary")))
        return self._unpack


async def _all(db: Connection, sql: str, given: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    return await (await db.execute(sql, given)).fetchall()


def _plain(values: Any) -> list[str]:
    return [clean(value) for value in values]
