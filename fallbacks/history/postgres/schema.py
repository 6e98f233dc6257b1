"""The tables and views of history in PostgreSQL. A migration that was released never changes: another follows it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

from psycopg import AsyncConnection, AsyncCursor

from fallbacks.history.documents import shipped_bytes, shipped_number

SCHEMA = "deskhand"
"""Of everything, so that a database may hold other things, too."""

LOCK = 0x6465736B
"""Advisory lock of migrations and new partitions; the one after it is of writers: the chain has one end."""

MIGRATIONS = (
    """
CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE dictionary (number bigint PRIMARY KEY, data bytea NOT NULL);
CREATE TABLE known (
  id text COLLATE "C" PRIMARY KEY, accepted bigint NOT NULL, version bigint NOT NULL, digest text NOT NULL,
  state text NOT NULL
);
CREATE TABLE ticket (
  id text COLLATE "C" NOT NULL, accepted bigint NOT NULL, ended bigint NOT NULL, version bigint NOT NULL,
  state text NOT NULL, source text NOT NULL, door text NOT NULL, digest text NOT NULL, subject text NOT NULL,
  words text NOT NULL, requester_id text, requester_email text, requester_name text, reason text, closed text, key text,
  facets jsonb NOT NULL, priority text NOT NULL, tier text, decided_by text, confidence double precision,
  suggested text, corrected boolean NOT NULL, spent bigint NOT NULL, overbilled bigint NOT NULL, steps bigint NOT NULL,
  run_seconds double precision NOT NULL,
  found tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED,
  PRIMARY KEY (accepted, id)
) PARTITION BY RANGE (accepted);
CREATE INDEX ticket_found ON ticket USING gin (found);
CREATE INDEX ticket_key ON ticket (key, accepted);
CREATE INDEX ticket_requester ON ticket (lower(requester_id), accepted);
CREATE INDEX ticket_email ON ticket (requester_email, accepted);
CREATE TABLE document (
  id text COLLATE "C" NOT NULL, accepted bigint NOT NULL, packed bytea NOT NULL, PRIMARY KEY (accepted, id)
) PARTITION BY RANGE (accepted);
ALTER TABLE document ALTER COLUMN packed SET STORAGE EXTERNAL;
CREATE TABLE cost (
  id text COLLATE "C" NOT NULL, accepted bigint NOT NULL, day integer NOT NULL, tier text NOT NULL,
  calls bigint NOT NULL, input_tokens bigint NOT NULL, output_tokens bigint NOT NULL, nanodollars bigint NOT NULL,
  PRIMARY KEY (accepted, id, day, tier)
) PARTITION BY RANGE (accepted);
CREATE TABLE cold (
  id text COLLATE "C" PRIMARY KEY, accepted bigint NOT NULL, file text NOT NULL
);
CREATE INDEX cold_file ON cold (file);
CREATE TABLE past_cost (
  day integer NOT NULL, tier text NOT NULL, tickets bigint NOT NULL, calls bigint NOT NULL,
  input_tokens bigint NOT NULL, output_tokens bigint NOT NULL, nanodollars bigint NOT NULL, PRIMARY KEY (day, tier)
);
CREATE TABLE past (tickets bigint NOT NULL, spent bigint NOT NULL, overbilled bigint NOT NULL);
INSERT INTO past VALUES (0, 0, 0);
CREATE TABLE thread (mail text PRIMARY KEY, id text COLLATE "C" NOT NULL);
CREATE INDEX thread_ticket ON thread (id);
CREATE TABLE made_by (key text PRIMARY KEY, id text COLLATE "C" NOT NULL);
CREATE INDEX made_by_ticket ON made_by (id);
CREATE TABLE example (place bigint PRIMARY KEY, stored text NOT NULL);
CREATE TABLE link (
  place bigint PRIMARY KEY, id text NOT NULL, version bigint NOT NULL, events bigint NOT NULL, head bytea NOT NULL,
  row bytea NOT NULL, hash bytea NOT NULL, seal text NOT NULL
);
""",
)

PARTITIONED = ("ticket", "document", "cost")


async def prepare(db: AsyncConnection[Any], views: Mapping[str, str]) -> None:
    """Bring a database to this release, inside a transaction. A later release's is left as it is."""
    wanted = sha256(repr(sorted(views.items())).encode()).hexdigest()
    async with db.cursor() as cursor:
        if await _current(cursor) == (len(MIGRATIONS), wanted, True):
            return
        await cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        await cursor.execute("SELECT to_regnamespace(%s) IS NULL", [SCHEMA])
        if ((await cursor.fetchone()) or [False])[0]:
            await cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        version, shown, dictionary = await _current(cursor)
        for number in range(version, len(MIGRATIONS)):
            await cursor.execute(MIGRATIONS[number])
            await _note(cursor, "version", str(number + 1))
        if version == 0:
            await _note(cursor, "identity", uuid4().hex)
        if shown != wanted and version <= len(MIGRATIONS):
            for name, sql in views.items():
                await cursor.execute(f"DROP VIEW IF EXISTS {name}")
                await cursor.execute(sql)
            await _note(cursor, "views", wanted)
        if not dictionary:
            given = [shipped_number(), shipped_bytes()]
            await cursor.execute("INSERT INTO dictionary VALUES (%s, %s) ON CONFLICT DO NOTHING", given)


async def _current(cursor: AsyncCursor[Any]) -> tuple[int, str, bool]:
    """Migrations that were made, digest of the views, and whether the shipped dictionary is there."""
    await cursor.execute("SELECT to_regclass(%s) IS NULL", [f"{SCHEMA}.meta"])
    if ((await cursor.fetchone()) or [True])[0]:
        return 0, "", False
    await cursor.execute("SELECT name, value FROM meta")
    meta = dict(await cursor.fetchall())
    await cursor.execute("SELECT 1 FROM dictionary WHERE number = %s", [shipped_number()])
    return int(meta["version"]), meta.get("views", ""), await cursor.fetchone() is not None


async def _note(cursor: AsyncCursor[Any], name: str, value: str) -> None:
    sql = "INSERT INTO meta VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    await cursor.execute(sql, [name, value])


def month_of(ms: int) -> tuple[str, int, int]:
    """A month's name, `2026_03`, its first ms and that of the next."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    first = datetime(at.year, at.month, 1, tzinfo=UTC)
    after = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
    return f"{at:%Y_%m}", int(first.timestamp()) * 1000, int(after.timestamp()) * 1000


async def make_partitions(db: AsyncConnection[Any], month: tuple[str, int, int]) -> None:
    """Of a month of acceptance, inside a transaction."""
    name, first, after = month
    await db.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    for table in PARTITIONED:
        bounds = f"FOR VALUES FROM ({first}) TO ({after})"
        await db.execute(f"CREATE TABLE IF NOT EXISTS {table}_{name} PARTITION OF {table} {bounds}")
