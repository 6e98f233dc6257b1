"""The words of a search: read the same way in every index, whatever somebody types. Case and accents do not count."""

import re
import unicodedata
from dataclasses import dataclass

from fallbacks.history.port import Entry, Facts

MOST_TERMS = 16
MOST_CHARS = 500
"""Of a query; what comes after is not read."""

SEARCHED_CHARS = 100_000
"""Of a ticket: what an index has of one is bounded in PostgreSQL."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must stand in a ticket: words one after the other. prefix: the last of them may go on."""

    words: tuple[str, ...]
    prefix: bool = False


def folded(text: str) -> str:
    """Without case, accents and the forms of one letter: `Ünal` and `unal` are the same."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def words_of(entry: Entry) -> str:
    """As `searched`, of a ticket on its way into history."""
    return searched(entry.ticket.id, entry.facts)


def searched(ticket_id: str, facts: Facts) -> str:
    """The words of a ticket that a search looks through, in order."""
    requester = (facts.requester_id, facts.requester_email, facts.requester_name)
    text = " ".join(part for part in (ticket_id, *requester, facts.subject, facts.text) if part)
    return " ".join(_WORD.findall(folded(text[:SEARCHED_CHARS])))


def read_terms(q: str) -> tuple[Term, ...]:
    """What is between spaces is one term: `ann@example.com` is three words in a row, `refund*` begins so.

    Nothing else is read as an operator. Empty where no word was written.
    """
    found = list[Term]()
    for chunk in folded(q[:MOST_CHARS]).split():
        words = tuple(_WORD.findall(chunk))
        if words:
            found.append(Term(words, chunk.endswith("*")))
    return tuple(dict.fromkeys(found))[:MOST_TERMS]


def match_all(terms: tuple[Term, ...]) -> str:
    """As SQLite's FTS5 and its kin read it: each term quoted, all of them asked for."""
    return " AND ".join(f'"{" ".join(term.words)}"{" *" if term.prefix else ""}' for term in terms)


def stand_in(terms: tuple[Term, ...], words: str) -> bool:
    """Whether all of them stand in the words of a ticket, as `searched` has them."""
    text = f" {words} "
    return all(f" {' '.join(term.words)}{'' if term.prefix else ' '}" in text for term in terms)
