"""Signing in at the identity provider: there, and back."""

import logging

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fallbacks.access.identity import IdentityFault, IdentityProvider, role_of, teams_of
from fallbacks.access.tokens import SECONDS, Purpose
from fallbacks.console.accounts.signin import client_of, enter, form_of
from fallbacks.console.deps import Desk
from tasks.language import N_, _

log = logging.getLogger(__name__)

COOKIE = "deskhand_identity"
"""Which browser began it: nobody is signed in by a link that somebody else has made."""


async def begin(request: Request) -> Response:
    """Send the browser to the provider."""
    desk: Desk = request.app.state.desk
    provider = desk.deps.identity
    if provider is None:
        return form_of(desk, "", fault=_("There is no identity provider here."), status=404)
    try:
        begun = await provider.begin()
    except IdentityFault as error:
        return _refused(desk, error.text, 502, **error.values)
    holds = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier}
    token = await desk.tokens.make(Purpose.IDENTITY, {**holds, "next": request.query_params.get("next", "")})
    response = RedirectResponse(begun.address, 303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=SECONDS[Purpose.IDENTITY],
        httponly=True,
        samesite="lax",
        secure=desk.deps.secure_cookies,
        path="/sign-in",
    )
    return response


async def finish(request: Request) -> Response:
    """Who came back is signed in, with the role and the teams of their groups."""
    desk: Desk = request.app.state.desk
    provider, asked = desk.deps.identity, request.query_params
    held = await desk.tokens.take(Purpose.IDENTITY, request.cookies.get(COOKIE, ""))
    if provider is None or held is None or asked.get("state") != held["state"]:
        return _refused(desk, N_("That took too long, or began in another browser. Sign in again."), 400)
    if "code" not in asked:
        why = asked.get("error", "no code")
        return _refused(desk, N_("%(provider)s did not let you in: %(why)s"), 403, provider=provider.name, why=why)
    try:
        return await _entered(request, desk, provider, held)
    except IdentityFault as error:
        return _refused(desk, error.text, 502, **error.values)


async def _entered(request: Request, desk: Desk, provider: IdentityProvider, held: dict[str, str]) -> Response:
    who = await provider.finish(request.query_params["code"], held)
    role = role_of(who.groups, desk.deps.roles)
    if role is None:
        await desk.sessions.refused(who.name[:64], client_of(request))
        return _refused(desk, N_("%(name)s is in no group that may work here."), 403, name=who.name)
    try:
        teams = teams_of(who.groups, desk.deps.teams)
        user = await desk.users.provided(who.name.lower(), role, who.subject, teams)
    except ValueError as error:
        await desk.sessions.refused(who.name[:64], client_of(request))
        return _refused(desk, "%(why)s", 403, why=str(error))
    return await enter(request, user, held["next"])


def _refused(desk: Desk, fault: str, status: int, **values: str) -> Response:
    log.warning("sign-in at the identity provider: %s", fault % values)
    return form_of(desk, "", fault=_(fault, **values), status=status)
