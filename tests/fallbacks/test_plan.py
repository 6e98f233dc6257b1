"""The failure plan is exhaustive, deterministic and bounded: whatever happens, it ends with a person."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.plan import PLAN, Answer, HandOff, Park, RaiseTier, RetryNow, answer, counts_against_breaker
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import Checkpoint, Stop
from tasks.run.limits import Limits, Usage

NOW_MS = 1_790_000_000_000
UNLIMITED = Limits(max_seconds=None)


def answered(stop: Stop, checkpoint: Checkpoint, limits: Limits = UNLIMITED, now_ms: int = NOW_MS, **of: int) -> Answer:
    tiers, deadline = of.get("tiers", 3), of.get("deadline_ms")
    return answer(stop, checkpoint, limits, ticket_id="t1", tiers=tiers, now_ms=now_ms, deadline_ms=deadline)


def folded(checkpoint: Checkpoint, said: Answer, reason: Reason) -> Checkpoint:
    """The checkpoint after the journal records the answer, as a worker writes it."""
    match said:
        case RetryNow():
            event: ev.Event = ev.Retried(reason.value)
        case Park(until_ms):
            event = ev.Parked(reason.value, until_ms)
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


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("tiers", [1, 3])
def test_the_same_failure_for_ever_ends_with_a_person(reason: Reason, tiers: int) -> None:
    checkpoint, row, said = Checkpoint(), PLAN[reason], list[Answer]()
    while not said or not isinstance(said[-1], HandOff):
        said.append(answered(Stop(reason, "", 1), checkpoint, tiers=tiers))
        checkpoint = folded(checkpoint, said[-1], reason)
        assert len(said) <= row.retries + row.parks + tiers
    assert said[-1] == HandOff(row.queue, row.severity)
    kinds = [type(one) for one in said]
    assert kinds.count(RetryNow) == row.retries
    assert kinds.count(Park) == row.parks
    assert kinds.count(RaiseTier) == (tiers - 1 if row.next_tier else 0)


@given(st.lists(st.sampled_from(Reason), min_size=120, max_size=200))
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


@given(stops, st.integers(0, 10_000_000), st.integers(1, 300), st.none() | st.integers(-1000, 10_000_000))
def test_an_answer_is_deterministic_and_never_parks_beyond_the_runs_end(
    stop: Stop, used_ms: int, max_seconds: int, left_ms: int | None
) -> None:
    checkpoint = replace(Checkpoint(), usage=Usage(started_ms=NOW_MS - used_ms))
    limits = Limits(max_seconds=max_seconds)
    of = {} if left_ms is None else {"deadline_ms": NOW_MS + left_ms}
    said = answered(stop, checkpoint, limits, **of)
    assert said == answered(stop, checkpoint, limits, **of)
    if isinstance(said, Park):
        assert NOW_MS <= said.until_ms < NOW_MS - used_ms + max_seconds * 1000
        assert left_ms is None or said.until_ms < NOW_MS + left_ms


def test_a_wait_grows_and_a_provider_that_names_one_is_obeyed() -> None:
    checkpoint, waits = Checkpoint(), list[int]()
    for _ in range(PLAN[Reason.MODEL_OVERLOADED].parks):
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


def test_only_failures_of_the_provider_count_against_its_breaker() -> None:
    assert {reason for reason in Reason if counts_against_breaker(reason)} == {
        Reason.MALFORMED_REPLY,
        Reason.MODEL_RATE_LIMITED,
        Reason.MODEL_OVERLOADED,
        Reason.MODEL_UNAVAILABLE,
        Reason.MODEL_TIMEOUT,
    }
