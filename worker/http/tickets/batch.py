"""`POST /v1/tickets/batch`: many tickets in one request, with a result for each, in order."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from time import monotonic
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from fallbacks.access.api_keys import Caller
from fallbacks.errors import IdempotencyConflict, SourceLimited, StoreUnreachable
from fallbacks.ledger.states import State
from worker.http.access import Standing, Writer
from worker.http.desk import Desk, DeskDep
from worker.http.problems import Kind, Problem, ProblemDocument, as_problem, responses
from worker.http.reading import JSON_TYPES, MAX_TICKET_BYTES, chunks, media_type, read_body, too_large
from worker.http.tickets.intake import IdempotencyKey, take_in
from worker.intake.json_bytes import repaired

MOST_ITEMS = 100
NDJSON = "application/x-ndjson"
NDJSON_TYPES = frozenset({NDJSON, "application/ndjson", "application/jsonl"})

MOST_WAITING_BYTES = 4 * 1024 * 1024
"""Results of one stream that its client has not read."""

PIECE_BYTES = 64 * 1024

PLACE_PAUSE_SECONDS = 0.05

TOGETHER = 32
"""Lines of a stream that are accepted side by side."""

router = APIRouter(prefix="/v1/tickets", tags=["tickets"])


class ResultDocument(BaseModel):
    """What became of one item. index: from 0. status: as its own request would have been answered."""

    index: int
    status: int
    id: str | None = None
    state: State | None = None
    problem: ProblemDocument | None = None


class BatchDocument(BaseModel):
    """The results, in the order of the items."""

    results: list[ResultDocument]


@router.post("/batch", response_model=BatchDocument, responses=responses(400, 413, 415))
async def accept_batch(request: Request, desk: DeskDep, caller: Writer, idempotency_key: IdempotencyKey = None) -> Any:
    """Accept up to 100 tickets of a JSON array, or any number of lines of NDJSON.

    NDJSON is answered with NDJSON, results leaving while lines still come; a stream of which nothing comes for a
    minute, or of whose results nothing is taken, ends. An `Idempotency-Key` covers each item by its place.
    """
    await _place(desk, caller)
    if media_type(request) in NDJSON_TYPES:
        return _NdjsonAnswer(request, desk, caller, idempotency_key)
    with desk.batches.take(caller.id):
        body = await read_body(request, MOST_ITEMS * MAX_TICKET_BYTES, JSON_TYPES | NDJSON_TYPES)
        items = _items(body)
        return BatchDocument(results=await _take_in_all(desk, caller, items, 0, idempotency_key, request))


async def _place(desk: Desk, caller: Caller) -> None:
    """Wait for one; nothing of the body is read before."""
    ends = monotonic() + desk.store_seconds
    while not desk.batches.free(caller.id):
        if monotonic() > ends:
            fault = "too many batches are being read; send fewer at once"
            raise Problem(Kind.LIMITED, fault, headers={"retry-after": "5"})
        await asyncio.sleep(PLACE_PAUSE_SECONDS)


def _items(body: bytes) -> list[bytes]:
    try:
        items = json.loads(repaired(body))
        written = [json.dumps(item, ensure_ascii=False) for item in items] if isinstance(items, list) else []
    except (ValueError, RecursionError) as error:
        raise Problem(Kind.INVALID_SYNTAX, f"the body is not JSON: {error}"[:200]) from None
    if not isinstance(items, list):
        raise Problem(Kind.INVALID, "the body must be an array of tickets", errors=[("", "not an array")])
    if not 1 <= len(items) <= MOST_ITEMS:
        fault = f"1 to {MOST_ITEMS} tickets; send more as {NDJSON}"
        raise Problem(Kind.INVALID, fault, errors=[("", fault)])
    return [item.encode("utf-8", "surrogatepass") for item in written]


async def _take_in_all(
    desk: Desk, caller: Caller, items: Sequence[bytes | Problem], first: int, key: str | None, request: Request
) -> list[ResultDocument]:
    limit = desk.settings.api_requests_per_minute
    try:
        async with asyncio.timeout(desk.store_seconds):
            within = await desk.keys.spend(caller, len(items), limit)
    except (StoreUnreachable, TimeoutError):
        within = len(items)  # each says for itself that the store is away
    allowed = [*items[:within], *[_over_rate()] * (len(items) - within)]
    work = [_result(desk, caller, item, index, key, request) for index, item in enumerate(allowed, first)]
    return await asyncio.gather(*work)


def _over_rate() -> Problem:
    return Problem(Kind.LIMITED, "this key's minute is used up; send the ticket again in a minute")


async def _result(
    desk: Desk, caller: Caller, item: bytes | Problem, index: int, key: str | None, request: Request
) -> ResultDocument:
    try:
        if isinstance(item, Problem):
            raise item
        if len(item) > MAX_TICKET_BYTES:
            raise too_large(MAX_TICKET_BYTES)
        accepted = await take_in(desk, caller, item, key and f"{key}#{index}")
    except (Problem, IdempotencyConflict, SourceLimited, StoreUnreachable, TimeoutError) as error:
        problem = as_problem(error)
        assert problem is not None  # noqa: S101 - these four always are
        document = problem.document(str(request.scope.get("deskhand.request_id", "")))
        return ResultDocument(index=index, status=problem.kind.status, problem=ProblemDocument.model_validate(document))
    return ResultDocument(index=index, status=202, id=accepted.id, state=State.QUEUED)


class _Results:
    """Results that wait for a client to read them, in bytes. Full, they hold up whoever adds to them."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, line: bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._bytes < MOST_WAITING_BYTES)
            self._lines.append(line)
            self._bytes += len(line)
            self._changed.notify_all()

    async def end(self) -> None:
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def take(self) -> bytes:
        """Some of what waits; b"" after the last."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lines or self._ended)
            taken = bytearray()
            while self._lines and len(taken) < PIECE_BYTES:
                taken += self._lines.popleft()
            self._bytes -= len(taken)
            self._changed.notify_all()
            return bytes(taken)


class _NdjsonAnswer(Response):
    """Answers while it reads. A client may send everything before it reads: its results wait for it, up to
    `MOST_WAITING_BYTES`; then no more of its lines are read until it does."""

    def __init__(self, request: Request, desk: Desk, caller: Caller, key: str | None) -> None:
        super().__init__(media_type=NDJSON, headers={"connection": "close"})  # its body may never end
        del self.headers["content-length"]
        self._work = (desk, caller, key, request)
        self._request = request

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        with self._work[0].batches.take(self._work[1].id):
            await self._answer(send)

    async def _answer(self, send: Send) -> None:
        results = _Results()
        reading = asyncio.ensure_future(self._read(results))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while piece := await results.take():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            reading.cancel()

    async def _read(self, results: _Results) -> None:
        desk, caller, key, request = self._work
        standing, first, holds = Standing(desk, request, caller), 0, True
        try:
            async for group in _groups(_lines(self._request)):
                holds = await _holds(standing)
                taken = group if holds else [_revoked()] * len(group)
                for result in await _take_in_all(desk, caller, taken, first, key, request):
                    await results.put(result.model_dump_json(exclude_none=True).encode() + b"\n")
                if not holds:
                    break
                first += len(group)
        except Problem:
            pass  # the client hung up or stalled within the body; what came before is in the ledger
        finally:
            await results.end()


async def _holds(standing: Standing) -> bool:
    try:
        return await standing.holds()
    except StoreUnreachable:
        return True  # each line says for itself that the store is away


def _revoked() -> Problem:
    return Problem(Kind.UNAUTHORIZED, "the key was revoked meanwhile; nothing more of this stream is read")


async def _lines(request: Request) -> AsyncIterator[bytes | Problem | None]:
    """Each line that says something; a `Problem` for one that is too long; None where the client pauses."""
    held, skipping = bytearray(), False
    async for chunk in chunks(request):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            held += part
            if skipping or len(held) > MAX_TICKET_BYTES:
                yield too_large(MAX_TICKET_BYTES)
            elif held.strip():
                yield bytes(held)
            held, skipping = bytearray(), False
        held += rest
        if len(held) > MAX_TICKET_BYTES:
            held, skipping = bytearray(), True
        yield None
    if skipping:
        yield too_large(MAX_TICKET_BYTES)
    elif held.strip():
        yield bytes(held)


async def _groups(lines: AsyncIterator[bytes | Problem | None]) -> AsyncIterator[list[bytes | Problem]]:
    group: list[bytes | Problem] = []
    async for line in lines:
        if line is not None:
            group.append(line)
        if group and (line is None or len(group) >= TOGETHER):
            yield group
            group = []
    if group:
        yield group
