"""The failure plan is exhaustive, deterministic and bounded: whatever happens, it ends with a person."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.answers import Answer, HandOff, Park, RaiseTier, RetryNow, answer
from fallbacks.plan import PLAN
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, Stop
from tasks.run.limits import Limits, Usage

NOW_MS = 1_790_000_000_000
UNLIMITED = Limits(max_seconds=None)


def answered(stop: Stop, checkpoint: Checkpoint, limits: Limits = UNLIMITED, now_ms: int = NOW_MS, **of: int) -> Answer:
    tiers, deadline = of.get("tiers", 3), of.get("deadline_ms")
    return answer(stop, checkpoint, limits, ticket_id="t1", tiers=tiers, now_ms=now_ms, deadline_ms=deadline)


def folded(checkpoint: Checkpoint, said: Answer, reason: Reason, *, waits: bool = False) -> Checkpoint:
    """The checkpoint after the journal records the answer, as a worker writes it."""
    match said:
        case RetryNow():
            event: ev.Event = ev.Retried(reason.value)
        case Park(until_ms):
            event = ev.Parked(reason.value, until_ms, waits)
        case RaiseTier(tier):
            event = ev.TierRaised(tier, reason.value)
        case HandOff():
            return checkpoint
    return checkpoint.apply(ev.Recorded(0, NOW_MS, 1, event))


def test_every_reason_has_one_row_in_words() -> None:
    assert set(PLAN) == set(Reason)
    for reason, row in PLAN.items():
        assert row.means, reason
        assert row.advice.endswith("."), reason


BOUNDED = [reason for reason in Reason if PLAN[reason].parks is not None]
"""The others wait as long as their ticket may."""


@pytest.mark.parametrize("reason", BOUNDED)
@pytest.mark.parametrize("tiers", [1, 3])
def test_the_same_failure_for_ever_ends_with_a_person(reason: Reason, tiers: int) -> None:
    checkpoint, row, said = Checkpoint(), PLAN[reason], list[Answer]()
    parks = row.parks or 0
    while not said or not isinstance(said[-1], HandOff):
        said.append(answered(Stop(reason, "", 1), checkpoint, tiers=tiers))
        checkpoint = folded(checkpoint, said[-1], reason)
        assert len(said) <= row.retries + parks + tiers
    assert said[-1] == HandOff(row.queue, row.severity)
    kinds = [type(one) for one in said]
    assert kinds.count(RetryNow) == row.retries
    assert kinds.count(Park) == parks
    assert kinds.count(RaiseTier) == (tiers - 1 if row.next_tier else 0)


@given(st.lists(st.sampled_from(BOUNDED), min_size=120, max_size=200))
def test_any_mix_of_failures_ends_with_a_person(reasons: list[Reason]) -> None:
    checkpoint = Checkpoint()
    for reason in reasons:
        said = answered(Stop(reason, "", 1), checkpoint)
        if isinstance(said, HandOff):
            return
        checkpoint = folded(checkpoint, said, reason)
    raise AssertionError(f"no hand-off after {len(reasons)} failures")


stops = st.builds(
    Stop,
    st.sampled_from(Reason),
    st.just(""),
    st.integers(0, 8),
    st.none() | st.floats(0, 10_000),
)


@given(stops, st.integers(1, 300), st.none() | st.integers(-1000, 10_000_000))
def test_an_answer_is_deterministic_and_a_try_is_not_waited_for_beyond_the_deadline(
    stop: Stop, max_seconds: int, left_ms: int | None
) -> None:
    limits = Limits(max_seconds=max_seconds)
    of = {} if left_ms is None else {"deadline_ms": NOW_MS + left_ms}
    said = answered(stop, Checkpoint(), limits, **of)
    assert said == answered(stop, Checkpoint(), limits, **of)
    if isinstance(said, Park):
        assert said.until_ms >= NOW_MS
        assert left_ms is None or said.until_ms < NOW_MS + left_ms or PLAN[stop.reason].parks is None


def test_a_run_that_has_nothing_left_is_handed_off_for_what_stopped_it() -> None:
    spent = replace(Checkpoint(), usage=Usage(steps=8))
    said = answered(Stop(Reason.MODEL_TIMEOUT, "", 8), spent, Limits(max_steps=8), tiers=1)
    assert said == HandOff(PLAN[Reason.MODEL_TIMEOUT].queue, PLAN[Reason.MODEL_TIMEOUT].severity)


@pytest.mark.parametrize(
    "reason", [reason for reason in Reason if PLAN[reason].breaker and not PLAN[reason].tier_first]
)
def test_an_open_breaker_is_waited_for_as_long_as_the_ticket_may_and_counts_as_no_try(reason: Reason) -> None:
    refused, checkpoint = Stop(reason, "", 1, 5.0, waits=True), Checkpoint()
    for _ in range(50):
        said = answered(refused, checkpoint, Limits(), tiers=2, deadline_ms=NOW_MS + 1000)
        assert isinstance(said, Park), "the ledger wakes it at its deadline"
        checkpoint = folded(checkpoint, said, reason, waits=True)
    assert checkpoint.attempted(reason, "park") == 0


def test_what_another_model_can_answer_at_once_does_not_wait_for_a_model_that_is_gone() -> None:
    for waits in (False, True):
        gone = Stop(Reason.MODEL_NOT_FOUND, "", 1, 5.0 if waits else None, waits)
        assert answered(gone, Checkpoint(), Limits(), tiers=2) == RaiseTier(1)
        assert isinstance(answered(gone, Checkpoint(), Limits(), tiers=1), Park)


def test_a_wait_grows_and_a_provider_that_names_one_is_obeyed() -> None:
    checkpoint, waits = Checkpoint(), list[int]()
    for _ in range(PLAN[Reason.MODEL_OVERLOADED].parks or 0):
        said = answered(Stop(Reason.MODEL_OVERLOADED, "", 1), checkpoint, tiers=1)
        assert isinstance(said, Park)
        waits.append(said.until_ms - NOW_MS)
        checkpoint = folded(checkpoint, said, Reason.MODEL_OVERLOADED)
    for n, wait in enumerate(waits):
        shortest = min(120_000, 2_000 * 2**n)
        assert shortest <= wait <= shortest * 1.25
    said = answered(Stop(Reason.MODEL_OVERLOADED, "", 1, 30.0), Checkpoint())
    assert isinstance(said, Park)
    assert 30_000 <= said.until_ms - NOW_MS <= 37_500


def test_a_wait_longer_than_a_run_is_not_waited_for_where_another_model_can_answer() -> None:
    hour = Stop(Reason.MODEL_RATE_LIMITED, "", 0, 3600.0)
    assert answered(hour, Checkpoint(), Limits(), tiers=2) == RaiseTier(1)
    assert isinstance(answered(hour, Checkpoint(), Limits(), tiers=1), Park)


def test_a_spent_day_is_waited_for_until_midnight_utc() -> None:
    said = answered(Stop(Reason.DAILY_BUDGET, "", 1), Checkpoint())
    assert isinstance(said, Park)
    assert 0 <= said.until_ms % 86_400_000 < 15_000
    assert said.until_ms > NOW_MS


def test_a_day_whose_money_other_calls_hold_is_asked_again_at_once() -> None:
    said = answered(Stop(Reason.DAILY_BUDGET, "", 1, 2.0, waits=True), Checkpoint())
    assert isinstance(said, Park)
    assert 2_000 <= said.until_ms - NOW_MS <= 2_500


def test_only_failures_of_the_provider_count_and_those_that_are_the_same_for_all_open_its_breaker_at_once() -> None:
    opens = {
        Reason.MALFORMED_REPLY,
        Reason.MODEL_AUTH,
        Reason.MODEL_NOT_FOUND,
        Reason.MODEL_SPEND_LIMIT,
        Reason.PRICE_UNKNOWN,
    }
    counts = {
        Reason.MODEL_RATE_LIMITED,
        Reason.MODEL_OVERLOADED,
        Reason.MODEL_UNAVAILABLE,
        Reason.MODEL_TIMEOUT,
        Reason.MODEL_REQUEST_INVALID,  # five in a row are no fault of a ticket
        Reason.CONTEXT_EXCEEDED,  # likewise: a proxy in front of the model bounds its requests
    }
    assert {reason for reason in Reason if PLAN[reason].opens} == opens
    assert {reason for reason in Reason if PLAN[reason].breaker} == opens | counts
