"""The fake on the port `fallbacks.history.port.History`, as far as the search asks it."""

from collections.abc import Mapping, Sequence

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.port import EndedTicket, Entry, Facts, Search
from fallbacks.search.sqlite_live_index import SqliteLiveIndex


class MemoryHistory:
    """away: it cannot be reached."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.away = False
        self._index = SqliteLiveIndex()

    async def write(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            known = self.entries.get(entry.ticket.id)
            if known is None or known.facts.version < entry.facts.version:
                self.entries[entry.ticket.id] = entry
                self._index.put([(entry.ticket.id, entry.facts)])

    async def find(self, ticket_id: str) -> EndedTicket | None:
        return self.entries[ticket_id].ticket if ticket_id in self.entries else None

    async def find_many(self, ticket_ids: Sequence[str]) -> Mapping[str, EndedTicket]:
        return {each: self.entries[each].ticket for each in ticket_ids if each in self.entries}

    async def search(self, wanted: Search) -> list[tuple[str, Facts]]:
        if self.away:
            raise HistoryUnreachable("away")
        return [(found, self.entries[found].facts) for _, found in self._index.search(wanted)]
