"""The console as one ASGI application: routes, and what becomes of errors."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from fallbacks.console.accounts import single_sign_on
from fallbacks.console.accounts.absence import give_over
from fallbacks.console.accounts.api_keys import change_key, create_key, keys_page
from fallbacks.console.accounts.own import (
    change_absence,
    change_password,
    change_second_factor,
    change_settings,
    end_sessions,
    settings,
)
from fallbacks.console.accounts.people import accept_invitation, change_people, everybody, invitation
from fallbacks.console.accounts.signin import second_factor, sign_in, sign_in_page, sign_out
from fallbacks.console.deps import ConsoleDeps, Desk
from fallbacks.console.guard import Guard, Listener
from fallbacks.console.lists.bulk import act_on_many
from fallbacks.console.lists.groups import group, groups, resolve_group, resume_group
from fallbacks.console.lists.inbox_list import inbox, today
from fallbacks.console.lists.list_stream import list_counts, list_stream
from fallbacks.console.lists.mentions import mentions
from fallbacks.console.lists.search import search
from fallbacks.console.oversight.kinds import kinds, revoke
from fallbacks.console.oversight.log import operator_log
from fallbacks.console.oversight.operating import operations, switch
from fallbacks.console.oversight.overview import home, overview
from fallbacks.console.oversight.people import people
from fallbacks.console.oversight.tools import tools
from fallbacks.console.pages import state_words
from fallbacks.console.ticket.actions import act
from fallbacks.console.ticket.originals import attachment, original
from fallbacks.console.ticket.stream import stream
from fallbacks.console.ticket.work import ahead, choices, hold, ticket, work, work_on
from fallbacks.console.visit import Visit
from fallbacks.errors import (
    IdempotencyConflict,
    NotAllowed,
    OtherGroup,
    SignInThrottled,
    Stale,
    StoreUnreachable,
    UnknownTicket,
)
from fallbacks.inbox.ownership import owner_words
from fallbacks.ledger.states import INBOX, State
from fallbacks.ledger.views import TicketView
from tasks.language import _, translated

ROUTES = [
    Route("/", home),
    Route("/sign-in", sign_in_page),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-in/code", second_factor, methods=["POST"]),
    Route("/sign-in/identity", single_sign_on.begin),
    Route("/sign-in/identity/back", single_sign_on.finish),
    Route("/invitation/{token}", invitation),
    Route("/invitation/{token}", accept_invitation, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/settings", settings),
    Route("/settings", change_settings, methods=["POST"]),
    Route("/settings/away", change_absence, methods=["POST"]),
    Route("/settings/hand-over", give_over, methods=["POST"]),
    Route("/settings/password", change_password, methods=["POST"]),
    Route("/settings/second-factor", change_second_factor, methods=["POST"]),
    Route("/settings/sign-out", end_sessions, methods=["POST"]),
    Route("/admin", everybody),
    Route("/admin/people/{act}", change_people, methods=["POST"]),
    Route("/admin/keys", keys_page),
    Route("/admin/keys", create_key, methods=["POST"]),
    Route("/admin/keys/{key_id}/{act}", change_key, methods=["POST"]),
    Route("/inbox", inbox),
    Route("/inbox/today", today),
    Route("/inbox/stream", list_stream),
    Route("/inbox/counts", list_counts),
    Route("/inbox/bulk", act_on_many, methods=["POST"]),
    Route("/mentions", mentions),
    Route("/search", search),
    Route("/work", work),
    Route("/work/{ticket_id}", work_on),
    Route("/choices", choices),
    Route("/ahead", ahead, methods=["POST"]),
    Route("/tickets/{ticket_id}", ticket),
    Route("/tickets/{ticket_id}/stream", stream),
    Route("/tickets/{ticket_id}/original", original),
    Route("/tickets/{ticket_id}/attachments/{number}", attachment),
    Route("/tickets/{ticket_id}/hold", hold, methods=["POST"]),
    Route("/tickets/{ticket_id}/{action}", act, methods=["POST"]),
    Route("/overview", overview),
    Route("/people", people),
    Route("/groups", groups),
    Route("/groups/{reason}", group),
    Route("/groups/{reason}/resume", resume_group, methods=["POST"]),
    Route("/groups/{reason}/resolve", resolve_group, methods=["POST"]),
    Route("/labels", kinds),
    Route("/labels/revoke", revoke, methods=["POST"]),
    Route("/tools", tools),
    Route("/operations", operations),
    Route("/operations/log", operator_log),
    Route("/operations/{switch}", switch, methods=["POST"]),
]


class Assets(StaticFiles):
    """Our own style sheet, script and icon. An address with a version may be kept for ever."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        scope = args[2] if len(args) > 2 else kwargs["scope"]
        versioned = b"v=" in scope["query_string"]  # type: ignore[index]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


def make_console(deps: ConsoleDeps) -> Starlette:
    """The console, to be mounted at "/" after everything that has a path of its own."""
    app = Starlette(
        routes=[*ROUTES, Mount("/static", Assets(packages=[("fallbacks.console", "static")]))],
        middleware=[Middleware(Guard), Middleware(Listener)],
        exception_handlers={
            Stale: _stale,
            UnknownTicket: _unknown,
            StoreUnreachable: _unreachable,
            HTTPException: _http,
            IdempotencyConflict: _conflict,
            NotAllowed: _not_allowed,
            OtherGroup: _others,
            SignInThrottled: _throttled,
            ClientDisconnect: _left,
        },
    )
    app.state.desk = Desk.of(deps)
    return app


async def _stale(request: Request, error: Exception) -> Response:
    """409, and how it is now."""
    visit: Visit = request.state.visit
    assert isinstance(error, Stale)  # noqa: S101 - registered for it
    view = await visit.deps.views.ticket(request.path_params["ticket_id"])
    if visit.by_script:
        return _said(visit, _("Not done: %(why)s", why=_meanwhile(view, error.holder, visit.person)), view.id, 409)
    return await visit.page("stale.html", {"view": view, "holder": error.holder}, 409)


def _meanwhile(view: TicketView, holder: str | None, person: str) -> str:
    """What is so now, in the words of who comes too late."""
    if view.state in INBOX:
        return (
            _("%(person)s has it", person=holder) if holder not in (None, "", person) else _("it has changed meanwhile")
        )
    by = (view.decision or {}).get("decided_by") if view.state is State.DECIDED else None
    state = state_words(view.state)
    if by:
        return _("it is %(state)s by now, by %(person)s", state=state, person=_("you") if by == person else by)
    return _("it is %(state)s by now", state=state)


async def _unknown(request: Request, error: Exception) -> Response:
    return await _message(request, _("There is no such ticket"), str(error), 404)


async def _conflict(request: Request, error: Exception) -> Response:
    return await _message(request, _("Not done: there is such a ticket already"), str(error), 409)


async def _not_allowed(request: Request, error: Exception) -> Response:
    return await _message(request, _("Not allowed"), str(error), 403)


async def _others(request: Request, error: Exception) -> Response:
    """Whose it is, and nothing of what it says."""
    assert isinstance(error, OtherGroup)  # noqa: S101 - registered for it
    whose = owner_words(error.group)
    text = _("You do not work for %(team)s. Ask somebody there to give it to yours or to you.", team=whose)
    return await _message(request, _("This ticket is with %(team)s", team=whose), text, 403)


async def _throttled(request: Request, error: Exception) -> Response:
    return await _message(request, _("Too many tries"), str(error), 429)


async def _left(__: Request, ___: Exception) -> Response:
    """Within its form, or it stalled there: no fault of ours."""
    return PlainTextResponse("The form ended early.\n", 400, {"Connection": "close"})


async def _unreachable(request: Request, error: Exception) -> Response:
    desk: Desk = request.app.state.desk
    if request.headers.get("accept") == "application/json":
        text = _("Deskhand cannot reach its store. It may have been done or not: look before you send it again.")
        return JSONResponse({"notice": desk.pages.text("_notice.html", _notice(text, ""))}, 503)
    return desk.pages.page("unreachable.html", {"error": str(error)}, 503)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    titles = {403: _("Not allowed"), 404: _("Not found"), 405: _("Not found"), 422: _("That cannot be done")}
    answer = await _message(
        request, titles.get(error.status_code, _("Error")), translated(error.detail), error.status_code
    )
    answer.headers.update(error.headers or {})
    return answer


async def _message(request: Request, title: str, text: str, status: int) -> Response:
    desk: Desk = request.app.state.desk
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is None:
        return desk.pages.page("outside.html", {"title": title, "text": text}, status)
    ticket_id = request.path_params.get("ticket_id", "")
    if visit.by_script:
        return _said(visit, text, ticket_id, status)
    back = ticket_id if request.method == "POST" and status != 404 else ""
    return await visit.page("message.html", {"title": title, "text": text, "ticket_id": back}, status)


def _said(visit: Visit, text: str, ticket_id: str, status: int) -> Response:
    return JSONResponse({"notice": visit.desk.pages.text("_notice.html", _notice(text, ticket_id))}, status)


def _notice(text: str, ticket_id: str) -> dict[str, object]:
    notice = {"text": text, "ticket_id": ticket_id, "undo_version": None, "undo_items": "", "fault": True}
    return {"notice": notice, "working": True}
