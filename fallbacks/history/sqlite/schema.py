"""The tables and views of history in SQLite. A migration that has been released never changes: another follows it."""

import sqlite3
from collections.abc import Mapping
from uuid import uuid4

from fallbacks.history.documents import shipped_bytes, shipped_number

MIGRATIONS = (
    """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE dictionary (number INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE ticket (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, accepted INTEGER NOT NULL, ended INTEGER NOT NULL,
  version INTEGER NOT NULL, state TEXT NOT NULL, source TEXT NOT NULL, door TEXT NOT NULL, digest TEXT NOT NULL,
  subject TEXT NOT NULL, words TEXT NOT NULL, requester_id TEXT COLLATE NOCASE, requester_email TEXT COLLATE NOCASE,
  requester_name TEXT, reason TEXT, closed TEXT, key TEXT, facets TEXT NOT NULL, priority TEXT NOT NULL, tier TEXT,
  decided_by TEXT, confidence REAL, suggested TEXT,
  corrected INTEGER NOT NULL, spent INTEGER NOT NULL, overbilled INTEGER NOT NULL, steps INTEGER NOT NULL,
  run_seconds REAL NOT NULL
) STRICT;
CREATE INDEX ticket_key ON ticket (key) WHERE key IS NOT NULL;
CREATE INDEX ticket_requester ON ticket (requester_id) WHERE requester_id IS NOT NULL;
CREATE INDEX ticket_email ON ticket (requester_email) WHERE requester_email IS NOT NULL;
CREATE TABLE document (n INTEGER PRIMARY KEY, packed BLOB NOT NULL) STRICT;
CREATE TABLE cold (n INTEGER PRIMARY KEY, file TEXT NOT NULL) STRICT;
CREATE INDEX cold_file ON cold (file);
CREATE TABLE cost (
  n INTEGER NOT NULL, day INTEGER NOT NULL, tier TEXT NOT NULL, calls INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL, nanodollars INTEGER NOT NULL, PRIMARY KEY (n, day, tier)
) STRICT, WITHOUT ROWID;
CREATE TABLE past_cost (
  day INTEGER NOT NULL, tier TEXT NOT NULL, tickets INTEGER NOT NULL, calls INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, nanodollars INTEGER NOT NULL, PRIMARY KEY (day, tier)
) STRICT, WITHOUT ROWID;
CREATE TABLE past (tickets INTEGER NOT NULL, spent INTEGER NOT NULL, overbilled INTEGER NOT NULL) STRICT;
INSERT INTO past VALUES (0, 0, 0);
CREATE TABLE thread (mail TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX thread_ticket ON thread (n);
CREATE TABLE made_by (key TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX made_by_ticket ON made_by (n);
CREATE TABLE example (place INTEGER PRIMARY KEY, stored TEXT NOT NULL) STRICT;
CREATE TABLE link (
  place INTEGER PRIMARY KEY, id TEXT NOT NULL, version INTEGER NOT NULL, events INTEGER NOT NULL, head BLOB NOT NULL,
  row BLOB NOT NULL, hash BLOB NOT NULL, seal TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE found USING fts5(words, content='ticket', content_rowid='n', columnsize=0);
CREATE TRIGGER found_added AFTER INSERT ON ticket BEGIN
  INSERT INTO found(rowid, words) VALUES (new.n, new.words);
END;
CREATE TRIGGER found_gone AFTER DELETE ON ticket BEGIN
  INSERT INTO found(found, rowid, words) VALUES ('delete', old.n, old.words);
END;
CREATE TRIGGER found_changed AFTER UPDATE OF words ON ticket BEGIN
  INSERT INTO found(found, rowid, words) VALUES ('delete', old.n, old.words);
  INSERT INTO found(rowid, words) VALUES (new.n, new.words);
END;
""",
)


def prepare(db: sqlite3.Connection, views: Mapping[str, str]) -> None:
    """Bring a database to this release. Several processes may do it at once; a later release's is left as it is."""
    if _version(db) < len(MIGRATIONS):
        with db:
            db.execute("BEGIN IMMEDIATE")
            for number in range(_version(db), len(MIGRATIONS)):
                _migrate(db, number)
    found = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'"))
    stale = {name: sql for name, sql in views.items() if found.get(name) != sql}
    dictionary = db.execute("SELECT 1 FROM dictionary WHERE number = ?", (shipped_number(),)).fetchone()
    if stale or not dictionary:
        with db:
            db.execute("BEGIN IMMEDIATE")
            for name, sql in stale.items():
                db.execute(f"DROP VIEW IF EXISTS {name}")
                db.execute(sql)
            db.execute("INSERT OR IGNORE INTO dictionary VALUES (?, ?)", (shipped_number(), shipped_bytes()))


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _migrate(db: sqlite3.Connection, number: int) -> None:
    """Statement by statement: `executescript` would commit what others have to wait for."""
    rest = MIGRATIONS[number]
    statement = ""
    for line in rest.splitlines():
        statement += f"{line}\n"
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
    if number == 0:
        db.execute("INSERT INTO meta VALUES ('identity', ?)", (uuid4().hex,))
        if sqlite3.sqlite_version_info >= (3, 42):
            db.execute("INSERT INTO found(found, rank) VALUES ('secure-delete', 1)")
    db.execute(f"PRAGMA user_version = {number + 1}")
