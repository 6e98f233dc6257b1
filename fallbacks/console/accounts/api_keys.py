"""Admin: API keys, with their scopes, and the source or the teams they are for."""

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fallbacks.access.api_keys import ApiKey, ApiKeys, Scope
from fallbacks.access.roles import Role
from fallbacks.console.visit import Visit, signed_in
from fallbacks.errors import UnknownApiKey
from fallbacks.inbox.reach import read_groups
from fallbacks.ledger.limits.control import KEY, Control
from tasks.language import _

GRACE_SECONDS = 24 * 3600.0
"""How long the former secret stays good after a rotation."""


@signed_in(Role.ADMIN)
async def keys_page(visit: Visit) -> Response:
    """Every key ever made, without its secret."""
    return await _page(visit)


async def _page(visit: Visit, *, secret: str = "", fault: str = "", status: int = 200) -> Response:
    values = {"found": await _keys(visit).every(), "scopes": list(Scope), "secret": secret, "fault": fault}
    return await visit.page("api_keys.html", values, status)


@signed_in(Role.ADMIN)
async def create_key(visit: Visit) -> Response:
    """A new key. Its text is shown this once."""
    form = await visit.request.form()
    source = str(form.get("source", "")).strip() or None
    try:
        scopes = [Scope(str(scope)) for scope in form.getlist("scope")]
        teams = read_groups(visit.deps.process, [str(team) for team in form.getlist("team")])
        key, text = await _keys(visit).create(str(form.get("name", "")).strip(), scopes, source, teams)
    except ValueError as error:
        return await _page(visit, fault=_("Nothing was made: %(why)s", why=str(error)), status=422)
    await _log(visit, key, "created")
    return await _page(visit, secret=text)


@signed_in(Role.ADMIN)
async def change_key(visit: Visit) -> Response:
    """Give a key another secret, or refuse it from now on."""
    key_id, act = visit.request.path_params["key_id"], visit.request.path_params["act"]
    try:
        if act == "rotate":
            key, text = await _keys(visit).rotate(key_id, GRACE_SECONDS)
            await _log(visit, key, "rotated")
            return await _page(visit, secret=text)
        if act != "revoke":
            raise HTTPException(404, _("There is no such act."))
        await _log(visit, await _keys(visit).revoke(key_id), "revoked")
    except UnknownApiKey as error:
        raise HTTPException(404, str(error)) from None
    return RedirectResponse("/admin/keys", 303)


def _keys(visit: Visit) -> ApiKeys:
    return ApiKeys(visit.deps.store, tiers=visit.deps.terms.models)


async def _log(visit: Visit, key: ApiKey, how: str) -> None:
    await Control(visit.deps.store).changed(visit.person, f"{KEY}{key.name}", f"{how} ({key.id})")
