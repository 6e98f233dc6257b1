"""What a person changes of their own: keys, password, second factor, sessions."""

import segno
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from fallbacks.access.second_factor import address_of, new_secret
from fallbacks.console.accounts.absence import set_away
from fallbacks.console.accounts.signin import enter
from fallbacks.console.languages import TAGS, language
from fallbacks.console.visit import Visit, signed_in
from fallbacks.inbox.rotation import Rotation
from fallbacks.ledger.limits.control import USER, Control
from fallbacks.store import keys
from tasks.language import _


@signed_in()
async def settings(visit: Visit) -> Response:
    """A person's own settings and the list of keys."""
    return await _page(visit)


async def _page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    user = visit.session.user
    begun = visit.session.notes.get("totp", "") if not user.totp else ""
    values = {
        "user": user,
        "sessions": await visit.desk.sessions.open_ones(user),
        "here_session": visit.session.digest,
        "secret": begun,
        "qr": Markup(segno.make(address_of(begun, user.name)).svg_inline(scale=4)) if begun else "",  # noqa: S704 - ours
        "single_sign_on": visit.deps.identity is not None,
        "languages": [(tag, language(tag).name) for tag in TAGS],
        "chosen_language": (await visit.deps.store.fields(keys.person(visit.person))).get("language", ""),
        "turn": (await Rotation(visit.deps.store).turns([user]))[user.name],
        "fault": fault,
    }
    return await visit.page("settings.html", values, status)


@signed_in()
async def change_settings(visit: Visit) -> Response:
    """Keep them with the person, not with the browser. A form changes what it has."""
    form = await visit.request.form()
    if "language" in form:
        chosen = str(form["language"])
        changed = {"language": chosen if chosen in TAGS else ""}
    else:
        changed = {"keys": "on" if form.get("keys") == "on" else "off"}
    await visit.deps.store.put(keys.person(visit.person), changed)
    return RedirectResponse("/settings", 303)


@signed_in()
async def change_absence(visit: Visit) -> Response:
    """Away until a day, or here again."""
    form = await visit.request.form()
    try:
        await set_away(visit, visit.person, str(form.get("back", "")).strip())
    except ValueError as error:
        return await _page(visit, _("Nothing was changed: %(why)s.", why=str(error)), 422)
    return RedirectResponse("/settings", 303)


@signed_in()
async def change_password(visit: Visit) -> Response:
    """Another password, where the present one is known. Every other session of this person ends."""
    form = await visit.request.form()
    old, new = str(form.get("old", "")), str(form.get("new", ""))
    client = visit.request.client.host if visit.request.client else ""
    if await visit.desk.sessions.checked(visit.person, old, client) is None:
        return await _page(visit, _("Nothing was changed: the present password is another."), 422)
    try:
        user = await visit.desk.users.change(visit.person, password=new)
    except ValueError as error:
        return await _page(visit, _("Nothing was changed: %(why)s.", why=str(error)), 422)
    await _log(visit, "new password")
    return await enter(visit.request, user, "/settings")


@signed_in()
async def change_second_factor(visit: Visit) -> Response:
    """Begin one, confirm it by a code, or take it away by a code."""
    form = await visit.request.form()
    user, code, secret = visit.session.user, str(form.get("code", "")), visit.session.notes.get("totp", "")
    if form.get("begin") and not user.totp:
        await visit.desk.sessions.keep(visit.session, "totp", new_secret())
        return RedirectResponse("/settings#second-factor", 303)
    held = user.totp or secret
    await visit.desk.sessions.tried_code(user.name, "")
    if not held or not await visit.desk.second_factors.right(user.name, held, code):
        return await _page(visit, _("That is not the code of now, or it was used already."), 422)
    await visit.desk.users.change(user.name, totp="" if user.totp else secret)
    await visit.desk.sessions.keep(visit.session, "totp", "")
    await _log(visit, "second factor taken away" if user.totp else "second factor set up")
    return RedirectResponse("/settings#second-factor", 303)


@signed_in()
async def end_sessions(visit: Visit) -> Response:
    """Sign out everywhere, here too."""
    await visit.desk.users.end_sessions(visit.person)
    await _log(visit, "signed out everywhere")
    return RedirectResponse("/sign-in", 303)


async def _log(visit: Visit, how: str) -> None:
    await Control(visit.deps.store).changed(visit.person, f"{USER}{visit.person}", how)
