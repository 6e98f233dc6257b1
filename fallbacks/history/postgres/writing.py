"""Writing tickets into PostgreSQL: a statement a table, whatever the number of tickets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.types.json import Json

from fallbacks.history.chain import Seal, links_after
from fallbacks.history.facts import clean
from fallbacks.history.port import EndedTicket, Entry, Link
from fallbacks.history.postgres.schema import LOCK
from fallbacks.history.rows import COLUMNS, values_of

Connection = AsyncConnection[Any]

Packed = Sequence[tuple[Entry, bytes]]

OF_A_TICKET = ("document", "ticket", "cost")
"""By month."""

_KNOWN = """INSERT INTO known SELECT id, accepted, version, digest, state
  FROM json_to_recordset(%s) AS t(id text, accepted bigint, version bigint, digest text, state text)
  ON CONFLICT (id) DO UPDATE SET accepted = excluded.accepted, version = excluded.version, digest = excluded.digest,
  state = excluded.state"""

_NAMES = ", ".join(COLUMNS)
_TICKETS = f"INSERT INTO ticket ({_NAMES}) SELECT {_NAMES} FROM json_populate_recordset(null::ticket, %s)"

_COSTS = """INSERT INTO cost SELECT id, accepted, day, tier, calls, input_tokens, output_tokens, nanodollars
  FROM json_populate_recordset(null::cost, %s)"""

_DOCUMENTS = "INSERT INTO document SELECT * FROM unnest(%s::text[], %s::bigint[], %b::bytea[])"


async def there(db: Connection, ticket_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Id -> acceptance and version, of those that are here."""
    sql = "SELECT id, accepted, version FROM known WHERE id = ANY(%s)"
    return {row[0]: (row[1], row[2]) for row in await (await db.execute(sql, [list(ticket_ids)])).fetchall()}


async def write(db: Connection, packed: Packed, seal: Seal | None) -> None:
    """Inside a transaction; each ticket once."""
    await db.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK + 1])
    before = await there(db, [entry.ticket.id for entry, _ in packed])
    newer = [one for one in packed if before.get(one[0].ticket.id, (0, 0))[1] < one[0].facts.version]
    await remove(db, {entry.ticket.id: before[entry.ticket.id][0] for entry, _ in newer if entry.ticket.id in before})
    await insert(db, newer)
    await _add_links(db, [entry.ticket for entry, _ in newer], seal)


async def insert(db: Connection, packed: Packed) -> None:
    """All of tickets but their links."""
    if not packed:
        return
    entries = [entry for entry, _ in packed]
    rows = [dict(zip(COLUMNS, values_of(entry), strict=True)) for entry in entries]
    for row in rows:
        row["facets"] = json.loads(row["facets"])
    known = [{name: row[name] for name in ("id", "accepted", "version", "digest", "state")} for row in rows]
    await db.execute(_KNOWN, [_json(known)])
    await db.execute(_TICKETS, [_json(rows)])
    ids, accepted = [row["id"] for row in rows], [row["accepted"] for row in rows]
    await db.execute(_DOCUMENTS, [ids, accepted, [document for _, document in packed]])
    if costs := [cost for entry in entries for cost in _costs(entry)]:
        await db.execute(_COSTS, [_json(costs)])
    await _name(db, "thread", "mail", [(mail, one.ticket.id) for one in entries for mail in one.ticket.threads])
    await _name(db, "made_by", "key", [(key, one.ticket.id) for one in entries for key in one.ticket.keys])


async def remove(db: Connection, accepted: Mapping[str, int]) -> None:
    """Of tickets that are replaced, by id, all that hangs on them; cold files that have them stay known."""
    if not accepted:
        return
    given = [list(accepted), list(accepted.values())]
    for table in OF_A_TICKET:
        which = f"USING unnest(%s::text[], %s::bigint[]) AS t(id, accepted) WHERE {table}.accepted = t.accepted"
        await db.execute(f"DELETE FROM {table} {which} AND {table}.id = t.id", given)
    for table in ("thread", "made_by"):
        await db.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", given[:1])


async def _name(db: Connection, table: str, name: str, pairs: Sequence[tuple[str, str]]) -> None:
    if pairs:
        latest = {clean(key): ticket_id for key, ticket_id in pairs}
        conflict = f"ON CONFLICT ({name}) DO UPDATE SET id = excluded.id"
        sql = f"INSERT INTO {table} SELECT * FROM unnest(%s::text[], %s::text[]) {conflict}"
        await db.execute(sql, [list(latest), list(latest.values())])


def _costs(entry: Entry) -> list[dict[str, Any]]:
    of = {"id": entry.ticket.id, "accepted": entry.facts.accepted_ms}
    names = ("day", "tier", "calls", "input_tokens", "output_tokens", "nanodollars")
    return [{**of, **{name: getattr(cost, name) for name in names}} for cost in entry.facts.costs]


async def _add_links(db: Connection, tickets: Sequence[EndedTicket], seal: Seal | None) -> None:
    if not tickets:
        return
    last = await (await db.execute("SELECT * FROM link ORDER BY place DESC LIMIT 1")).fetchone()
    links = links_after(link_of(last) if last else None, tickets, seal)
    names = ("place", "id", "version", "events", "seal")
    plain = [[getattr(link, name) for link in links] for name in names]
    digests = [[bytes.fromhex(getattr(link, name)) for link in links] for name in ("head", "row", "hash")]
    types = "%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %b::bytea[], %b::bytea[], %b::bytea[], %s::text[]"
    await db.execute(f"INSERT INTO link SELECT * FROM unnest({types})", [*plain[:4], *digests, plain[4]])


def link_of(row: Sequence[Any]) -> Link:
    """A link as it is stored."""
    place, ticket_id, version, events, head, digest, chained, seal = row
    return Link(place, ticket_id, version, events, head.hex(), digest.hex(), chained.hex(), seal)


def _json(value: Any) -> Json:
    return Json(value, dumps=_ENCODER.encode)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
