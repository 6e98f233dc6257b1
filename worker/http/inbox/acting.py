"""What routes of people's acts share: who acts, and the ticket after the act, as far as the key may see it."""

from collections.abc import Awaitable

from fallbacks.access.api_keys import Caller, Scope
from fallbacks.errors import NotAllowed
from fallbacks.ledger.states import INBOX
from fallbacks.ledger.views import TicketView
from tasks.errors import InvalidDecision
from worker.http.desk import Desk
from worker.http.inbox.bodies import Body
from worker.http.problems import Kind, Problem
from worker.http.tickets.documents import AcceptedDocument, TicketDocument, read_ticket


async def done(desk: Desk, work: Awaitable[TicketView]) -> TicketDocument:
    """The ticket after the act. What the inbox calls impossible is a problem, not a fault of ours."""
    try:
        view = await work
    except NotAllowed as error:
        raise Problem(Kind.FORBIDDEN, str(error)) from None
    except InvalidDecision as error:
        place = f"/{error.field.replace('.', '/')}"
        raise Problem(Kind.INVALID, f"{place}: {error}", errors=[(place, str(error))]) from None
    except ValueError as error:
        if type(error) is not ValueError:  # a subclass, e.g. of pydantic, is a fault of ours
            raise
        raise Problem(Kind.IMPOSSIBLE, str(error)) from None
    return await read_ticket(desk.parts.views, view.id)


async def as_read(desk: Desk, key: Caller, work: Awaitable[TicketView]) -> TicketDocument | AcceptedDocument:
    """As `done`, where the ticket waits for people or the key may read any; else its id and state."""
    document = await done(desk, work)
    if document.state in INBOX or Scope.READ in key.scopes:
        return document
    return AcceptedDocument(id=document.id, state=document.state)


def who(key: str, body: Body) -> str:
    """Who acts through a key."""
    return f"{key}:{body.person}" if body.person else key
