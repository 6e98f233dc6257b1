"""Holds what is in history against the chain that was written with it: what was changed since in SQL shows.

Each link is the hash of the one before, and the last of each write is sealed. Who changes a ticket, or takes out a
link, has to write every later link anew, and cannot seal it. What is cut off at the end shows in the ledger's balance.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from fallbacks.history.chain import erased_of, journal_head, link_hash, row_digest, sealed
from fallbacks.history.facts import facts_of
from fallbacks.history.port import EndedTicket, Facts, History, Link, Search
from tasks.run.process import Process

PAGE = 200

Sealed = Callable[[bytes, str], bool]
"""(what, seal): whether one of the keys that count has signed it."""

_COLUMNS = ("state", "key", "decided_by", "spent_nanodollars", "digest", "accepted_ms", "corrected", "reason")
"""Facts that SQL counts by."""


@dataclass(slots=True)
class Checked:
    """links, tickets: looked at. unsealed: links behind the last seal. missing: of links, not in history any more.
    problems: (ticket id, "" for the chain; what is wrong).
    """

    links: int = 0
    tickets: int = 0
    unsealed: int = 0
    missing: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


async def check_chain(history: History, process: Process, is_sealed: Sealed) -> Checked:
    """Read all of it, tickets of history included."""
    found, linked, gone = Checked(), set[str](), set[str]()
    last: Link | None = None
    while page := await history.chain(last.place + 1 if last else 1, PAGE):
        tickets = await history.find_many([link.id for link in page])
        for link in page:
            found.problems += [("", what) for what in _in_its_place(last, link, is_sealed)]
            found.problems += [(link.id, what) for what in _as_it_left(link, tickets.get(link.id))]
            found.unsealed = 0 if link.seal else found.unsealed + 1
            last = link
        linked |= {link.id for link in page}
        gone |= {link.id for link in page if link.id not in tickets}
        found.links += len(page)
    found.missing = len(gone)
    await _columns(history, process, found, linked)
    forgotten = (await history.totals()).tickets - found.tickets
    if len(gone) > forgotten:
        found.problems.append(
            ("", f"{len(gone)} tickets of the chain are not in history, and {forgotten} were forgotten")
        )
    return found


async def _columns(history: History, process: Process, found: Checked, linked: set[str]) -> None:
    """What SQL counts by, against the tickets themselves."""
    before: tuple[int, str] | None = None
    while page := await history.search(Search(before=before, limit=PAGE)):
        tickets = await history.find_many([ticket_id for ticket_id, _ in page])
        for ticket_id, facts in page:
            if ticket_id not in linked:
                found.problems.append((ticket_id, "is in history, and no link says that it came there"))
            found.problems += [(ticket_id, what) for what in _differing(facts, tickets, ticket_id, process)]
        found.tickets += len(page)
        before = (page[-1][1].accepted_ms, page[-1][0])


def _in_its_place(last: Link | None, link: Link, is_sealed: Sealed) -> Iterator[str]:
    if link.place != (last.place + 1 if last else 1):
        yield f"link {link.place} does not follow link {last.place if last else 0}"
    if link.hash != link_hash(last.hash if last else "", link):
        yield f"link {link.place} was changed, or one before it"
    if link.seal and not is_sealed(sealed(link), link.seal):
        yield f"link {link.place} is sealed by none of the keys that count"


def _as_it_left(link: Link, ticket: EndedTicket | None) -> Iterator[str]:
    """Of a later version, what was there when this link was written; of an erased one, what it says that it was."""
    if ticket is None:
        return
    if len(ticket.journal) < link.events or journal_head(ticket.id, ticket.journal[: link.events]) != link.head:
        yield f"its events are not those it left with (link {link.place})"
    erased = any(erased_of(stored) for stored in ticket.journal)
    if int(ticket.row["version"]) == link.version and not erased and row_digest(ticket) != link.row:
        yield f"its row is not the one it left with (link {link.place})"


def _differing(facts: Facts, tickets: Mapping[str, EndedTicket], ticket_id: str, process: Process) -> Iterator[str]:
    if ticket_id in tickets:
        said = facts_of(tickets[ticket_id], process)
        for name in _COLUMNS:
            if getattr(facts, name) != getattr(said, name):
                yield f"its column for {name} says {getattr(facts, name)!r}, and the ticket {getattr(said, name)!r}"
