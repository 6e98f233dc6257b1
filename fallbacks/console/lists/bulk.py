"""One act on the items that were chosen in the list, or in a group: asked for where there are many, undone at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from pydantic import BaseModel
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.console.figures import count
from fallbacks.console.lists.filters import Filters
from fallbacks.console.pages import named, words
from fallbacks.console.ticket.actions import LONGEST_SNOOZE_SECONDS, known_owner
from fallbacks.console.visit import Visit, signed_in
from fallbacks.inbox import bulk
from fallbacks.inbox.bulk import Based, Did, Many
from fallbacks.inbox.decisions import read_hand
from fallbacks.inbox.ownership import owner_words
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import Closed
from fallbacks.ledger.views import TicketView
from tasks.language import _

ASKED_ABOVE = 10
"""More than so many are asked for once more."""

OF = ">"
"""Before whose an item was: its group's, and its person's."""

SAMPLE = 5
NAMED = 5
"""So many that were refused are named in the notice; all of them stay in the list."""

FIELDS = ("act", "choice", "kind", "seconds", "to", "filters")
"""Of the form, besides its items."""

WAKE, HAND_BACK = "wake", "hand-back"
"""The ways back from a snooze and from an assignment."""

BACK = (Act.UNDO, WAKE, HAND_BACK)


@dataclass(frozen=True, slots=True)
class Bulk:
    """What is to be done with which items. said: in the past, e.g. "approved". undo: the act that takes it back."""

    items: list[Based]
    act: str
    form: FormData
    said: str
    undo: str = Act.UNDO


@signed_in()
async def act_on_many(visit: Visit) -> Response:
    """Do it to each that is still as it was shown; with more than a few, after they were asked for."""
    form = await visit.request.form()
    asked = _read(form)
    if len(asked.items) > ASKED_ABOVE and not form.get("confirmed") and asked.act not in BACK:
        return await _ask(visit, asked)
    before = await _owners(visit, asked) if asked.act == Act.ASSIGN else {}
    do = bulk.within(visit.reach, visit.deps.views.ticket, await _doing(visit, asked))
    results = await bulk.do_each(asked.items, do)
    undo, decides = "" if asked.act in BACK else asked.undo, asked.act in (Act.APPROVE, Act.EDIT)
    notice = await tell(visit, results, asked.said, undo, before, decides=decides)
    if visit.by_script:
        html = visit.desk.pages.text("_notice.html", {"notice": notice, "working": False})
        return JSONResponse({"notice": html, "done": len(bulk.done(results))})
    return RedirectResponse(_list(visit, form), 303)


async def _owners(visit: Visit, asked: Bulk) -> dict[str, str]:
    """Whose each is: its group's, and its person's."""
    views = await visit.deps.inbox.items([item.id for item in asked.items])
    owners = {view.id: (view.given or "", view.assignee or "") for view in views}
    return {
        each: OF.join(["", *(quote(owner, safe="") for owner in both)]) for each, both in owners.items() if any(both)
    }


async def _hand_back(visit: Visit, item: Based, group: str, person: str) -> TicketView:
    """To those who had it: assigning it to a group takes it from its person."""
    inbox = visit.deps.inbox
    view = await inbox.assign(item.id, visit.person, item.version, group)
    return await inbox.assign(item.id, visit.person, view.version, person) if person else view


async def tell(
    visit: Visit,
    results: Sequence[Did],
    said: str,
    undo: str,
    before: Mapping[str, str] | None = None,
    *,
    decides: bool = True,
) -> dict[str, object]:
    """Keep a notice of what was done and what was not. undo: the act that takes it back, "" for none. before: whose
    each was, as `_was` reads it. decides: repeats of a text count once as evidence.
    """
    views = bulk.done(results)
    left = [result for result in results if result.view is None]
    again = bulk.repeats(views, visit.deps.process) if decides else 0
    parts = [f"{count(len(views))} {said}"]
    if again:
        parts.append(_("%(num)s of the same text count once as evidence", num=again))
    if left:
        tickets = ", ".join(f"{one.item.id} ({one.why})" for one in left[:NAMED])
        tickets = _("%(tickets)s and more", tickets=tickets) if len(left) > NAMED else tickets
        parts.append(_("%(num)s not: %(tickets)s", num=len(left), tickets=tickets))
    was = before or {}
    back = " ".join(f"{view.version}:{view.id}{was.get(view.id, '')}" for view in views) if undo else ""
    return await visit.tell("; ".join(parts), "", undo_items=back, undo_act=undo)


def _read(form: FormData) -> Bulk:
    act, items = str(form.get("act", "")), _items(form)
    match act:
        case Act.APPROVE:
            return Bulk(items, act, form, _("approved"))
        case Act.EDIT:
            return Bulk(items, act, form, _("decided as %(result)s", result=words(str(form.get("choice", "")))))
        case Act.CLOSE:
            return Bulk(items, act, form, _("closed: %(kind)s", kind=named(str(form.get("kind", "")))))
        case Act.SNOOZE:
            return Bulk(items, act, form, _("snoozed"), WAKE)
        case Act.ASSIGN:
            to = str(form.get("to", "")).strip()
            said = _("assigned to %(person)s", person=owner_words(to)) if to else _("given back: nobody's now")
            return Bulk(items, act, form, said, HAND_BACK)
        case Act.UNDO:
            return Bulk(items, act, form, _("undone; they wait as before"))
        case _ if act == HAND_BACK:
            return Bulk(items, act, form, _("given back to whose they were"))
        case _ if act == WAKE:
            return Bulk(items, act, form, _("woken"))
        case _:
            raise HTTPException(422, _("There is no such action for many."))


def _items(form: FormData) -> list[Based]:
    texts = [text for value in form.getlist("item") if isinstance(value, str) for text in value.split()]
    if not texts:
        raise HTTPException(422, _("Choose the tickets first."))
    if len(texts) > bulk.MOST:
        raise HTTPException(422, _("At most %(most)s at once.", most=bulk.MOST))
    found = []
    for text in texts:
        version, __, ticket_id = text.partition(OF)[0].partition(":")
        if not version.isdecimal() or len(version) > 15 or not ticket_id:
            raise HTTPException(422, _("The form does not say which version of a ticket it is about."))
        found.append(Based(ticket_id, int(version)))
    return found


async def _doing(visit: Visit, asked: Bulk) -> bulk.Do:
    form = asked.form
    match asked.act:
        case _ if asked.act == HAND_BACK:
            was = _was(form)
            return lambda item: _hand_back(visit, item, *was.get(item.id, ("", "")))
        case Act.EDIT:
            many = Many(Act.EDIT, given=_given(visit, form))
        case Act.CLOSE:
            many = Many(Act.CLOSE, kind=_kind(form))
        case Act.SNOOZE:
            many = Many(Act.SNOOZE, seconds=_seconds(form))
        case Act.ASSIGN:
            many = Many(Act.ASSIGN, to=await known_owner(visit, str(form.get("to", "")).strip()))
        case Act.UNDO:
            many = Many(Act.UNDO, operator=visit.may(Role.OPERATOR))
        case _:
            many = Many(Act.APPROVE if asked.act == Act.APPROVE else Act.SNOOZE)
    return bulk.doing(visit.deps.inbox, visit.person, many)


def _given(visit: Visit, form: FormData) -> BaseModel:
    process = visit.deps.process
    choice = next((choice for choice in process.choices if choice.name == form.get("choice")), None)
    if choice is None:
        raise HTTPException(422, _("Choose a known %(kind)s.", kind=named(process.keyed_by)))
    return read_hand(process, choice.given)


def _kind(form: FormData) -> Closed:
    try:
        return Closed(str(form.get("kind", "")))
    except ValueError:
        raise HTTPException(422, _("Say as what they are closed.")) from None


def _seconds(form: FormData) -> int:
    text = str(form.get("seconds", ""))
    if not text.isdecimal() or len(text) > 12 or not 0 < int(text) <= LONGEST_SNOOZE_SECONDS:
        raise HTTPException(
            422, _("%(field)s must be a number from 1 to %(most)s.", field="seconds", most=LONGEST_SNOOZE_SECONDS)
        )
    return int(text)


def _was(form: FormData) -> dict[str, tuple[str, str]]:
    """Whose each was, as the notice's form says it."""
    texts = [text.partition(":")[2] for value in form.getlist("item") for text in str(value).split()]
    owned = [(*map(unquote, text.split(OF)), "", "") for text in texts]
    return {ticket_id: (group, person) for ticket_id, group, person, *__ in owned}


async def _ask(visit: Visit, asked: Bulk) -> Response:
    await _doing(visit, asked)  # what is wrong with the form is said now
    found = await visit.deps.inbox.items([item.id for item in asked.items[:SAMPLE]])
    sample = [view for view in found if not visit.reach.beyond(view)]
    fields = {name: str(asked.form[name]) for name in FIELDS if name in asked.form}
    values = {
        "sample": sample,
        "many": len(asked.items),
        "said": asked.said,
        "action": "/inbox/bulk",
        "fields": {**fields, "item": " ".join(f"{item.version}:{item.id}" for item in asked.items)},
        "back": _list(visit, asked.form),
    }
    return await visit.page("confirm.html", values)


def _list(visit: Visit, form: FormData) -> str:
    query = Filters.parse(str(form.get("filters", "")), visit.deps.process).query
    return "/inbox" + (f"?{query}" if query else "")
