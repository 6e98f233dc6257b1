"""Full-text queries out of untrusted text: only words reach SQLite's MATCH, each quoted, never an operator."""

from functools import lru_cache

from worker.lookups.words import READ_CHARS, words_of

MAX_TERMS = 16


def match_any(text: str) -> str:
    """An FTS5 expression that matches any of the text's first words that say something; "" when it has none."""
    return _match_any(text[:READ_CHARS])


@lru_cache(maxsize=64)
def _match_any(text: str) -> str:
    """Kept for the moment: a ticket's text may be searched by more than once, and other tickets come in between."""
    return " OR ".join(f'"{term}"' for term in words_of(text)[:MAX_TERMS])
