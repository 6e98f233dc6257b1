"""Tickets out of scope in a promise: not counted in before enough are known; then a decided one is a wrong one."""

import random

import pytest

from worker.models.outside import LEAST, Outside, at_most, least_ended
from worker.models.thresholds import fitted, lower_bound

DICE = random.Random(7)
ANSWERS = [(round(c, 4), DICE.random() < c**0.3) for c in (DICE.betavariate(5, 1) for _ in range(2_000))]


def known(ended: int, unfitting: int, confidence: float = 0.3) -> Outside:
    return Outside(ended, unfitting, (confidence,) * unfitting)


def test_before_enough_is_known_they_are_said_and_not_counted_in() -> None:
    plain = fitted(ANSWERS, 0.95)
    for few in (Outside(), known(30, 3), known(5_000, LEAST - 1), known(least_ended(0.95) - 1, 30)):
        found = fitted(ANSWERS, 0.95, outside=few)
        assert (found.confidence, found.right) == (plain.confidence, plain.right)
        assert "out of scope" in str(found)
    assert str(fitted(ANSWERS, 0.95, outside=known(300, 8))).endswith("100 ended and 12 out of scope more are needed")


def test_a_decided_one_is_a_wrong_one() -> None:
    plain, harmless = fitted(ANSWERS, 0.95), fitted(ANSWERS, 0.95, outside=known(5_000, 250))
    leaking = fitted(ANSWERS, 0.95, outside=known(5_000, 250, 0.85))
    assert plain.confidence is not None
    assert harmless.confidence is not None
    assert leaking.confidence is not None
    assert plain.confidence <= harmless.confidence < 0.8 < 0.85 < leaking.confidence
    assert "5.0% of all tickets are out of scope, of which 0.0% reach it" in str(leaking)
    assert "right in all, at least 95%" in str(leaking)
    assert fitted(ANSWERS, 0.95, outside=known(5_000, 1_000, 1.0)).confidence is None


def test_nothing_below_the_floor_is_tried_and_all_tickets_are_counted() -> None:
    found = fitted(ANSWERS, 0.9, floor=0.9)
    assert found.confidence is not None
    assert found.confidence >= 0.9
    assert found.tickets == len(ANSWERS)


@pytest.mark.parametrize(("hits", "total"), [(0, 100), (3, 100), (50, 100), (8, 1_000), (999, 1_000)])
def test_the_bound_of_a_share_is_never_below_the_exact_one_and_not_far_above(hits: int, total: int) -> None:
    exact = 1 - lower_bound(total - hits, total)
    assert exact - 1e-9 <= at_most(hits, total, 0.05) <= exact + 0.05
    assert at_most(0, 0, 0.05) == at_most(5, 5, 0.05) == 1.0
