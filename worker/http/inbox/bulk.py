"""`/v1/inbox/bulk`: one act on many items, each done or refused by itself."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from fallbacks.access.api_keys import Caller, Scope
from fallbacks.inbox.bulk import Based, Do, Many, Refusal, do_each, doing, repeats, within
from fallbacks.inbox.bulk import done as done_of
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import State
from tasks.run.process import Process
from worker.http.access import Person, reach
from worker.http.desk import Desk, DeskDep
from worker.http.inbox import bodies
from worker.http.inbox.acting import who
from worker.http.problems import responses
from worker.http.reading import read_json


class BulkResult(BaseModel):
    """What became of one item. state, version: after it was done. refused, detail: why it was left as it is."""

    id: str
    done: bool
    state: State | None
    version: int | None
    refused: Refusal | None
    detail: str


class BulkDocument(BaseModel):
    """done: how many. repeats: how many of these are of a text that came before, and count once as evidence."""

    results: list[BulkResult]
    done: int
    repeats: int


def bulk_router(process: Process) -> APIRouter:
    """The route, with the process's decision by hand."""
    router, own = APIRouter(prefix="/v1/inbox", tags=["inbox"]), bodies.bodies_of(process)

    @router.post("/bulk", response_model=BulkDocument, responses=responses(400, 413, 415))
    async def act_on_many(request: Request, desk: DeskDep, key: Person) -> BulkDocument:
        """Approve, edit, close, snooze, assign or undo many at once. What changed meanwhile is refused item by item."""
        body = (await read_json(request, own.bulk)).root
        items = [Based(item.id, item.version) for item in body.items]
        results = await do_each(items, within(reach(desk, key), desk.parts.views.ticket, _doing(desk, key, body)))
        views = done_of(results)
        return BulkDocument(
            results=[
                BulkResult(
                    id=result.item.id,
                    done=result.view is not None,
                    state=result.view.state if result.view else None,
                    version=result.view.version if result.view else None,
                    refused=result.refusal,
                    detail=result.why,
                )
                for result in results
            ],
            done=len(views),
            repeats=repeats(views, process) if body.act in ("approve", "edit") else 0,
        )

    return router


def _doing(desk: Desk, key: Caller, body: Any) -> Do:
    match body:
        case bodies.BulkApprove():
            many = Many(Act.APPROVE)
        case bodies.BulkClose(kind=kind):
            many = Many(Act.CLOSE, kind=kind)
        case bodies.BulkSnooze(seconds=seconds):
            many = Many(Act.SNOOZE, seconds=seconds)
        case bodies.BulkAssign(to=to):
            many = Many(Act.ASSIGN, to=to)
        case bodies.BulkUndo():
            many = Many(Act.UNDO, operator=Scope.OPERATE in key.scopes)
        case _:
            many = Many(Act.EDIT, given=body.decision)
    return doing(desk.parts.inbox, who(key.name, body), many)
