"""Who may do what: API keys, scopes and the rate of each key. Open only on loopback while no key exists."""

import asyncio
import re
from dataclasses import dataclass, field
from time import monotonic
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from fallbacks.access.api_keys import Caller, Scope
from fallbacks.errors import UnknownTicket
from fallbacks.inbox.reach import Reach, reach_of
from fallbacks.ledger.views import TicketView
from worker.http.desk import Desk, DeskDep
from worker.http.problems import Kind, Problem

LOCAL = Caller("", "local", frozenset(Scope))
"""Everybody on this machine, while the API is open."""

AGAIN_SECONDS = 5.0
"""So long may a stream go on under a key that was revoked meanwhile."""

_IDS = re.compile(r"[A-Za-z0-9._:@-]+")

_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


_ABOUT = f"`deskhand keys create` makes keys; scopes: {', '.join(Scope)}"
_Bearer = Annotated[object, Security(HTTPBearer(scheme_name="bearer", description=_ABOUT, auto_error=False))]
_Header = Annotated[object, Security(APIKeyHeader(name="X-API-Key", scheme_name="header", auto_error=False))]
"""What the OpenAPI document says; `shown_key` reads the headers."""


class _Needs:
    """A dependency that lets callers with `scope` pass."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, request: Request, desk: DeskDep, _bearer: _Bearer, _header: _Header) -> Caller:
        return await self.caller(request, desk)

    async def caller(self, request: Request, desk: Desk) -> Caller:
        """Who calls. Raises `Problem`."""
        caller = await _caller(request, desk)
        if self.scope not in caller.scopes:
            raise Problem(Kind.FORBIDDEN, f"this needs a key with the scope {self.scope.value}", scope=self.scope.value)
        if caller.teams:
            await _check_reach(desk, caller, request.path_params.get("ticket_id"))
        return caller


may_write = _Needs(Scope.WRITE)
Writer = Annotated[Caller, Depends(may_write)]
Reader = Annotated[Caller, Depends(_Needs(Scope.READ))]
Person = Annotated[Caller, Depends(_Needs(Scope.INBOX))]
Operator = Annotated[Caller, Depends(_Needs(Scope.OPERATE))]
Eraser = Annotated[Caller, Depends(_Needs(Scope.ERASE))]


def reach(desk: Desk, caller: Caller) -> Reach:
    """Which items it works on, and those who act through it."""
    return reach_of(desk.parts.process, caller.name, caller.teams)


async def _check_reach(desk: Desk, caller: Caller, ticket_id: str | None) -> None:
    """Raises `OtherGroup` and `UnknownTicket`. What is not an id is refused as such later."""
    if ticket_id is not None and _IDS.fullmatch(ticket_id):
        reach(desk, caller).check(await desk.parts.views.ticket(ticket_id))


async def read_within(desk: Desk, caller: Caller, ticket_id: str) -> TicketView:
    """A ticket of the key's source; what is of another does not exist for it. Raises `UnknownTicket`."""
    view = await desk.parts.views.ticket(ticket_id)
    if caller.source is not None and (view.ticket is None or view.source != caller.source):
        raise UnknownTicket(ticket_id)
    return view


async def check_may_withdraw(desk: Desk, caller: Caller, ticket_id: str) -> None:
    """A key that reads nothing and has no source withdraws what it sent itself. Raises `UnknownTicket`."""
    view = await read_within(desk, caller, ticket_id)
    if Scope.READ not in caller.scopes and caller.source is None and view.sent_by != caller.id:
        raise UnknownTicket(ticket_id)


async def _caller(request: Request, desk: Desk) -> Caller:
    shown = shown_key(request)
    async with asyncio.timeout(desk.store_seconds):  # every guarded route comes by here first
        verdict = await desk.keys.check(shown, desk.settings.api_requests_per_minute)
    if verdict.limited:
        wait = str(max(1, -(-verdict.wait_ms // 1000)))
        raise Problem(
            Kind.LIMITED, f"this key's minute is used up; try again in {wait} s", headers={"retry-after": wait}
        )
    if verdict.caller is not None:
        return verdict.caller
    if verdict.keys == 0 and desk.on_loopback and shown is None:
        _refuse_other_sites(request)
        return LOCAL
    challenge = {"www-authenticate": 'Bearer realm="deskhand"'}
    if shown is not None:
        raise Problem(Kind.UNAUTHORIZED, "the key is unknown or revoked", headers=challenge)
    raise Problem(
        Kind.UNAUTHORIZED,
        "send `Authorization: Bearer dk_...`; `deskhand keys create` makes a key",
        headers=challenge,
    )


@dataclass(slots=True)
class Standing:
    """Whether the key that a stream was opened with still holds. asked_at: when the store was last asked."""

    desk: Desk
    request: Request
    caller: Caller
    asked_at: float = field(default_factory=monotonic)

    async def holds(self) -> bool:
        """Asks the store every few seconds. Raises `StoreUnreachable`."""
        if monotonic() - self.asked_at < AGAIN_SECONDS:
            return True
        self.asked_at = monotonic()
        verdict = await self.desk.keys.check(shown_key(self.request), None)
        return verdict.caller == self.caller or (self.caller == LOCAL and verdict.keys == 0)


def shown_key(request: Request) -> str | None:
    """The key of `Authorization: Bearer` or `X-API-Key`; None when neither was sent."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        return request.headers.get("x-api-key")
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _refuse_other_sites(request: Request) -> None:
    """An open API on loopback is within reach of every page in the local browser, by rebinding DNS too."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "none")
    same = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if host not in _LOCAL_NAMES or not same or site not in ("none", "same-origin"):
        raise Problem(Kind.FORBIDDEN, "without keys, only programs and pages of this machine's own address may call")
