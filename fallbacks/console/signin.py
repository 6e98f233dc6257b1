"""Signing in and out, and each person's own settings."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fallbacks.access.sessions import SESSION_SECONDS
from fallbacks.console.deps import Desk
from fallbacks.console.visit import COOKIE, Visit, signed_in
from fallbacks.errors import SignInThrottled
from fallbacks.store import keys


async def sign_in_page(request: Request) -> Response:
    """The form."""
    desk: Desk = request.app.state.desk
    return _form(desk, request.query_params.get("next", ""))


async def sign_in(request: Request) -> Response:
    """Check name and password, and open a session."""
    desk: Desk = request.app.state.desk
    form = await request.form()
    name, password, onward = (str(form.get(field, "")) for field in ("name", "password", "next"))
    client = request.client.host if request.client else ""
    try:
        token = await desk.sessions.sign_in(name, password, client)
    except SignInThrottled as error:
        response = _form(desk, onward, name, f"Too many tries. Wait {error.retry_after_seconds // 60} minutes.", 429)
        response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    if token is None:
        return _form(desk, onward, name, "Name or password is wrong.", 401)
    await _leave_former(request, desk)
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


@signed_in()
async def settings(visit: Visit) -> Response:
    """A person's own settings and the list of keys."""
    return await visit.page("settings.html", {})


@signed_in()
async def change_settings(visit: Visit) -> Response:
    """Keep them with the person, not with the browser."""
    form = await visit.request.form()
    shortcuts = "on" if form.get("keys") == "on" else "off"
    await visit.deps.store.put(keys.person(visit.person), {"keys": shortcuts})
    return RedirectResponse("/settings", 303)


def _form(desk: Desk, onward: str, name: str = "", fault: str = "", status: int = 200) -> Response:
    return desk.pages.page("sign_in.html", {"next": onward, "name": name, "fault": fault}, status)


def _inside(onward: str) -> str:
    """Only a path of our own: nobody is sent elsewhere by a link to the sign-in page."""
    if not onward.startswith("/") or onward.startswith(("//", "/\\")):
        return "/inbox"
    return quote(onward, safe="/?=&%:@._-+")
