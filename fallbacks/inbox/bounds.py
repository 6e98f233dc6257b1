"""Waiting is bounded by a deadline, working by limits: how many waits fit, and which bound ended a ticket."""

from collections.abc import Sequence
from dataclasses import dataclass

from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView
from fallbacks.plan import LONGEST_PARK_SECONDS, PLAN, PlanRow
from tasks.language import N_, _, translated
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint

SETTINGS = {
    Reason.STEP_LIMIT: "MAX_STEPS",
    Reason.TOOL_CALL_LIMIT: "MAX_TOOL_CALLS",
    Reason.TOKEN_LIMIT: "MAX_TOKENS",
    Reason.COST_LIMIT: "MAX_COST_USD",
    Reason.TIME_LIMIT: N_("MAX_SECONDS, seconds of work"),
    Reason.WORKER_LOST: "MAX_WORKER_LOSSES",
    Reason.REQUESTER_QUOTA: "REQUESTER_TICKETS_PER_HOUR",
    Reason.MESSAGE_LOOP: "MESSAGES_PER_HOUR",
}
"""The setting that says how much of it a run may use, by the reason that says that it is used up."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How much waiting a reason may cause. most: waits, None where nothing bounds them. seconds: all of them together,
    None likewise. until_midnight: it is one wait for the next UTC day.
    """

    most: int | None
    seconds: float | None
    until_midnight: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a ticket has waited since it was accepted or sent back. seconds: with no worker at it.

    limit_seconds: by its deadline, None for none. parks: waits that the plan granted, by reason.
    """

    seconds: float
    limit_seconds: float | None
    parks: dict[str, int]


def waits_that_fit(reason: Reason, row: PlanRow, max_wait_seconds: float | None) -> Waits:
    """By the plan's own lengths, which a provider may override and which vary by a quarter."""
    if reason in (Reason.DAILY_BUDGET, Reason.SOURCE_BUDGET):
        return Waits(1, max_wait_seconds, until_midnight=True)
    if row.parks is None and max_wait_seconds is None:
        return Waits(None, None)
    count, together = 0, 0.0
    while row.parks is None or count < row.parks:
        together_then = together + min(LONGEST_PARK_SECONDS, row.park_seconds * 2 ** min(count, 10))
        if max_wait_seconds is not None and together_then > max_wait_seconds:
            break
        count, together = count + 1, together_then
    return Waits(count, together)


def waiting(view: TicketView, timeline: Sequence[ev.Recorded], now_ms: int) -> Waiting:
    """Of the ticket until it came to rest, or until now."""
    began = since = view.accepted_ms
    waited, idle, parks = 0, True, dict[str, int]()
    for recorded in timeline:
        match recorded.event:
            case ev.Accepted() | ev.Resumed() | ev.Reopened():
                began, since, waited, idle, parks = recorded.at_ms, recorded.at_ms, 0, True, {}
            case ev.Claimed() if idle:
                waited, idle = waited + recorded.at_ms - since, False
            case ev.Parked() | ev.Released() | ev.LeaseExpired() as left:
                since, idle = recorded.at_ms, True
                if isinstance(left, ev.Parked) and left.reason:
                    parks[left.reason] = parks.get(left.reason, 0) + 1
            case _:
                pass
    if idle and view.state in _WAITING:
        waited += max(0, now_ms - since)
    limit = None if view.deadline_ms is None else (view.deadline_ms - began) / 1000
    return Waiting(waited / 1000, limit, parks)


_WAITING = frozenset({State.QUEUED, State.PARKED})


def bound(view: TicketView, checkpoint: Checkpoint) -> str:
    """The bound that gave a ticket to people, in words; "" where none did."""
    reason = view.reason
    if view.state is not State.HANDED_OFF or reason is None:
        return ""
    if reason is Reason.DEADLINE_PASSED:
        return _("waiting: MAX_WAIT_SECONDS, or the ticket's own deadline")
    if reason in SETTINGS:
        return _("working: %(setting)s", setting=translated(SETTINGS[reason]))
    parks = PLAN[reason].parks
    if not parks:
        return ""
    had = checkpoint.attempted(reason, "park")
    if had >= parks:
        return _("the plan: it has waited %(num)s times, as often as it may for this", num=had)
    return _(
        "waiting: after %(had)s of %(parks)s waits the next would have passed its deadline, or its work was used up",
        had=had,
        parks=parks,
    )
