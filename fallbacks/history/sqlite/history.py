"""History in a SQLite file: one machine, several processes. `postgres_history.py` is a team's."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fallbacks.history.chain import Seal
from fallbacks.history.cold.documents import Cold
from fallbacks.history.documents import Unpacker, pack
from fallbacks.history.facts import clean
from fallbacks.history.port import EndedTicket, Entry, Facts, Known, Link, Search, Totals
from fallbacks.history.queries import checked
from fallbacks.history.rows import COLUMNS, found_from, latest, values_of
from fallbacks.history.sqlite.chain import add_links, read_links
from fallbacks.history.sqlite.connections import SqliteConnections
from fallbacks.history.sqlite.erasure import put_remains, replace_examples, scrubbed
from fallbacks.history.sqlite.search import BITS, Clause, search
from fallbacks.history.sqlite.upkeep import OF_A_TICKET, SqliteUpkeep
from fallbacks.history.views import SQLITE, views
from tasks.run.process import Process

_INSERT = f"INSERT INTO ticket (n, {', '.join(COLUMNS)}) VALUES (?{', ?' * len(COLUMNS)})"


class SqliteHistory:
    """Implements `fallbacks.history.port.History`."""

    def __init__(self, path: Path, process: Process, seal: Seal | None = None, cold: Cold | None = None) -> None:
        """seal: signs the chain. cold: where documents of cold months are."""
        self._keyed_by = process.keyed_by
        self._facet_names = process.facet_names
        self.connections = SqliteConnections(path, views(SQLITE, process.facet_names, process.keyed_by))
        self._unpack = Unpacker()
        self._seal = seal
        self._cold = cold
        self.upkeep = SqliteUpkeep(self.connections)

    async def write(self, entries: Sequence[Entry]) -> None:
        """See `History`."""
        if entries:
            await self.connections.write(lambda db: _write(db, entries, self._seal))

    async def find(self, ticket_id: str) -> EndedTicket | None:
        """See `History`."""
        return (await self.find_many([ticket_id])).get(ticket_id)

    async def find_many(self, ticket_ids: Sequence[str]) -> Mapping[str, EndedTicket]:
        """See `History`."""
        sql = "SELECT packed FROM ticket JOIN document USING (n) WHERE id IN (SELECT value FROM json_each(?))"

        def read(db: sqlite3.Connection) -> list[EndedTicket]:
            packed = [row[0] for row in db.execute(sql, (_list(ticket_ids),))]
            return list(map(self._unpacker(db, packed).ticket, packed))

        found = {ticket.id: ticket for ticket in await self.connections.read(read)}
        if self._cold is not None and (missing := [each for each in ticket_ids if each not in found]):
            found |= await self._cold.tickets(await self.upkeep.cold_files(missing))
        return found

    async def known(self, ticket_ids: Sequence[str]) -> Mapping[str, Known]:
        """See `History`."""
        sql = "SELECT id, digest, state FROM ticket WHERE id IN (SELECT value FROM json_each(?))"
        rows = await self.connections.read(lambda db: db.execute(sql, (_list(ticket_ids),)).fetchall())
        return {row[0]: Known(*row) for row in rows}

    async def made_by(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """See `History`."""
        sql = (
            "SELECT made_by.key, id, digest, state FROM made_by JOIN ticket USING (n) "
            "WHERE made_by.key IN (SELECT value FROM json_each(?))"
        )
        rows = await self.connections.read(lambda db: db.execute(sql, (_list(keys),)).fetchall())
        found = {key: Known(*known) for key, *known in rows}
        return {key: found[clean(key)] for key in keys if clean(key) in found}

    async def in_thread(self, mail_ids: Sequence[str]) -> Mapping[str, str]:
        """See `History`."""
        sql = "SELECT mail, id FROM thread JOIN ticket USING (n) WHERE mail IN (SELECT value FROM json_each(?))"
        return dict(await self.connections.read(lambda db: db.execute(sql, (_list(mail_ids),)).fetchall()))

    async def of_requester(self, requester_id: str, limit: int) -> list[tuple[str, Facts]]:
        """See `History`."""
        exactly = ("requester_id = ? AND requester_id = ? COLLATE BINARY", [clean(requester_id)] * 2)
        return await self._search(Search(limit=limit), exactly)

    async def search(self, wanted: Search) -> list[tuple[str, Facts]]:
        """See `History`."""
        return await self._search(wanted)

    async def _search(self, wanted: Search, *further: Clause) -> list[tuple[str, Facts]]:
        def read(db: sqlite3.Connection) -> list[tuple[str, Facts]]:
            rows = search(db, wanted, self._keyed_by, *further)
            unpack = self._unpacker(db, [row[-1] for row in rows if row[-1]])
            return found_from(rows, unpack.text, self._facet_names)

        return await self.connections.read(read)

    async def identity(self) -> str:
        """See `History`."""
        sql = "SELECT value FROM meta WHERE name = 'identity'"
        return str((await self.connections.read(lambda db: db.execute(sql).fetchone()))[0])

    async def totals(self) -> Totals:
        """See `History`."""
        return await self.connections.read(_totals)

    async def add_examples(self, start: int, stored: Sequence[str]) -> None:
        """See `History`."""
        rows = list(enumerate(stored, start))
        sql = "INSERT OR IGNORE INTO example VALUES (?, ?)"
        await self.connections.write(lambda db: db.executemany(sql, rows) and None)

    async def examples(self, start: int, count: int) -> list[str]:
        """See `History`."""
        sql, given = "SELECT stored FROM example WHERE place >= ? AND place < ? ORDER BY place", (start, start + count)
        return [stored for (stored,) in await self.connections.read(lambda db: db.execute(sql, given).fetchall())]

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """See `History`. Parameters are written `:name`. Raises ValueError for what cannot be run."""

        def run(db: sqlite3.Connection) -> tuple[list[str], list[tuple[Any, ...]]]:
            cursor = db.execute(checked(sql), dict(parameters))
            return [column[0] for column in cursor.description or ()], cursor.fetchall()

        return await self.connections.query(run)

    async def chain(self, start: int, count: int) -> list[Link]:
        """See `History`."""
        return await self.connections.read(lambda db: read_links(db, start, count))

    async def erase(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        """See `History`."""

        def put(db: sqlite3.Connection) -> Mapping[str, int]:
            there = _there(db, [entry.ticket.id for entry in entries])
            return put_remains(db, entries, {ticket_id: number for ticket_id, (number, _) in there.items()})

        if self._cold is not None:
            remains = {entry.ticket.id: entry.ticket for entry in entries}
            await self._cold.replace(await self.upkeep.cold_files(list(remains)), remains)
        return await self.connections.write(put)

    async def replace_examples(self, stored: Mapping[int, str]) -> None:
        """See `History`."""
        await self.connections.write(lambda db: replace_examples(db, stored))

    async def scrub(self) -> Mapping[str, str]:
        """See `History`."""
        return await self.connections.alone(lambda db: scrubbed(self.connections.path, db.execute))

    async def aclose(self) -> None:
        """See `History`."""
        await self.connections.aclose()

    def _unpacker(self, db: sqlite3.Connection, packed: Sequence[bytes]) -> Unpacker:
        if self._unpack.lacks(packed):  # made by another release
            self._unpack = Unpacker(dict(db.execute("SELECT number, data FROM dictionary")))
        return self._unpack


def _write(db: sqlite3.Connection, entries: Sequence[Entry], seal: Seal | None) -> None:
    there = _there(db, [entry.ticket.id for entry in entries])
    newer = [entry for entry in latest(entries) if there.get(entry.ticket.id, (0, 0))[1] < entry.facts.version]
    packed = pack((entry.ticket, entry.facts.text) for entry in newer)
    for entry, document in zip(newer, packed, strict=True):
        number = there[entry.ticket.id][0] if entry.ticket.id in there else _next_number(db, entry.facts.accepted_ms)
        if entry.ticket.id in there:
            _remove(db, number)
        db.execute(_INSERT, [number, *values_of(entry)])
        db.execute("INSERT INTO document VALUES (?, ?)", (number, document))
        db.executemany("INSERT INTO cost VALUES (?, ?, ?, ?, ?, ?, ?)", _costs(number, entry))
        db.executemany("INSERT OR REPLACE INTO thread VALUES (?, ?)", _with(number, entry.ticket.threads))
        db.executemany("INSERT OR REPLACE INTO made_by VALUES (?, ?)", _with(number, entry.ticket.keys))
    add_links(db, [entry.ticket for entry in newer], seal)


def _costs(number: int, entry: Entry) -> list[tuple[int | str, ...]]:
    return [
        (number, cost.day, cost.tier, cost.calls, cost.input_tokens, cost.output_tokens, cost.nanodollars)
        for cost in entry.facts.costs
    ]


def _there(db: sqlite3.Connection, ticket_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Id -> number and version, of those that are here."""
    sql = "SELECT id, n, version FROM ticket WHERE id IN (SELECT value FROM json_each(?))"
    return {row[0]: (row[1], row[2]) for row in db.execute(sql, (_list(ticket_ids),))}


def _remove(db: sqlite3.Connection, number: int) -> None:
    for table in OF_A_TICKET:
        if table != "cold":  # a file may still have it
            db.execute(f"DELETE FROM {table} WHERE n = ?", (number,))


def _next_number(db: sqlite3.Connection, accepted_ms: int) -> int:
    """The first that is free from its ms on."""
    first = accepted_ms << BITS
    sql = "SELECT max(n) FROM ticket WHERE n >= ? AND n < ?"
    (last,) = db.execute(sql, (first, first + (1 << BITS))).fetchone()
    if last is None:
        return first
    return last + 1 if last + 1 < first + (1 << BITS) else _next_number(db, accepted_ms + 1)


def _totals(db: sqlite3.Connection) -> Totals:
    tickets, spent, overbilled = db.execute(
        "SELECT count(*) + (SELECT tickets FROM past), coalesce(sum(spent), 0) + (SELECT spent FROM past), "
        "coalesce(sum(overbilled), 0) + (SELECT overbilled FROM past) FROM ticket"
    ).fetchone()
    every = "SELECT day, nanodollars FROM cost UNION ALL SELECT day, nanodollars FROM past_cost"
    days = dict(db.execute(f"SELECT day, sum(nanodollars) FROM ({every}) GROUP BY day"))
    return Totals(tickets, spent, overbilled, days)


def _with(number: int, names: Iterable[str]) -> list[tuple[str, int]]:
    return [(clean(name), number) for name in names]


def _list(values: Iterable[str]) -> str:
    return json.dumps([clean(value) for value in values])
