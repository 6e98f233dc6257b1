"""Full-text queries out of untrusted text: only words reach SQLite's MATCH, each quoted, never an operator."""

import re
from collections.abc import Iterable
from functools import lru_cache

MAX_TERMS = 16
_READ_CHARS = 4_000
_WORD = re.compile(r"\w{2,40}")
_STOP_WORDS = (
    "a about after all am an and any are as at be because been but by can could did do does for from get got had has "
    "have hello help here hi how if in into is it its just know like me my need no not now of on or our out please "
    "should so some tell thank thanks that the their them then there they this to up us very want was we were what "
    "when where which who why will with would yes you your"
)
_STOP = frozenset(_STOP_WORDS.split())


@lru_cache(maxsize=2)
def match_any(text: str) -> str:
    """An FTS5 expression that matches any of the text's words that say something; "" when it has none.

    Kept for the moment: what is looked up for a ticket searches by the same text twice.
    """
    return " OR ".join(f'"{term}"' for term in _terms(text))


def _terms(text: str) -> Iterable[str]:
    """The first words that say something, each once; ordinary words where there is nothing else."""
    found = [word for word in dict.fromkeys(_WORD.findall(text[:_READ_CHARS].lower())) if word.strip("_")]
    return ([word for word in found if word not in _STOP] or found)[:MAX_TERMS]
