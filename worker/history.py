"""The requester's past and similar decided tickets: the books' part and the search index as one client."""

from fallbacks.history import BooksHistory
from tasks.ports import PastTicket
from worker.sqlite_history import SimilarTickets

BATCH = 500


class History:
    """Implements `tasks.ports.TicketHistory`. People's decisions are indexed as they come, before each search."""

    def __init__(self, books: BooksHistory, index: SimilarTickets) -> None:
        self._books = books
        self._index = index
        self._indexed = 0

    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        """The requester's own last tickets, newest first."""
        return await self._books.recent(requester_id, limit)

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        """Decided tickets most like this text, best first."""
        while fresh := await self._books.examples(self._indexed, BATCH):
            self._indexed += len(fresh)
            self._index.add_many(fresh)
        return await self._index.similar(text, limit)
