"""A knowledge base over a folder of Markdown: SQLite's own full-text index, built in memory at start."""

import sqlite3
from pathlib import Path

from tasks.errors import ToolError
from tasks.tools.ports import Article
from worker.lookups.sqlite_query import match_any

MAX_ARTICLE_CHARS = 50_000
_EXCERPT_WORDS = 40
_SCHEMA = (
    "CREATE VIRTUAL TABLE article "
    "USING fts5(title, body, path UNINDEXED, tokenize='porter unicode61 remove_diacritics 2')"
)
_SEARCH = (
    "SELECT title, path, snippet(article, 1, '', '', '…', ?) FROM article "
    "WHERE article MATCH ? AND rank MATCH 'bm25(4.0, 1.0)' ORDER BY rank LIMIT ?"
)
"""By `rank` FTS5 sorts by itself, and an excerpt is made of the best alone."""


class SqliteKnowledge:
    """Implements `tasks.tools.ports.KnowledgeBase`. A search takes well under a millisecond for thousands of articles,
    so it runs where it is called; one event loop owns one instance."""

    def __init__(self, folder: Path | None) -> None:
        """Index every `*.md` below the folder; the first `#` line is the title. None: there is nothing to find.

        Raises `FileNotFoundError`.
        """
        if folder is not None and not folder.is_dir():
            raise FileNotFoundError(f"the knowledge folder {folder} does not exist")
        self._store = sqlite3.connect(":memory:", check_same_thread=False)
        self._store.execute(_SCHEMA)
        self._store.executemany(
            "INSERT INTO article VALUES (?, ?, ?)",
            (_article(file, folder) for file in sorted(folder.rglob("*.md")) if file.is_file()) if folder else (),
        )
        self._store.commit()

    async def search(self, query: str, limit: int) -> list[Article]:
        """Best matches first; empty when nothing matches."""
        match = match_any(query)
        if not match or limit < 1:
            return []
        try:
            rows = self._store.execute(_SEARCH, (_EXCERPT_WORDS, match, limit)).fetchall()
        except sqlite3.Error as error:
            raise ToolError(f"the knowledge base cannot be searched: {type(error).__name__}") from None
        return [Article(title, path, " ".join(excerpt.split())) for title, path, excerpt in rows]

    def close(self) -> None:
        """Free the index."""
        self._store.close()


def _article(file: Path, folder: Path) -> tuple[str, str, str]:
    text = file.read_text("utf-8", errors="replace")[:MAX_ARTICLE_CHARS]
    heading, _, rest = text.lstrip("\ufeff\r\n ").partition("\n")
    path = file.relative_to(folder).as_posix()
    return (heading.lstrip("# ").strip(), rest, path) if heading.startswith("#") else (file.stem, text, path)
