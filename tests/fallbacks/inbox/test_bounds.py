"""Waiting and working are bounded apart, and a ticket says which of the two ended it."""

from dataclasses import replace

import pytest

from fallbacks.inbox.bounds import bound, waiting, waits_that_fit
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView, read_row
from fallbacks.plan import PLAN
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, fold

SECOND = 1000
ROW = {"state": "handed_off", "version": "1", "epoch": "1", "source": "t", "priority": "normal", "accepted": "0"}


def view(state: State = State.HANDED_OFF, reason: Reason | None = None) -> TicketView:
    return replace(read_row("t1", {**ROW, "deadline": "3600000"}, 0), state=state, reason=reason)


def journal(*events: tuple[int, ev.Event]) -> list[ev.Recorded]:
    """By the second in which it was written."""
    return [ev.Recorded(seq, second * SECOND, 1, event) for seq, (second, event) in enumerate(events)]


@pytest.mark.parametrize(
    ("reason", "max_wait", "most", "seconds"),
    [
        (Reason.MODEL_OVERLOADED, 3600, 6, 126),
        (Reason.MODEL_OVERLOADED, 100, 5, 62),
        (Reason.MODEL_OVERLOADED, None, 6, 126),
        (Reason.PRICE_UNKNOWN, 3600, 32, 3510),
        (Reason.PRICE_UNKNOWN, None, None, None),
        (Reason.DAILY_BUDGET, 3600, 1, 3600),
        (Reason.STEP_LIMIT, 3600, 0, 0),
    ],
)
def test_as_many_waits_fit_as_the_longest_wait_has_room_for(
    reason: Reason, max_wait: float | None, most: int | None, seconds: float | None
) -> None:
    fit = waits_that_fit(reason, PLAN[reason], max_wait)
    assert (fit.most, fit.seconds) == (most, seconds)


def test_what_no_worker_holds_is_waited_and_what_one_holds_is_not() -> None:
    parked = ev.Parked("model_overloaded", 0)
    told = journal(
        (0, ev.Accepted("t")),
        (5, ev.Claimed("w")),
        (9, parked),
        (19, ev.Unparked()),
        (20, ev.Claimed("w")),
        (30, parked),
    )
    found = waiting(view(State.PARKED), told, 40 * SECOND)
    assert (found.seconds, found.limit_seconds, found.parks) == (5 + 11 + 10, 3600, {"model_overloaded": 2})
    ended = journal(*((each.at_ms // SECOND, each.event) for each in told), (41, ev.Claimed("w")))
    assert waiting(view(), ended, 999 * SECOND).seconds == 5 + 11 + 11


def test_a_ticket_sent_back_waits_anew() -> None:
    told = journal(
        (0, ev.Accepted("t")), (50, ev.Claimed("w")), (60, ev.HandedOff("step_limit")), (99, ev.Resumed("anna"))
    )
    assert waiting(view(State.QUEUED), told, 103 * SECOND).seconds == 4


@pytest.mark.parametrize(
    ("reason", "parks", "says"),
    [
        (Reason.DEADLINE_PASSED, 0, "waiting: MAX_WAIT_SECONDS"),
        (Reason.TIME_LIMIT, 0, "working: MAX_SECONDS"),
        (Reason.MODEL_TIMEOUT, 2, "the plan: it has waited 2 times"),
        (Reason.MODEL_TIMEOUT, 1, "waiting: after 1 of 2 waits"),
        (Reason.LOW_CONFIDENCE, 0, ""),
    ],
)
def test_the_bound_that_ended_a_ticket_is_named(reason: Reason, parks: int, says: str) -> None:
    told = fold(journal(*((second, ev.Parked(reason.value, 0)) for second in range(parks))))
    assert bound(view(reason=reason), told).startswith(says)
    assert bound(view(State.DECIDED, reason), Checkpoint()) == ""
