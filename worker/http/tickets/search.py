"""`GET /v1/tickets`: search over the tickets that are here and those that have ended."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, create_model

from fallbacks.access.api_keys import Caller
from fallbacks.history.port import Facts, Search
from fallbacks.history.words import MOST_CHARS, Term, read_terms
from fallbacks.ledger.states import Closed, State
from fallbacks.plan import DAY_MS
from fallbacks.search.both import MOST_PAGE, Hit, TicketSearch, read_cursor
from fallbacks.search.excerpts import excerpt, said
from tasks.reasons import Reason
from tasks.run.process import Process
from tasks.ticket import Requester
from worker.http.access import Reader
from worker.http.desk import DeskDep
from worker.http.inbox.bodies import Facet
from worker.http.problems import RETRY_SECONDS, Kind, Problem, responses
from worker.http.tickets.documents import Moment, moment


def _written(value: Any) -> Any:
    """Numbers are taken for moments nowhere else in a query."""
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("write a date, 2026-11-30, or a moment, 2026-11-30T08:00:00Z")
    return value


When = Annotated[AwareDatetime | date, BeforeValidator(_written)]
_Name = Annotated[str, Field(min_length=1, max_length=320)]


class SearchQuery(BaseModel):
    """Which tickets; what is left out is not asked for. A process adds its facets.

    q: words that must all be there, in the ticket, its messages, its id or the requester's id, e-mail or name; case and
    accents do not count, and `refund*` is a beginning. A date of `since` and `ended_since` is from its first moment, of
    `until` to its last, in UTC; a moment of `until` is before it.
    """

    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, Field(max_length=MOST_CHARS)] = ""
    state: list[State] = Field(default_factory=list, description="one of these")
    requester: Annotated[_Name | None, Field(description="the id or the e-mail")] = None
    source: _Name | None = None
    reason: Annotated[Reason | Closed | None, Field(description="parked, handed off or closed for it")] = None
    decided_by: Annotated[_Name | None, Field(description="`agent`, or the person")] = None
    since: Annotated[When | None, Field(description="accepted then or later")] = None
    until: Annotated[When | None, Field(description="accepted before")] = None
    ended_since: Annotated[When | None, Field(description="ended then or later")] = None
    corrected: Annotated[bool | None, Field(description="whether its decision was corrected")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_PAGE)] = 50
    cursor: Annotated[str | None, Field(max_length=500)] = None

    def wanted(self, process: Process, source: str | None) -> Search:
        """As the search takes it. source: the only one that the caller may read. Raises `Problem`."""
        named = {name: getattr(self, name) for name in process.facet_names}
        return Search(
            q=self.q,
            states=tuple(state.value for state in self.state),
            facets={name: value for name, value in named.items() if value is not None},
            requester=self.requester,
            source=self.source if source is None else source,
            reason=self.reason.value if self.reason else None,
            decided_by=self.decided_by,
            since_ms=_ms(self.since),
            until_ms=_ms(self.until, end=True),
            ended_since_ms=_ms(self.ended_since),
            corrected=self.corrected,
            before=_place(self.cursor),
            limit=self.limit,
        )


class FoundDocument(BaseModel):
    """A ticket that was found; `GET /v1/tickets/{id}` has all of it.

    excerpt: of its text, around the words that were asked for. facets: of its decision, or of what is suggested where
    that may be seen. since: when it came into its state.
    """

    id: str
    state: State
    source: str
    priority: str
    subject: str
    excerpt: str
    requester: Requester | None
    facets: dict[str, str]
    reason: Reason | Closed | None
    decided_by: str | None
    corrected: bool
    accepted_at: Moment
    since: Moment


class FoundPage(BaseModel):
    """Newest acceptance first. next: the cursor of the next page; null after the last."""

    tickets: list[FoundDocument]
    next: str | None


def found_document(hit: Hit, terms: tuple[Term, ...]) -> FoundDocument:
    """A hit as JSON."""
    facts = hit.facts
    closed = Closed(facts.closed) if facts.closed else None
    return FoundDocument(
        id=hit.id,
        state=State(facts.state),
        source=facts.source,
        priority=facts.priority,
        subject=facts.subject,
        excerpt=excerpt(said(facts, terms), terms),
        requester=_requester(facts),
        facets=dict(facts.facets),
        reason=closed or (Reason(facts.reason) if facts.reason else None),
        decided_by=facts.decided_by,
        corrected=facts.corrected,
        accepted_at=moment(facts.accepted_ms),
        since=moment(facts.ended_ms),
    )


def _requester(facts: Facts) -> Requester | None:
    if not (facts.requester_id or facts.requester_email or facts.requester_name):
        return None
    return Requester.model_construct(id=facts.requester_id, email=facts.requester_email, name=facts.requester_name)


def query_of(process: Process) -> type[SearchQuery]:
    """The query of a process: its facets are in it."""
    own: dict[str, Any] = dict.fromkeys(process.facet_names, (Facet | None, None))
    return create_model("SearchQuery", __base__=SearchQuery, **own)


def process_router(process: Process) -> APIRouter:
    """What depends on the process: what may be searched by."""
    router, own = APIRouter(prefix="/v1/tickets", tags=["tickets"]), query_of(process)

    @router.get("", response_model=FoundPage, responses=responses())
    async def search_tickets(desk: DeskDep, caller: Reader, asked: Annotated[own, Query()]) -> FoundPage:  # type: ignore[valid-type] # made above
        """Search over all tickets, those that wait and those that have ended, newest first.

        A cursor neither repeats nor drops a ticket that ends meanwhile.
        """
        return await _page(desk, caller, asked)

    return router


async def _page(desk: DeskDep, caller: Caller, asked: SearchQuery) -> FoundPage:
    wanted = asked.wanted(desk.parts.process, caller.source)
    if caller.source is not None and asked.source not in (None, caller.source):
        return FoundPage(tickets=[], next=None)
    page = await page_of(desk.parts.search, wanted)
    if caller.source is not None:  # what could not be read as a ticket is of no source
        page.tickets = [ticket for ticket in page.tickets if ticket.state is not State.REJECTED]
    return page


async def page_of(search: TicketSearch, wanted: Search) -> FoundPage:
    """A page as JSON. Raises `Problem` where history cannot be asked, and `StoreUnreachable`."""
    found = await search.find(wanted)
    if not found.whole:
        wait = {"retry-after": str(RETRY_SECONDS)}
        raise Problem(Kind.UNAVAILABLE, "history cannot be reached, so what has ended cannot be searched", headers=wait)
    terms = read_terms(wanted.q)
    return FoundPage(tickets=[found_document(hit, terms) for hit in found.hits], next=found.next)


def _ms(when: When | None, *, end: bool = False) -> int | None:
    if when is None:
        return None
    if isinstance(when, datetime):
        return int(when.timestamp() * 1000)
    return int(datetime.combine(when, time(), UTC).timestamp() * 1000) + (DAY_MS if end else 0)


def _place(cursor: str | None) -> tuple[int, str] | None:
    try:
        return None if cursor is None else read_cursor(cursor)
    except ValueError as error:
        raise Problem(Kind.INVALID, f"cursor: {error}", errors=[("cursor", str(error))]) from None
