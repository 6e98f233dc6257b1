"""What forms on a ticket's page do. Every one carries the version it was based on."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.console.figures import lasting
from fallbacks.console.lists.filters import Filters
from fallbacks.console.ticket.repairing import repaired_ticket
from fallbacks.console.ticket.resuming import publish_quietly
from fallbacks.console.visit import Visit, signed_in
from fallbacks.errors import Stale
from fallbacks.inbox.calls import typed
from fallbacks.inbox.decisions import read_hand
from fallbacks.inbox.narrate import CLOSED
from fallbacks.inbox.ownership import groups_of, owner_words
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import Closed, Hint
from fallbacks.ledger.views import TicketView
from tasks.language import _, translated
from tasks.run.process import Process

LONGEST_SNOOZE_SECONDS = 7 * 86_400
UNITS = {"m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Sent:
    """A form on a ticket. version: what the page showed."""

    visit: Visit
    ticket_id: str
    version: int
    form: FormData

    def text(self, name: str) -> str:
        """A field's text, stripped; "" where it is missing."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def hand(self, process: Process) -> dict[str, str]:
        """What was typed of a decision by hand, by field and by part of a field."""
        own = process.hand.model_fields
        return {name: self.text(name) for name in (*own, *self.form) if name.partition(".")[0] in own}

    @property
    def keystrokes(self) -> int | None:
        """How many keys the page's script counted on this item; None without it."""
        text = self.text("keys")
        return int(text) if text.isdecimal() and len(text) <= 5 else None

    def number(self, name: str, default: int, most: int) -> int:
        """A field's number within 0 and `most`; raises `HTTPException`."""
        text = self.text(name) or str(default)
        if not text.isdecimal() or len(text) > 12 or int(text) > most:
            raise HTTPException(422, _("%(field)s must be a number from 0 to %(most)s.", field=name, most=most))
        return int(text)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in words. leaves: the next item follows. undo_version: of a decision that can be undone."""

    said: str
    leaves: bool = True
    undo_version: int | None = None


async def _approve(sent: Sent) -> Done:
    if sent.text("priority"):
        return await _approve_but_for_its_priority(sent)
    view = await sent.visit.deps.inbox.approve(sent.ticket_id, sent.visit.person, sent.version, sent.keystrokes)
    return Done(_("Approved as %(result)s", result=_result(sent, view)), undo_version=view.version)


async def _approve_but_for_its_priority(sent: Sent) -> Done:
    process = sent.visit.deps.process
    suggested = (await sent.visit.deps.views.ticket(sent.ticket_id)).decision
    kind = process.key(suggested) if suggested else None
    choice = next((choice for choice in process.choices if choice.name == kind), None)
    if choice is None:
        raise HTTPException(
            422, _("Choose what it is decided as: there is no suggestion whose priority could be changed.")
        )
    return await _decide_as(sent, {**choice.given, "priority": sent.text("priority")})


async def _decide(sent: Sent) -> Done:
    return await _decide_as(sent, sent.hand(sent.visit.deps.process))


async def _decide_as(sent: Sent, typed: Mapping[str, str]) -> Done:
    process = sent.visit.deps.process
    given = read_hand(process, typed)
    view = await sent.visit.deps.inbox.decide(sent.ticket_id, sent.visit.person, sent.version, given, sent.keystrokes)
    return Done(_("Decided as %(result)s", result=_result(sent, view)), undo_version=view.version)


async def _reject(sent: Sent) -> Done:
    why = ": ".join(part for part in (sent.text("why"), sent.text("more")) if part)
    if not why:
        raise HTTPException(422, _("Say why it is rejected."))
    view = await sent.visit.deps.inbox.reject(sent.ticket_id, sent.visit.person, sent.version, why)
    await sent.visit.skip(view.id)  # it waits for a decision by hand; whoever refused it is served others first
    return Done(_("Rejected: %(why)s", why=translated(why)[:80]))


async def _close(sent: Sent) -> Done:
    try:
        kind = Closed(sent.text("kind"))
    except ValueError:
        raise HTTPException(422, _("Say as what it is closed.")) from None
    of = sent.text("of") if kind is Closed.DUPLICATE else ""
    view = await sent.visit.deps.inbox.close(sent.ticket_id, sent.visit.person, sent.version, kind, of)
    return Done(_("Closed: %(kind)s", kind=translated(CLOSED[kind])), undo_version=view.version)


async def _correct(sent: Sent) -> Done:
    process, why = sent.visit.deps.process, sent.text("reason")
    if not why:
        raise HTTPException(422, _("Say why it is corrected."))
    given = read_hand(process, sent.hand(process))
    view = await sent.visit.deps.inbox.correct(sent.ticket_id, sent.visit.person, sent.version, given, why[:2000])
    return Done(_("Corrected to %(result)s", result=_result(sent, view)), leaves=False, undo_version=view.version)


async def _repair(sent: Sent) -> Done:
    deps = sent.visit.deps
    text, subject = sent.form.get("ticket", ""), sent.text("subject")
    before = await deps.views.ticket(sent.ticket_id)
    ticket = repaired_ticket(text if isinstance(text, str) else "", before.source, subject)

    async def publish(work: list[Hint]) -> None:
        await publish_quietly(deps, [ticket_id for _, ticket_id in work])

    view = await deps.inbox.repair(
        sent.ticket_id, sent.visit.person, sent.version, ticket, deps.limits, publish, deps.max_wait_seconds
    )
    return Done(_("Repaired: accepted as %(ticket)s", ticket=view.id))


async def _resume(sent: Sent) -> Done:
    deps = sent.visit.deps
    from_step = sent.number("from_step", 0, 1000)
    await deps.inbox.resume(sent.ticket_id, sent.visit.person, sent.version, sent.text("hint"), deps.limits, from_step)
    await publish_quietly(deps, [sent.ticket_id])
    return Done(_("Sent back to the agent"))


async def _release(sent: Sent) -> Done:
    await sent.visit.deps.inbox.release(sent.ticket_id, sent.visit.person, sent.version)
    return Done(_("Given back"))


async def _skip(sent: Sent) -> Done:
    with suppress(Stale):  # somebody else's by now, or ended: there is nothing to give back, and they go on
        await sent.visit.deps.inbox.release(sent.ticket_id, sent.visit.person)
    await sent.visit.skip(sent.ticket_id)
    return Done(_("Skipped"))


async def _claim(sent: Sent) -> Done:
    await sent.visit.deps.inbox.claim(sent.ticket_id, sent.visit.person, sent.version)
    return Done(_("Claimed for five minutes"), leaves=False)


async def _snooze(sent: Sent) -> Done:
    own = sent.text("for")
    seconds = _seconds(own) if own else sent.number("seconds", 3600, LONGEST_SNOOZE_SECONDS)
    await sent.visit.deps.inbox.snooze(sent.ticket_id, sent.visit.person, sent.version, seconds)
    if not seconds:
        return Done(_("It is awake again"), leaves=False)
    whole = seconds < UNITS["h"] or seconds % UNITS["h"] == 0
    time = lasting(seconds * 1000) if whole else _("%(time)s min", time=round(seconds / UNITS["m"]))
    return Done(_("Snoozed for %(time)s", time=time))


def _seconds(own: str) -> int:
    number, unit = own[:-1].strip(), UNITS.get(own[-1].lower())
    seconds = int(number) * unit if unit and number.isdecimal() and len(number) < 7 else 0
    if not 0 < seconds <= LONGEST_SNOOZE_SECONDS:
        raise HTTPException(422, _("Say for how long, such as 90m, 5h or 2d, and a week at most."))
    return seconds


async def _assign(sent: Sent) -> Done:
    to = await known_owner(sent.visit, sent.text("to"))
    await sent.visit.deps.inbox.assign(sent.ticket_id, sent.visit.person, sent.version, to)
    if to and to != sent.visit.person:  # whoever gave it away is served others first, also where they work for all
        await sent.visit.skip(sent.ticket_id)
    said = _("Assigned to %(person)s", person=owner_words(to)) if to else _("It is nobody's now")
    return Done(said, leaves=to not in ("", sent.visit.person))


async def known_owner(visit: Visit, to: str) -> str:
    """A person who has a name here, a group of the process, or "" for nobody."""
    group = to.partition(":")[0] in groups_of(visit.deps.process)
    if to and not group and await visit.desk.users.get(to) is None:
        raise HTTPException(422, _("Nobody here is called %(name)s.", name=to))
    return to


async def _note(sent: Sent) -> Done:
    if not sent.text("text"):
        raise HTTPException(422, _("The note is empty."))
    await sent.visit.deps.inbox.note(sent.ticket_id, sent.visit.person, sent.text("text"))
    return Done(_("Noted"), leaves=False)


async def _undo(sent: Sent) -> Done:
    operator = sent.visit.may(Role.OPERATOR)
    await sent.visit.deps.inbox.undo(sent.ticket_id, sent.visit.person, sent.version, operator=operator)
    return Done(_("Undone; it waits as before"), leaves=False)


async def _cancel(sent: Sent) -> Done:
    if not sent.visit.may(Role.OPERATOR):
        raise HTTPException(403, _("Cancelling needs the role operator: it cannot be undone."))
    await sent.visit.deps.inbox.cancel(sent.ticket_id, sent.visit.person, sent.version)
    return Done(_("Cancelled"))


async def _approve_call(sent: Sent) -> Done:
    await sent.visit.deps.inbox.approve_call(sent.ticket_id, sent.visit.person, sent.version, sent.text("digest"))
    await publish_quietly(sent.visit.deps, [sent.ticket_id])
    return Done(_("Approved: the agent does it now"))


async def _edit_call(sent: Sent) -> Done:
    inbox, prefix = sent.visit.deps.inbox, "arguments."
    call = (await sent.visit.deps.views.ticket(sent.ticket_id)).call
    given = {name.removeprefix(prefix): sent.text(name) for name in sent.form if name.startswith(prefix)}
    arguments = typed(call.arguments if call else {}, given)
    await inbox.edit_call(sent.ticket_id, sent.visit.person, sent.version, sent.text("digest"), arguments)
    return Done(_("Changed: approve it as it is now"), leaves=False)


async def _reject_call(sent: Sent) -> Done:
    if not sent.text("why"):
        raise HTTPException(422, _("Say why it is refused."))
    digest, why = sent.text("digest"), sent.text("why")
    await sent.visit.deps.inbox.reject_call(sent.ticket_id, sent.visit.person, sent.version, digest, why)
    await publish_quietly(sent.visit.deps, [sent.ticket_id])
    return Done(_("Refused: %(why)s", why=why[:80]))


SKIP = "skip"
"""No act on the ticket, but for giving it back: the person is served others first."""

ACTIONS: dict[str, Callable[[Sent], Awaitable[Done]]] = {
    Act.APPROVE: _approve,
    Act.EDIT: _decide,
    Act.DECIDE: _decide,
    Act.REJECT: _reject,
    Act.CLOSE: _close,
    Act.CORRECT: _correct,
    Act.DISMISS: _reject,
    Act.REPAIR: _repair,
    Act.RESUME: _resume,
    Act.CLAIM: _claim,
    Act.RELEASE: _release,
    Act.SNOOZE: _snooze,
    Act.ASSIGN: _assign,
    Act.NOTE: _note,
    Act.UNDO: _undo,
    Act.APPROVE_CALL: _approve_call,
    Act.EDIT_CALL: _edit_call,
    Act.REJECT_CALL: _reject_call,
    Act.CANCEL: _cancel,
    SKIP: _skip,
}
"""What the forms of the console do, by act; a test holds it to all of them."""


@signed_in()
async def act(visit: Visit) -> Response:
    """Do what a form says; then on to the next item, or back to the ticket."""
    action = ACTIONS.get(visit.request.path_params["action"])
    if action is None:
        raise HTTPException(404, _("There is no such action."))
    form = await visit.request.form()
    ticket_id, version = visit.request.path_params["ticket_id"], str(form.get("version", ""))
    if not version.isdecimal() or len(version) > 15:
        raise HTTPException(422, _("The form does not say which version of the ticket it is about."))
    sent = Sent(visit, ticket_id, int(version), form)
    try:
        done = await action(sent)
    except ValueError as error:  # the inbox says in words what cannot be done to such an item
        raise HTTPException(422, str(error)) from None
    notice = await visit.tell(done.said, ticket_id, undo_version=done.undo_version)
    go = _onward(sent, done)
    if visit.by_script:
        html = visit.desk.pages.text("_notice.html", {"notice": notice, "working": sent.text("then") == "work"})
        return JSONResponse({"notice": html, "go": None if done.leaves else go})
    return RedirectResponse(go, 303)


def _onward(sent: Sent, done: Done) -> str:
    if sent.text("then") != "work" and sent.text("to") in sent.visit.reach.unseen:
        return "/inbox"
    if sent.text("then") != "work":
        return f"/tickets/{sent.ticket_id}"
    filters = Filters.parse(sent.text("filters"), sent.visit.deps.process).query
    item = "" if done.leaves else f"item={sent.ticket_id}"
    query = "&".join(part for part in (item, filters) if part)
    return "/work" + (f"?{query}" if query else "")


def _result(sent: Sent, view: TicketView) -> str:
    return sent.visit.desk.pages.headline(view.decision or {})
