"""How the story of a ticket begins, as it is accepted."""

from fallbacks.ledger.states import Closed
from tasks.run import events as ev
from tasks.ticket import Ticket


def first_events(ticket: Ticket, not_before_ms: int | None, closed: Closed | None, detail: str) -> list[ev.Event]:
    """Its acceptance, and that it ends at once or is parked until a time of the store, ms."""
    accepted = ev.Accepted(ticket.source)
    if closed is not None:
        return [accepted, ev.Closed("intake", closed.value, detail[:500])]
    return [accepted] if not_before_ms is None else [accepted, ev.Parked(until_ms=not_before_ms)]


def shortest_ms(*seconds: float | None) -> int | None:
    """Of the waits that are given, in ms; None where none is."""
    given = [each for each in seconds if each is not None]
    return int(min(given) * 1000) if given else None
