"""`/v1/erase`: the texts of a requester's tickets, or of one, go from every place; the answer is the receipt."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, RootModel, StringConstraints

from fallbacks.erasure.whom import Whom
from fallbacks.errors import UnknownTicket
from tasks.ticket import TicketId
from worker.http.access import Eraser
from worker.http.desk import DeskDep
from worker.http.problems import Kind, Problem, responses
from worker.http.reading import read_json

router = APIRouter(prefix="/v1/erase", tags=["erasure"])


class _Body(BaseModel):
    """dry_run: count, and change nothing. scrub: write history's files anew at once, which holds its writers; without
    it they may hold what was replaced until that is done.
    """

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = False
    scrub: bool = False


class OfRequester(_Body):
    """Everything of a requester, by id or e-mail address."""

    requester: Annotated[str, StringConstraints(min_length=1, max_length=320)]


class OfTicket(_Body):
    """One ticket."""

    ticket: TicketId


class EraseBody(RootModel[OfRequester | OfTicket]):
    """What to erase."""

    @property
    def whom(self) -> Whom:
        """As the erasure takes it."""
        match self.root:
            case OfRequester(requester=requester):
                return Whom(requester=requester)
            case OfTicket(ticket=ticket):
                return Whom(ticket=ticket)


class ReceiptDocument(BaseModel):
    """A receipt. whom: a digest that only the holder of the key can make. tickets: a mark of each. places: what was
    found and erased. logs: what may still hold some, and until when. key, seal: who signed it. erased: False where
    this was a dry run, which nothing keeps.
    """

    id: str
    at_ms: int
    by: str
    asked: str
    whom: str
    tickets: list[str]
    places: Mapping[str, Mapping[str, int]]
    logs: Mapping[str, str]
    key: str
    seal: str
    erased: bool


@router.post("", response_model=ReceiptDocument, responses=responses(400, 404, 409, 413, 415))
async def erase(request: Request, desk: DeskDep, caller: Eraser) -> dict[str, Any]:
    """Erase. What has not ended is cancelled first. Asked again it finds what is left, and gives another receipt.

    It reads every ticket that may quote an erased one, history's since then included: allow for the time.
    """
    given = await read_json(request, EraseBody)
    dry_run = given.root.dry_run
    try:
        receipt = await desk.parts.erasure.erase(given.whom, caller.name, dry_run=dry_run, scrub=given.root.scrub)
    except UnknownTicket as error:
        raise Problem(Kind.NOT_FOUND, str(error)) from None
    return receipt.document() | {"erased": not dry_run}
