"""Signing in by name and password, with a second factor where a person has one, and signing out."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fallbacks.access.sessions import SESSION_SECONDS
from fallbacks.access.tokens import Purpose
from fallbacks.access.users import User
from fallbacks.console.deps import Desk
from fallbacks.console.visit import COOKIE, Visit, signed_in
from fallbacks.errors import SignInThrottled
from tasks.language import _


async def sign_in_page(request: Request) -> Response:
    """The form."""
    desk: Desk = request.app.state.desk
    return form_of(desk, request.query_params.get("next", ""))


async def sign_in(request: Request) -> Response:
    """Check name and password, and open a session, or ask for the second factor."""
    desk: Desk = request.app.state.desk
    form = await request.form()
    name, password, onward = (str(form.get(field, "")) for field in ("name", "password", "next"))
    try:
        user = await desk.sessions.checked(name, password, client_of(request))
    except SignInThrottled as error:
        return _throttled(form_of(desk, onward, name, _wait(error), 429), error)
    if user is None:
        return form_of(desk, onward, name, _("Name or password is wrong."), 401)
    if user.totp:
        token = await desk.tokens.make(Purpose.SECOND_FACTOR, {"user": user.name, "next": onward})
        return _code_form(desk, token)
    return await enter(request, user, onward)


async def second_factor(request: Request) -> Response:
    """Check the code of an authenticator app. The token says whose password was right a moment ago."""
    desk: Desk = request.app.state.desk
    form = await request.form()
    token, code = str(form.get("token", "")), str(form.get("code", ""))
    held = await desk.tokens.look(Purpose.SECOND_FACTOR, token)
    user = await desk.users.get(held["user"]) if held else None
    if held is None or user is None:
        return form_of(desk, "", "", _("That took too long. Sign in again."), 401)
    client = client_of(request)
    try:
        await desk.sessions.tried_code(user.name, client)
    except SignInThrottled as error:
        return _throttled(_code_form(desk, token, _wait(error), 429), error)
    if not await desk.second_factors.right(user.name, user.totp, code):
        await desk.sessions.refused(user.name, client)
        return _code_form(desk, token, _("That is not the code of now, or it was used already."), 401)
    await desk.tokens.take(Purpose.SECOND_FACTOR, token)
    return await enter(request, user, held["next"])


async def enter(request: Request, user: User, onward: str) -> Response:
    """Open a session, and go on to where the person wanted to go."""
    desk: Desk = request.app.state.desk
    await _leave_former(request, desk)
    token = await desk.sessions.open(user, client_of(request))
    response = RedirectResponse(_inside(onward), 303)
    response.set_cookie(
        COOKIE, token, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=desk.deps.secure_cookies
    )
    return response


async def _leave_former(request: Request, desk: Desk) -> None:
    """End the session that this browser had: nobody would think of signing out of it."""
    former = await desk.sessions.of(request.cookies.get(COOKIE, ""))
    if former is not None:
        await desk.sessions.sign_out(former)


@signed_in()
async def sign_out(visit: Visit) -> Response:
    """End the session."""
    await visit.desk.sessions.sign_out(visit.session)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=visit.deps.secure_cookies)
    return response


def client_of(request: Request) -> str:
    """The address a request comes from, "" where none is known."""
    return request.client.host if request.client else ""


def form_of(desk: Desk, onward: str, name: str = "", fault: str = "", status: int = 200) -> Response:
    """The page to sign in on. fault: why somebody is back here."""
    provider = desk.deps.identity.name if desk.deps.identity else ""
    values = {"next": onward, "name": name, "fault": fault, "provider": provider}
    return desk.pages.page("sign_in.html", values, status)


def _code_form(desk: Desk, token: str, fault: str = "", status: int = 200) -> Response:
    return desk.pages.page("second_factor.html", {"token": token, "fault": fault}, status)


def _throttled(response: Response, error: SignInThrottled) -> Response:
    response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _wait(error: SignInThrottled) -> str:
    return _("Too many tries. Wait %(minutes)s minutes.", minutes=error.retry_after_seconds // 60)


def _inside(onward: str) -> str:
    """Only a path of our own: nobody is sent elsewhere by a link to the sign-in page."""
    if not onward.startswith("/") or onward.startswith(("//", "/\\")):
        return "/inbox"
    return quote(onward, safe="/?=&%:@._-+")
