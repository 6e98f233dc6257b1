"""Failures by reason: what one cause did to many tickets, and sending them back together."""

import asyncio
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.console.resuming import publish_quietly
from fallbacks.console.visit import Visit, signed_in
from fallbacks.errors import Stale, UnknownTicket
from fallbacks.inbox.decisions import read_hand
from fallbacks.ledger.views import TicketView
from fallbacks.plan import PLAN, PlanRow
from fallbacks.store import keys
from tasks.errors import InvalidDecision
from tasks.reasons import Reason

PREVIEW = 10
AT_ONCE = 500
"""One form does so many, then says how many are left."""

SIDE_BY_SIDE = 16


@dataclass(frozen=True, slots=True)
class Group:
    """Items that wait for one reason."""

    reason: Reason
    plan: PlanRow
    count: int


@signed_in()
async def groups(visit: Visit) -> Response:
    """Every reason that waits, the largest group first."""
    return await visit.page("groups.html", {"groups": await _groups(visit)})


@signed_in()
async def group(visit: Visit) -> Response:
    """One reason: what it means, what to do, its first items, and the two group actions."""
    reason = _reason(visit)
    page = await visit.deps.inbox.page([f"reason:{reason.value}"], 0, PREVIEW)
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
    done = await _each(visit, found[:1] if canary else found[:AT_ONCE], _Resume(hint))
    await publish_quietly(visit.deps, done)
    if canary and done:
        await visit.deps.store.put(keys.group(reason.value), {"canary": done[0], "by": visit.person})
    said = "one sent ahead" if canary else f"{len(done)} sent back to the agent"
    return await _back(visit, reason, f"{said}, {len(found) - len(done)} left", found)


@signed_in(Role.OPERATOR)
async def resolve_group(visit: Visit) -> Response:
    """Decide all that waited when the count was shown in the same way, by hand."""
    reason, form = _reason(visit), await visit.request.form()
    process, why = visit.deps.process, str(form.get("why", "")).strip()[:1000]
    choice = next((choice for choice in process.choices if choice.name == form.get("choice")), None)
    if choice is None:
        raise HTTPException(422, f"Choose a known {process.keyed_by}.")
    found = await _as_of(visit, reason, _moment(form.get("as_of")))
    given = read_hand(process, {**choice.given, **_said_why(visit, reason, why)})
    done = await _each(visit, found[:AT_ONCE], _Decide(given))
    return await _back(visit, reason, f"{len(done)} decided as {choice.name}, {len(found) - len(done)} left", found)


def _said_why(visit: Visit, reason: Reason, why: str) -> dict[str, str]:
    if "rationale" not in visit.deps.process.hand.model_fields:
        return {}
    return {"rationale": why or f"Decided as a group ({reason.value}) by {visit.person}."}


@dataclass(frozen=True, slots=True)
class _Resume:
    hint: str

    async def __call__(self, visit: Visit, view: TicketView) -> None:
        await visit.deps.inbox.resume(view.id, visit.person, view.version, self.hint, visit.deps.limits)


@dataclass(frozen=True, slots=True)
class _Decide:
    given: BaseModel

    async def __call__(self, visit: Visit, view: TicketView) -> None:
        await visit.deps.inbox.decide(view.id, visit.person, view.version, self.given)


async def _each(visit: Visit, views: list[TicketView], do: _Resume | _Decide) -> list[str]:
    """Do it to each that is still as it was, a few side by side. Returns the ids of those it was done to."""
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(view: TicketView) -> str | None:
        async with turns:
            try:
                await do(visit, view)
            except (Stale, UnknownTicket, InvalidDecision):  # a decision may need more than its name
                return None
        return view.id

    return [ticket_id for ticket_id in await asyncio.gather(*map(one, views)) if ticket_id]


async def _as_of(visit: Visit, reason: Reason, as_of_ms: int) -> list[TicketView]:
    """The group as it was when it was counted: nobody acts on what they have not been shown."""
    page = await visit.deps.inbox.page([f"reason:{reason.value}"], 0, 10 * AT_ONCE)
    free = (None, visit.person)
    return [view for view in page.items if view.since_ms <= as_of_ms and view.holder in free and view.ticket]


async def _back(visit: Visit, reason: Reason, said: str, found: list[TicketView]) -> Response:
    if found:
        await visit.tell(f"{PLAN[reason].means}: {said}", found[0].id)
    return RedirectResponse(f"/groups/{reason.value}", 303)


async def _groups(visit: Visit) -> list[Group]:
    reasons = list(Reason)
    sizes = await visit.deps.store.sizes([keys.inbox_facet(f"reason:{reason.value}") for reason in reasons])
    found = [Group(reason, PLAN[reason], size) for reason, size in zip(reasons, sizes, strict=True) if size]
    return sorted(found, key=lambda group: -group.count)


async def _canary(visit: Visit, ticket_id: str | None) -> TicketView | None:
    try:
        return await visit.deps.views.ticket(ticket_id) if ticket_id else None
    except UnknownTicket:
        return None


def _reason(visit: Visit) -> Reason:
    try:
        return Reason(visit.request.path_params["reason"])
    except ValueError:
        raise HTTPException(404, "There is no such reason.") from None


def _moment(value: object) -> int:
    text = str(value or "")
    if not text.isdecimal() or len(text) > 15:
        raise HTTPException(422, "The form does not say when its items were counted.")
    return int(text)
