"""Taking texts out of a history in PostgreSQL, whole."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from psycopg import sql as names

from fallbacks.history.documents import pack
from fallbacks.history.port import Entry
from fallbacks.history.postgres.connections import Connection, PostgresConnections
from fallbacks.history.postgres.schema import PARTITIONED, SCHEMA
from fallbacks.history.postgres.writing import insert, remove, there
from fallbacks.history.rows import latest

READERS_SECONDS, LOOK_SECONDS = 60.0, 0.05
"""How long whoever began to read before an erasure is waited for, such as a backup; and between two looks."""

OLDER = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
AND backend_xmin IS NOT NULL AND age(backend_xmin) > age(%s::xid)
"""


async def put_remains(db: Connection, entries: Sequence[Entry]) -> Counter[str]:
    """What is left of each ticket in its place, inside a transaction. Counts what was changed."""
    before = await there(db, [entry.ticket.id for entry in entries])
    here = [entry for entry in latest(entries) if entry.ticket.id in before]
    ids = [entry.ticket.id for entry in here]
    changed = Counter({"documents": len(here), "search": len(here)})
    changed["threads"] = (await db.execute("DELETE FROM thread WHERE id = ANY(%s)", [ids])).rowcount
    changed["cold"] = (await db.execute("SELECT 1 FROM cold WHERE id = ANY(%s)", [ids])).rowcount
    keys = await (await db.execute("SELECT key, id FROM made_by WHERE id = ANY(%s)", [ids])).fetchall()
    await remove(db, {ticket_id: before[ticket_id][0] for ticket_id in ids})
    await insert(db, list(zip(here, pack((entry.ticket, entry.facts.text) for entry in here), strict=True)))
    for key, ticket_id in keys:
        await db.execute("INSERT INTO made_by VALUES (%s, %s) ON CONFLICT DO NOTHING", [key, ticket_id])
    return changed


async def scrubbed(connections: PostgresConnections) -> dict[str, str]:
    """Write the tables anew. The write-ahead log goes when it is reused, and archives of it are the operator's. What a
    reader that began before may still see is kept by the server: readers are waited for, or named.
    """
    async with connections.transaction() as db:
        found = await db.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'", [SCHEMA]
        )
        tables = [name for (name,) in await found.fetchall() if name.startswith((*PARTITIONED, "thread", "example"))]
    async with connections.alone() as db:
        await db.execute("SET statement_timeout TO 0")
        alone = await _alone(db)
        for table in sorted(tables):
            await db.execute(names.SQL("VACUUM (FULL) {}").format(names.Identifier(table)))
        await db.execute("CHECKPOINT")
    left = {"pg_wal": "the server's write-ahead log: reused as it is written on; archived copies and replicas' go with "
                      "their own retention"}  # fmt: skip
    if not alone:
        left["readers"] = "a transaction that began before goes on: erase again when it has ended, what it sees is kept"
    return left


async def _alone(db: Connection) -> bool:
    """Whether all who began to read before have ended, as far as this user may see them."""
    moment = await (await db.execute("SELECT pg_current_xact_id()::xid::text")).fetchone()
    for _ in range(int(READERS_SECONDS / LOOK_SECONDS)):
        if await (await db.execute(OLDER, moment)).fetchone() == (0,):
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False
