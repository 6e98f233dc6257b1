"""One act on many items. Each is done or refused by itself: what changed meanwhile stays as it is, and is named."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from fallbacks.autonomy.repeats import Repeats, Seen
from fallbacks.errors import NotAllowed, Stale, UnknownTicket
from fallbacks.inbox.inbox import Inbox
from fallbacks.inbox.reach import Reach
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import Closed
from fallbacks.ledger.views import TicketView
from tasks.errors import InvalidDecision
from tasks.language import _
from tasks.run.process import Process

MOST = 500
"""Items of one request."""

SIDE_BY_SIDE = 16


class Refusal(StrEnum):
    """Why an item was left alone. stale: it changed meanwhile, or somebody else holds it. impossible: not with such."""

    STALE = "stale"
    UNKNOWN = "unknown"
    IMPOSSIBLE = "impossible"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class Based:
    """An item as somebody saw it."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class Did:
    """What became of one item. view: after it was done; None where it was refused. why: in words."""

    item: Based
    view: TicketView | None
    refusal: Refusal | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Many:
    """What is done to each of many. given: of an edit, a `hand` of the process. kind: of a close. seconds: of a snooze,
    0 wakes. to: of an assignment. operator: of an undo, whether what others ended is taken back, too.
    """

    act: Act
    given: BaseModel | None = None
    kind: Closed = Closed.OTHER
    seconds: float = 0
    to: str = ""
    operator: bool = False


ACTS = (Act.APPROVE, Act.EDIT, Act.CLOSE, Act.SNOOZE, Act.ASSIGN, Act.UNDO)
"""What can be done to many at once."""

Do = Callable[[Based], Awaitable[TicketView]]


def doing(inbox: Inbox, person: str, many: Many) -> Do:
    """What is done to one, by every door. Raises `ValueError` for an act that is for one alone."""
    match many.act:
        case Act.APPROVE:
            return lambda item: inbox.approve(item.id, person, item.version)
        case Act.EDIT if (given := many.given) is not None:
            return lambda item: inbox.decide(item.id, person, item.version, given)
        case Act.CLOSE:
            return lambda item: inbox.close(item.id, person, item.version, many.kind)
        case Act.SNOOZE:
            return lambda item: inbox.snooze(item.id, person, item.version, many.seconds)
        case Act.ASSIGN:
            return lambda item: inbox.assign(item.id, person, item.version, many.to)
        case Act.UNDO:
            return lambda item: inbox.undo(item.id, person, item.version, operator=many.operator)
        case _:
            raise ValueError(f"{many.act.value} is done to one at a time")


def within(reach: Reach, look: Callable[[str], Awaitable[TicketView]], do: Do) -> Do:
    """The same act, on what somebody works on and nothing else. look: reads a ticket."""
    if not reach.unseen:
        return do

    async def asked(item: Based) -> TicketView:
        reach.check(await look(item.id))
        return await do(item)

    return asked


async def do_each(items: Iterable[Based], do: Do) -> list[Did]:
    """Do it to each, a few side by side; the results are in order, one for each item that was named."""
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(item: Based) -> Did:
        async with turns:
            return await _one(item, do)

    return list(await asyncio.gather(*map(one, dict.fromkeys(items))))


async def _one(item: Based, do: Do) -> Did:
    try:
        return Did(item, await do(item))
    except Stale as error:
        has_it = _("%(person)s has it", person=error.holder) if error.holder else _("it changed meanwhile")
        return Did(item, None, Refusal.STALE, has_it)
    except UnknownTicket as error:
        return Did(item, None, Refusal.UNKNOWN, str(error))
    except NotAllowed as error:
        return Did(item, None, Refusal.NOT_ALLOWED, str(error))
    except (InvalidDecision, ValueError) as error:
        if not isinstance(error, InvalidDecision) and type(error) is not ValueError:
            raise  # a subclass, e.g. of pydantic, is a fault of ours
        return Did(item, None, Refusal.IMPOSSIBLE, str(error))


def done(results: Sequence[Did]) -> list[TicketView]:
    """Those that it was done to."""
    return [result.view for result in results if result.view is not None]


def repeats(views: Iterable[TicketView], process: Process) -> int:
    """How many of these decisions or suggestions are of a text that came before: as evidence they count once."""
    seen = Repeats(Seen())
    return sum(seen.again(process.key(view.result), view.ticket.text) for view in views if view.ticket and view.result)
