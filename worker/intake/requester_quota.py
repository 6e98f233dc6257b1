"""How many tickets of one requester the agent works in an hour: what a flood may cost. The rest goes to people."""

from dataclasses import dataclass
from hashlib import sha256

from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.ticket import Ticket

HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class RequesterQuota:
    """Counts in the ledger, for the whole fleet. An hour begins with a requester's first ticket in it.

    tickets_per_hour: None for no quota. A ticket without a requester has none either: sources are limited by API key.
    """

    store: Store
    tickets_per_hour: int | None

    async def exceeded(self, ticket: Ticket) -> str:
        """Count this ticket; why it is one too many, "" where it is not."""
        who = _identity(ticket)
        if self.tickets_per_hour is None or not who:
            return ""
        count = await self.store.tick(keys.quota(sha256(who.encode()).hexdigest()[:24]), HOUR_SECONDS)
        if count <= self.tickets_per_hour:
            return ""
        return f"ticket {count} of this requester within an hour; the agent works {self.tickets_per_hour}"


def _identity(ticket: Ticket) -> str:
    """Who asks, as far as the envelope says: another source's requester of the same name is another."""
    name = ticket.requester.identity if ticket.requester else None
    return f"{ticket.source}\n{name}" if name else ""
