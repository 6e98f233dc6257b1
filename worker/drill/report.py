"""What a scenario showed: the ledger held against the model's own count of calls and the receiver's of alerts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from fallbacks.errors import UnknownTicket
from fallbacks.ledger.states import SETTLED, State
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import TicketView
from fallbacks.plan import PLAN
from tasks.reasons import Reason
from tasks.run.events import CallLost, Recorded
from worker.drill.stage import Stage

OVERRUN_SECONDS = 10.0
"""How much later than its time limit a run may be seen to rest: a lease, a sweep and a busy machine."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the drill's report.

    ended: tickets at rest. handed_off: tickets by reason. lost: accepted and not at rest, or not to be found.
    doubled: model replies paid for again although their result was not lost. over_cap: runs or days beyond a cap.
    hand_off_seconds: median from accept to hand-off, None without any. alerts_raised / alerts_told: by the ledger / at
    the receiver. broken: which part of the promise or the plan did not hold, in words. seconds: of the scenario.
    """

    scenario: str
    tickets: int
    ended: int
    suggested: int
    handed_off: dict[str, int]
    lost: int
    doubled: int
    over_cap: int
    hand_off_seconds: float | None
    alerts_raised: int
    alerts_told: int
    worker_losses: int
    spent_nanodollars: int
    seconds: float
    broken: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether the promise was kept and the plan followed."""
        return not self.broken

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "kept": self.kept}


Expected = Mapping[str, set[Reason | None]]
"""By ticket id the reasons it may be handed off for; None: it may end as a suggestion. Each reason must occur."""


async def weigh(stage: Stage, ids: Sequence[str], expected: Expected, seconds: float) -> Row:
    """Read the ledger once everything is at rest."""
    views = {ticket_id: view for ticket_id in ids if (view := await _view(stage, ticket_id)) is not None}
    journals = {ticket_id: await stage.parts.views.timeline(ticket_id) for ticket_id in views}
    rested = [view for view in views.values() if view.state in SETTLED]
    handed_off = [view for view in rested if view.state is State.HANDED_OFF]
    counters = (await stage.stats()).counters
    lost, doubled = len(ids) - len(rested), paid_twice(stage.simulator.calls.report(), journals)
    over = [*_over_run(views.values()), *await _over_day(stage), *_beyond_bound(counters)]
    audited = await audit(stage.parts.store, stage.parts.history)
    broken = [
        *([f"{lost} tickets are lost"] if lost else []),
        *([f"{doubled} replies were paid for twice"] if doubled else []),
        *over,
        *(f"ledger: {ticket_id or 'sums'}: {what}" for ticket_id, what in audited.problems),
        *_unplanned(views, expected),
        *_unreported(stage, counters, handed_off),
    ]
    waits = [(view.since_ms - view.accepted_ms) / 1000 for view in handed_off]
    return Row(
        scenario=stage.name,
        tickets=len(ids),
        ended=len(rested),
        suggested=sum(view.state is State.SUGGESTED for view in rested),
        handed_off=dict(Counter(str(view.reason) for view in handed_off)),
        lost=lost,
        doubled=doubled,
        over_cap=len(over),
        hand_off_seconds=round(median(waits), 1) if waits else None,
        alerts_raised=counters.get("alerts_raised", 0),
        alerts_told=stage.receiver.reported,
        worker_losses=counters.get("leases_lost", 0),
        spent_nanodollars=audited.spent,
        seconds=round(seconds, 1),
        broken=tuple(broken),
    )


async def _view(stage: Stage, ticket_id: str) -> TicketView | None:
    try:
        return await stage.parts.views.ticket(ticket_id)
    except UnknownTicket:
        return None


def paid_twice(calls: Mapping[str, Any], journals: Mapping[str, Sequence[Recorded]]) -> int:
    """Replies delivered whole more than once for one history, less those whose result died with its worker: the ledger
    charge these in full and may ask again."""
    repeats: Counter[str] = Counter()
    for history in calls["repeated"]:
        repeats[history["ticket"]] += history["finished"] - 1
    for ticket_id in repeats:
        repeats[ticket_id] -= sum(isinstance(entry.event, CallLost) for entry in journals.get(ticket_id, ()))
    return sum(count for count in repeats.values() if count > 0)


def _over_run(views: Any) -> Iterator[str]:
    for view in views:
        limits, seconds = view.limits, (view.since_ms - view.accepted_ms) / 1000
        if limits.max_cost_nanodollars is not None and view.spent_nanodollars > limits.max_cost_nanodollars:
            yield f"{view.id} cost {view.spent_nanodollars} of {limits.max_cost_nanodollars} nanodollars"
        if limits.max_steps is not None and view.steps > limits.max_steps:
            yield f"{view.id} used {view.steps} of {limits.max_steps} steps"
        if limits.max_seconds is not None and seconds > limits.max_seconds + OVERRUN_SECONDS:
            yield f"{view.id} took {seconds:.0f} of {limits.max_seconds:.0f} seconds"


async def _over_day(stage: Stage) -> Iterator[str]:
    cap, stats = stage.settings.day_cap_nanodollars, await stage.stats()
    held = stats.spent_nanodollars + stats.reserved_nanodollars
    return iter([f"the day cost {held} of {cap} nanodollars"] if cap is not None and held > cap else [])


def _beyond_bound(counters: Mapping[str, int]) -> Iterator[str]:
    if violations := counters.get("bound_violations", 0):
        yield f"{violations} calls cost more than was reserved for them"


def _unplanned(views: Mapping[str, TicketView], expected: Expected) -> Iterator[str]:
    """Tickets that ended otherwise than the plan says, and ends that should have been seen."""
    ends: set[Reason | None] = set()
    for ticket_id, reasons in expected.items():
        view = views.get(ticket_id)
        if view is None or view.state not in SETTLED:
            continue  # counted as lost
        ends.add(view.reason)
        if view.reason not in reasons or (view.reason is None and view.state is not State.SUGGESTED):
            planned = " or ".join(sorted(reason or "suggested" for reason in reasons))
            yield f"{ticket_id} is {view.state} ({view.reason or 'no reason'}), planned: {planned}"
        elif view.reason is not None and view.queue != PLAN[view.reason].queue:
            yield f"{ticket_id} waits in {view.queue}, planned for {view.reason}: {PLAN[view.reason].queue}"
    for reason in set().union(*expected.values()) - ends:
        yield f"no ticket ended as planned: {reason or 'suggested'}"


def _unreported(stage: Stage, counters: Mapping[str, int], handed_off: Sequence[TicketView]) -> Iterator[str]:
    raised, reported = counters.get("alerts_raised", 0), stage.receiver.reported
    if raised != len(handed_off):
        yield f"{len(handed_off)} tickets were handed off and {raised} alerts raised"
    if reported != raised:
        yield f"{raised} hand-offs raised an alert and {reported} reached the receiver"
    for alert in stage.receiver.hand_offs:
        planned = PLAN[Reason(alert["reason"])].severity
        if alert["severity"] != planned:
            yield f"the alert for {alert['reason']} is {alert['severity']}, planned: {planned}"
