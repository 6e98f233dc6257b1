"""Limits: `None` is unlimited, 0 is zero, and the first one reached is named."""

from typing import Any

import pytest

from tasks.reasons import Reason
from tasks.run.limits import Limits, Usage, exceeded, read_limits, seconds_left
from tasks.run.messages import TokenUsage

NONE = Limits(None, None, None, None, None)
USED = Usage(
    steps=3, tool_calls=9, tokens=TokenUsage(10, 20, 30, 40), cost_nanodollars=5, started_ms=1000, held_ms=1000
)


@pytest.mark.parametrize(
    ("name", "used", "reason"),
    [
        ("max_steps", 3, Reason.STEP_LIMIT),
        ("max_tokens", 100, Reason.TOKEN_LIMIT),
        ("max_seconds", 2.0, Reason.TIME_LIMIT),
    ],
)
def test_a_limit_forbids_the_next_step_once_it_is_reached(name: str, used: Any, reason: Reason) -> None:
    fields = dict.fromkeys(("max_steps", "max_tool_calls", "max_tokens", "max_cost_nanodollars"))
    limits = {**fields, "max_seconds": None}
    assert exceeded(Limits(**{**limits, name: used}), USED, 3000) is reason
    assert exceeded(Limits(**{**limits, name: used + 1}), USED, 3000) is None
    assert exceeded(Limits(**{**limits, name: 0}), Usage(), 3000) is reason


def test_none_is_unlimited() -> None:
    assert exceeded(NONE, USED, 10**15) is None
    assert seconds_left(NONE, USED, 10**15) is None


def test_money_and_tool_calls_are_looked_at_elsewhere() -> None:
    assert exceeded(Limits(None, 0, None, 0, None), USED, 0) is None


def test_the_clock_starts_with_the_first_step() -> None:
    assert Usage().seconds(10**15) == 0
    assert seconds_left(Limits(max_seconds=60), Usage(), 10**15) == 60
    assert seconds_left(Limits(max_seconds=60), USED, 31_000) == 30
    assert seconds_left(Limits(max_seconds=60), USED, 10**9) == 0


def test_only_seconds_of_work_count() -> None:
    used = USED.let_go(3_000)
    assert used.seconds(10**9) == 2
    assert used.held(60_000).seconds(61_500) == 3.5
    assert Usage().held(5).held_ms is None, "nothing counts before the first step"
    assert USED.held(2_000) == USED


def test_a_clock_that_is_behind_gives_no_time_back() -> None:
    assert USED.seconds(0) == 0


def test_every_kind_of_token_counts() -> None:
    assert USED.tokens.total == 100
    assert (USED.tokens + TokenUsage(1, 1, 1, 1)).billed_input == 83


def test_stored_limits_of_another_version_are_still_read() -> None:
    assert read_limits('{"max_steps": 3, "added_later": 1}').max_steps == 3
