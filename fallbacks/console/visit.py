"""One request of a person who is signed in."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.access.sessions import Session
from fallbacks.console.deps import ConsoleDeps, Desk
from fallbacks.console.languages import TAGS, language
from fallbacks.inbox.endings import UNDO_MS
from fallbacks.inbox.mentions import Mentions
from fallbacks.inbox.reach import Reach, reach_of
from fallbacks.ledger.limits.control import AUTONOMY, PAUSED
from fallbacks.store import keys
from tasks.language import _, speak, translated

COOKIE = "deskhand_session"

FLASH = "flash"
SKIPPED = "skipped"
MOST_SKIPPED = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, and what for."""

    request: Request
    desk: Desk
    session: Session
    keys: bool

    @property
    def deps(self) -> ConsoleDeps:
        """What the console was given."""
        return self.desk.deps

    @property
    def person(self) -> str:
        """The name under which this person acts."""
        return self.session.user.name

    @property
    def by_script(self) -> bool:
        """Whether the page's own script asks, and not the browser for a page."""
        return self.request.headers.get("accept") == "application/json"

    @property
    def skipped(self) -> list[str]:
        """Items this person does not want to be served now, oldest first."""
        found: list[str] = json.loads(self.session.notes.get(SKIPPED, "[]"))
        return found

    @property
    def reach(self) -> Reach:
        """Which items they work on."""
        return reach_of(self.deps.process, self.person, self.session.user.teams)

    def may(self, role: Role) -> bool:
        """Whether this person has at least this role."""
        return self.session.user.role.covers(role)

    async def page(self, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
        """A page in the console's frame."""
        return self.desk.pages.page(template, await self.framed(values), status)

    async def framed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What every template may use, and the given."""
        now = await self.deps.store.now_ms()
        waiting, *unseen = await self.deps.store.sizes([keys.INBOX, *map(keys.inbox_facet, self.reach.unseen)])
        return {
            "person": self.person,
            "role": self.session.user.role.value,
            "operator": self.may(Role.OPERATOR),
            "admin": self.may(Role.ADMIN),
            "keys": self.keys,
            "path": self.request.url.path,
            "now_ms": now,
            "waiting": waiting - sum(unseen),
            "mentions": await Mentions(self.deps.store).unread(self.person),
            "notice": self.notice(now),
            "banners": _banners(await self.deps.store.fields(keys.CONTROL), self.deps.terms.autonomy),
            **values,
        }

    def notice(self, now_ms: int) -> dict[str, Any] | None:
        """What was done last, while it can be undone."""
        notice: dict[str, Any] | None = json.loads(self.session.notes.get(FLASH, "null"))
        return notice if notice and notice["at_ms"] + UNDO_MS > now_ms else None

    async def tell(
        self, text: str, ticket_id: str, *, undo_version: int | None = None, undo_items: str = "", undo_act: str = ""
    ) -> dict[str, Any]:
        """Keep a notice for the next page. undo_version: with it the notice offers to undo. undo_items: the same of
        many, as the list's form names them; undo_act: by this act.
        """
        at_ms = await self.deps.store.now_ms()
        notice = {"text": text, "ticket_id": ticket_id, "undo_version": undo_version, "at_ms": at_ms}
        notice |= {"undo_items": undo_items, "undo_act": undo_act}
        await self.desk.sessions.keep(self.session, FLASH, json.dumps(notice))
        return notice

    async def skip(self, ticket_id: str) -> None:
        """Do not serve an item to this person again for now."""
        kept = [*(skipped for skipped in self.skipped if skipped != ticket_id), ticket_id][-MOST_SKIPPED:]
        await self.desk.sessions.keep(self.session, SKIPPED, json.dumps(kept))


def _banners(control: Mapping[str, str], as_set_up: str) -> list[str]:
    """What everybody must know while it is so."""
    found = []
    if (control.get(AUTONOMY) or as_set_up) == "off":
        found.append(_("The agent is switched off: every ticket goes to people."))
    if PAUSED + "tickets" in control:
        found.append(_("The agent's work is paused: it is held, nothing is lost."))
    if PAUSED + "handoff" in control:
        found.append(_("Giving tickets to people is paused: what fails is held, nothing is lost."))
    return found


Endpoint = Callable[[Request], Awaitable[Response]]


def signed_in(
    needed: Role = Role.REVIEWER, *, by_itself: bool = False
) -> Callable[[Callable[[Visit], Awaitable[Response]]], Endpoint]:
    """Give an endpoint its `Visit`, or send the person to sign in. A lesser role gets 403.

    by_itself: an open page asks for it, whether or not somebody is there.
    """

    def wrap(endpoint: Callable[[Visit], Awaitable[Response]]) -> Endpoint:
        async def entered(request: Request) -> Response:
            desk: Desk = request.app.state.desk
            token = request.cookies.get(COOKIE)
            session = await desk.sessions.of(token) if token else None
            if session is None:
                return _to_sign_in(request)
            person = await desk.deps.store.fields(keys.person(session.user.name))
            if (chosen := person.get("language")) in TAGS:
                speak(language(chosen).language)
            if not session.user.role.covers(needed):
                words = _(
                    "This needs the role %(needed)s; you are %(yours)s.",
                    needed=translated(needed.value),
                    yours=translated(session.user.role.value),
                )
                raise HTTPException(403, words)
            if not by_itself:
                await desk.sessions.used(session)
            visit = Visit(request, desk, session, person.get("keys") != "off")
            request.state.visit = visit
            if "ticket_id" in request.path_params and visit.reach.unseen:
                visit.reach.check(await desk.deps.views.ticket(request.path_params["ticket_id"]))
            return await endpoint(visit)

        return entered

    return wrap


def _to_sign_in(request: Request) -> Response:
    if request.method != "GET":
        if request.headers.get("accept") == "application/json":
            return JSONResponse({"go": "/sign-in"}, 401)
        ticket_id = request.path_params.get("ticket_id")
        return RedirectResponse("/sign-in" + (f"?next=/tickets/{quote(ticket_id, safe='')}" if ticket_id else ""), 303)
    if request.headers.get("accept") == "text/event-stream":  # a page that was left open: it asks no more
        return Response(status_code=401)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}", 303)
