"""Admin: who may sign in, and as what."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.access.tokens import SECONDS, Purpose
from fallbacks.access.users import User
from fallbacks.console.accounts.absence import handed_over, set_away
from fallbacks.console.accounts.signin import enter, form_of
from fallbacks.console.deps import Desk
from fallbacks.console.visit import Visit, signed_in
from fallbacks.errors import UnknownUser, UserExists
from fallbacks.inbox.reach import read_groups
from fallbacks.inbox.rotation import Rotation
from fallbacks.ledger.limits.control import USER, Control
from tasks.language import _

REFUSALS = (ValueError, UserExists, UnknownUser)


@signed_in(Role.ADMIN)
async def everybody(visit: Visit) -> Response:
    """Everybody, with their sessions."""
    return await _page(visit)


async def _page(visit: Visit, *, address: str = "", whose: str = "", fault: str = "", status: int = 200) -> Response:
    found, rotation = await visit.desk.users.everybody(), Rotation(visit.deps.store)
    values = {
        "users": [(user, await visit.desk.sessions.open_ones(user)) for user in found],
        "roles": list(Role),
        "address": address,
        "whose": whose,
        "days": SECONDS[Purpose.INVITATION] // 86_400,
        "fault": fault,
        "single_sign_on": visit.deps.identity is not None,
        "provided_teams": bool(visit.deps.teams),
        "turns": await rotation.turns(found),
        "in_rotation": await rotation.groups(),
    }
    return await visit.page("who_may_sign_in.html", values, status)


@signed_in(Role.ADMIN)
async def change_people(visit: Visit) -> Response:
    """One act on one person. What is refused changes nothing and says why."""
    work = _ACTS.get(visit.request.path_params["act"])
    if work is None:
        raise HTTPException(404, _("There is no such act."))
    form = await visit.request.form()
    given = {name: str(value).strip() for name, value in form.items()}
    try:
        token = await work(visit, given.get("name", "").lower(), given)
    except REFUSALS as error:
        return await _page(visit, fault=_("Nothing was changed: %(why)s", why=str(error)), status=422)
    if not token:
        return RedirectResponse("/admin", 303)
    address = f"{visit.request.base_url}invitation/{token}"  # shown once: only a digest is kept
    return await _page(visit, address=address, whose=given["name"].lower())


async def _invite(visit: Visit, name: str, given: dict[str, str]) -> str:
    user = await visit.desk.users.invite(name, Role(given.get("role", "")))
    await _log(visit, name, f"invited as {user.role.value}")
    return await _invitation(visit, user)


async def _reset(visit: Visit, name: str, __: dict[str, str]) -> str:
    _not_oneself(visit, name)
    if ((found := await visit.desk.users.get(name)) or visit.session.user).subject:
        raise ValueError(
            _("%(name)s signs in at the identity provider", name=name)
            if found
            else _("there is no user %(name)s", name=name)
        )
    user = await visit.desk.users.reset(name)
    await _log(visit, name, "password and second factor taken away")
    return await _invitation(visit, user)


async def _role(visit: Visit, name: str, given: dict[str, str]) -> str:
    _not_oneself(visit, name)
    user = await visit.desk.users.change(name, role=Role(given.get("role", "")))
    await _log(visit, name, f"role {user.role.value}")
    return ""


async def _teams(visit: Visit, name: str, _given: dict[str, str]) -> str:
    user = await visit.desk.users.get(name)
    if user and user.subject and visit.deps.teams:
        raise ValueError(_("the identity provider says for whom %(name)s works", name=name))
    form = await visit.request.form()
    teams = read_groups(visit.deps.process, [str(team) for team in form.getlist("team")])
    await visit.desk.users.change(name, teams=teams)
    await _log(visit, name, f"teams {', '.join(teams) or 'all'}")
    return ""


async def _rotation(visit: Visit, _name: str, _given: dict[str, str]) -> str:
    form = await visit.request.form()
    teams = read_groups(visit.deps.process, [str(team) for team in form.getlist("team")])
    await Rotation(visit.deps.store).only(visit.person, teams)
    return ""


async def _away(visit: Visit, name: str, given: dict[str, str]) -> str:
    await _known(visit, name)
    await set_away(visit, name, given.get("back", ""))
    return ""


async def _hand_over(visit: Visit, name: str, __: dict[str, str]) -> str:
    await _known(visit, name)
    await visit.tell(await handed_over(visit, name), "")
    return ""


async def _known(visit: Visit, name: str) -> None:
    if await visit.desk.users.get(name) is None:
        raise UnknownUser(name)


async def _sign_out(visit: Visit, name: str, __: dict[str, str]) -> str:
    await visit.desk.users.end_sessions(name)
    await _log(visit, name, "signed out everywhere")
    return ""


async def _remove(visit: Visit, name: str, given: dict[str, str]) -> str:
    _not_oneself(visit, name)
    if given.get("typed", "").lower() != name:
        raise ValueError(_("type the name %(name)s to remove them", name=name))
    await visit.desk.users.remove(name)
    await _log(visit, name, "removed")
    return ""


_ACTS: dict[str, Callable[[Visit, str, dict[str, str]], Awaitable[str]]] = {
    "invite": _invite,
    "reset": _reset,
    "role": _role,
    "teams": _teams,
    "rotation": _rotation,
    "away": _away,
    "hand-over": _hand_over,
    "sign-out": _sign_out,
    "remove": _remove,
}
"""Each returns an invitation's token, or ""."""


def _not_oneself(visit: Visit, name: str) -> None:
    if name == visit.person:
        raise ValueError(_("another admin does that for you: so that one is always left"))


async def _invitation(visit: Visit, user: User) -> str:
    return await visit.desk.tokens.make(
        Purpose.INVITATION, {"user": user.name, "generation": user.generation, "by": visit.person}
    )


async def _log(visit: Visit, name: str, how: str) -> None:
    await Control(visit.deps.store).changed(visit.person, f"{USER}{name}", how)


async def invitation(request: Request) -> Response:
    """Where an invited person chooses a password."""
    desk: Desk = request.app.state.desk
    user = await _invited(desk, request.path_params["token"])
    return _over(desk) if user is None else _form(desk, user)


async def accept_invitation(request: Request) -> Response:
    """Keep the password, use the invitation up, and sign in."""
    desk: Desk = request.app.state.desk
    token, form = request.path_params["token"], await request.form()
    user = await _invited(desk, token)
    if user is None:
        return _over(desk)
    try:
        user = await desk.users.change(user.name, password=str(form.get("password", "")))
    except ValueError as error:
        return _form(desk, user, str(error), 422)
    await desk.tokens.take(Purpose.INVITATION, token)
    await Control(desk.deps.store).changed(user.name, f"{USER}{user.name}", "chose a password")
    return await enter(request, user, "/inbox")


async def _invited(desk: Desk, token: str) -> User | None:
    held = await desk.tokens.look(Purpose.INVITATION, token)
    user = await desk.users.get(held["user"]) if held else None
    return user if held and user and user.generation == held["generation"] else None


def _form(desk: Desk, user: User, fault: str = "", status: int = 200) -> Response:
    return desk.pages.page("invitation.html", {"user": user, "fault": fault}, status)


def _over(desk: Desk) -> Response:
    return form_of(desk, "", fault=_("This invitation was used or is over. Ask an admin for another one."), status=410)
