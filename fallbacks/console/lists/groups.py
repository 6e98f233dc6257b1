"""Failures by reason: what one cause did to many tickets, and sending them back together."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.console.lists.alike import alike_for
from fallbacks.console.lists.bulk import SAMPLE, tell
from fallbacks.console.pages import named, words
from fallbacks.console.ticket.resuming import publish_quietly
from fallbacks.console.visit import Visit, signed_in
from fallbacks.errors import UnknownTicket
from fallbacks.inbox import bulk
from fallbacks.inbox.bulk import Based
from fallbacks.inbox.decisions import read_hand
from fallbacks.inbox.wanted import Wanted
from fallbacks.ledger.acts import Act
from fallbacks.ledger.views import TicketView
from fallbacks.plan import PLAN, PlanRow
from fallbacks.store import keys
from tasks.language import _, translated
from tasks.reasons import Reason

PREVIEW = 10
AT_ONCE = 500
"""One form does so many, then says how many are left."""


@dataclass(frozen=True, slots=True)
class Group:
    """Items that wait for one reason."""

    reason: Reason
    plan: PlanRow
    count: int


@signed_in()
async def groups(visit: Visit) -> Response:
    """Every reason that waits, the largest group first."""
    return await visit.page("groups.html", {"groups": await _groups(visit), "alike": await alike_for(visit)})


@signed_in()
async def group(visit: Visit) -> Response:
    """One reason: what it means, what to do, its first items, and the two group actions."""
    reason = _reason(visit)
    page = await visit.deps.inbox.find(_of(visit, reason), 0, PREVIEW)
    kept = await visit.deps.store.fields(keys.group(reason.value))
    values = {
        "group": Group(reason, PLAN[reason], page.total),
        "items": page.items,
        "canary": await _canary(visit, kept.get("canary")),
        "canary_by": kept.get("by", ""),
        "at_once": AT_ONCE,
        "resumable": reason is not Reason.UNREADABLE,
    }
    return await visit.page("group.html", values)


@signed_in(Role.OPERATOR)
async def resume_group(visit: Visit) -> Response:
    """Resume one first, or all that waited when the count was shown. What came later is left alone."""
    reason, form = _reason(visit), await visit.request.form()
    as_of, hint = _moment(form.get("as_of")), str(form.get("hint", ""))
    canary = form.get("how") == "canary"
    found = await _as_of(visit, reason, as_of)
    inbox, limits = visit.deps.inbox, visit.deps.limits
    chosen = [Based(view.id, view.version) for view in (found[:1] if canary else found[:AT_ONCE])]
    results = await bulk.do_each(chosen, lambda item: inbox.resume(item.id, visit.person, item.version, hint, limits))
    done = [view.id for view in bulk.done(results)]
    await publish_quietly(visit.deps, done)
    if canary and done:
        await visit.deps.store.put(keys.group(reason.value), {"canary": done[0], "by": visit.person})
    said = _("one sent ahead") if canary else _("%(num)s sent back to the agent", num=len(done))
    said = _("%(done)s, %(num)s left", done=said, num=len(found) - len(done))
    return await _back(visit, reason, said, found)


@signed_in(Role.OPERATOR)
async def resolve_group(visit: Visit) -> Response:
    """Decide all that waited when the count was shown in the same way, by hand."""
    reason, form = _reason(visit), await visit.request.form()
    process, why = visit.deps.process, str(form.get("why", "")).strip()[:1000]
    choice = next((choice for choice in process.choices if choice.name == form.get("choice")), None)
    if choice is None:
        raise HTTPException(422, _("Choose a known %(kind)s.", kind=named(process.keyed_by)))
    as_of = _moment(form.get("as_of"))
    found = (await _as_of(visit, reason, as_of))[:AT_ONCE]
    if found and not form.get("confirmed"):
        fields = {"as_of": str(as_of), "choice": choice.name, "why": why}
        return await _ask(visit, reason, found, _("decided as %(result)s", result=words(choice.name)), fields)
    given = read_hand(process, {**choice.given, **_said_why(visit, reason, why)})
    inbox, person = visit.deps.inbox, visit.person
    based = [Based(view.id, view.version) for view in found]
    results = await bulk.do_each(based, lambda item: inbox.decide(item.id, person, item.version, given))
    if results:
        await tell(visit, results, _("decided as %(result)s", result=words(choice.name)), Act.UNDO)
    return RedirectResponse(f"/groups/{reason.value}", 303)


async def _ask(visit: Visit, reason: Reason, found: list[TicketView], said: str, fields: dict[str, str]) -> Response:
    """Nobody decides many by one press: some of them are shown first."""
    address = f"/groups/{reason.value}"
    values = {"sample": found[:SAMPLE], "many": len(found), "said": said, "fields": fields}
    return await visit.page("confirm.html", {**values, "action": f"{address}/resolve", "back": address})


def _said_why(visit: Visit, reason: Reason, why: str) -> dict[str, str]:
    if "rationale" not in visit.deps.process.hand.model_fields:
        return {}
    return {"rationale": why or f"Decided as a group ({reason.value}) by {visit.person}."}


def _of(visit: Visit, reason: Reason) -> Wanted:
    return visit.reach.narrowed(Wanted((f"reason:{reason.value}",)))


async def _as_of(visit: Visit, reason: Reason, as_of_ms: int) -> list[TicketView]:
    """The group as it was when it was counted: nobody acts on what they have not been shown."""
    page = await visit.deps.inbox.find(_of(visit, reason), 0, 10 * AT_ONCE)
    free = (None, visit.person)
    return [view for view in page.items if view.since_ms <= as_of_ms and view.holder in free and view.ticket]


async def _back(visit: Visit, reason: Reason, said: str, found: list[TicketView]) -> Response:
    if found:
        await visit.tell(f"{translated(PLAN[reason].means)}: {said}", found[0].id)
    return RedirectResponse(f"/groups/{reason.value}", 303)


async def _groups(visit: Visit) -> list[Group]:
    reasons = list(Reason)
    sizes = await visit.deps.store.sizes([keys.inbox_facet(f"reason:{reason.value}") for reason in reasons])
    waiting = {reason: size for reason, size in zip(reasons, sizes, strict=True) if size}
    if visit.reach.unseen:
        counted = [await visit.deps.inbox.find_ids(_of(visit, reason), 0, 0) for reason in waiting]
        waiting = {reason: total for reason, (_ids, total) in zip(waiting, counted, strict=True) if total}
    found = [Group(reason, PLAN[reason], size) for reason, size in waiting.items()]
    return sorted(found, key=lambda group: -group.count)


async def _canary(visit: Visit, ticket_id: str | None) -> TicketView | None:
    try:
        view = await visit.deps.views.ticket(ticket_id) if ticket_id else None
        return None if view and visit.reach.beyond(view) else view
    except UnknownTicket:
        return None


def _reason(visit: Visit) -> Reason:
    try:
        return Reason(visit.request.path_params["reason"])
    except ValueError:
        raise HTTPException(404, _("There is no such reason.")) from None


def _moment(value: object) -> int:
    text = str(value or "")
    if not text.isdecimal() or len(text) > 15:
        raise HTTPException(422, _("The form does not say when its items were counted."))
    return int(text)
