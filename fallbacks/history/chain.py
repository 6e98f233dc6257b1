"""The chain over ended tickets: what each was when it left the store, in the order of their leaving. Pure.

The head of a journal is a hash over the hash of each event, so that an event whose text was erased, which keeps the
hash it had, stands in the same chain. What is proved by it, and what is not, is said in the README.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from fallbacks.history.port import EndedTicket, Link

ERASED = "erased"
"""Field of an event, and of a row, whose text was erased: {receipt, sha256: of what it was}."""

TEXTS_ERASED = "texts_erased"
"""Type of the event that says so in a journal."""

_MARK = f'"{ERASED}":{{"'

Seal = Callable[[bytes], str]
"""Signs."""


def erased_of(stored: str) -> Mapping[str, str] | None:
    """By which receipt a text was erased, and what its digest was; None where it is as it was written."""
    if _MARK not in stored:
        return None
    found = json.loads(stored).get(ERASED)
    return found if isinstance(found, dict) and {"receipt", "sha256"} <= found.keys() else None


def event_digest(stored: str) -> bytes:
    """Of an event as it is stored; of an erased one, what it was before."""
    erased = erased_of(stored)
    return bytes.fromhex(erased["sha256"]) if erased else sha256(stored.encode()).digest()


def content_digest(stored: str) -> bytes:
    """Of an event as it is stored, an erased one as it was left."""
    return sha256(stored.encode()).digest()


def head_of(ticket_id: str, digests: Iterable[bytes]) -> str:
    """Over the digests of a ticket's events."""
    return sha256(ticket_id.encode() + b"\n" + b"".join(digests)).hexdigest()


def journal_head(ticket_id: str, journal: Iterable[str]) -> str:
    """Over the events of a ticket."""
    return head_of(ticket_id, map(event_digest, journal))


def row_digest(ticket: EndedTicket) -> str:
    """Of what a ticket has besides its journal; of an erased one, what it was before."""
    erased = ticket.row.get(ERASED)
    if erased is not None:
        return str(json.loads(erased)["sha256"])
    parts = (ticket.row, ticket.effects, ticket.beside)
    flat = [f"{place}{name}\0{part[name]}" for place, part in enumerate(parts) for name in sorted(part)]
    return sha256("\0".join(flat).encode()).hexdigest()


def link_after(last: Link | None, ticket: EndedTicket) -> Link:
    """The link of a ticket that is written behind this one."""
    journal, version = ticket.journal, int(ticket.row.get("version", "0"))
    place = last.place + 1 if last else 1
    head = journal_head(ticket.id, journal)
    link = Link(place, ticket.id, version, len(journal), head, row_digest(ticket), "")
    return replace(link, hash=link_hash(last.hash if last else "", link))


def links_after(last: Link | None, tickets: Sequence[EndedTicket], seal: Seal | None) -> list[Link]:
    """The links of tickets that are written at once; the last one bears the seal."""
    links: list[Link] = []
    for ticket in tickets:
        links.append(link_after(links[-1] if links else last, ticket))
    if links and seal:
        links[-1] = replace(links[-1], seal=seal(sealed(links[-1])))
    return links


def link_hash(before: str, link: Link) -> str:
    """Over a link and the one before it, "" for none."""
    said = (before, link.place, link.id, link.version, link.events, link.head, link.row)
    return sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()


def sealed(link: Link) -> bytes:
    """What a seal stands over."""
    return f"deskhand history {link.place} {link.hash}".encode()
