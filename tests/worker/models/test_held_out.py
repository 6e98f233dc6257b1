"""The evidence that one of two is better: worth what it says, however often anybody looks."""

import random

import pytest

from tests.bench.promotion import possible, promoted
from worker.models.held_out import ERROR, become_better, e_value, wealth


@pytest.mark.parametrize("seed", range(4))
def test_a_fair_coin_makes_nobody_rich(seed: int) -> None:
    """The expected wealth after one more toss is the wealth before it, and a decision that tells nothing costs none."""
    dice = random.Random(seed)
    outcomes = [dice.choice((-1, 0, 0, 1, 1)) for _ in range(150 * seed)]
    after = (e_value([*outcomes, 1]) + e_value([*outcomes, -1])) / 2
    assert after == pytest.approx(e_value(outcomes))
    assert e_value([*outcomes, 0]) == pytest.approx(e_value(outcomes))


def test_it_ever_reaches_the_proof_as_seldom_as_it_says() -> None:
    proved = 0
    for seed in range(600):
        dice = random.Random(seed)  # looked at after every one
        proved += max(wealth(dice.choice((-1, 1)) for _ in range(100))) >= 1 / ERROR
    assert 0 < proved <= ERROR * 600


def test_a_worse_candidate_is_hardly_ever_promoted_and_a_better_one_nearly_as_often_as_is_possible() -> None:
    """The short form of `python -m tests.bench.promotion`: seeded, and so the same each time."""
    assert sum(promoted(seed, -0.01, 0.06) for seed in range(200)) <= 0.02 * 200
    assert sum(promoted(seed, 0.02, 0.06) for seed in range(200)) >= 0.9 * possible(0.02, 0.06) * 200


def test_what_is_far_better_need_not_wait_for_the_deadline() -> None:
    wins = next(count for count in range(100) if e_value([1] * count) >= 1 / ERROR)
    assert wins <= 15
    assert e_value([1] * 60) > 1_000


def test_what_was_good_for_long_is_found_out_when_it_turns_and_seldom_before() -> None:
    assert not become_better([-1] * 500 + [1] * 8)
    assert become_better([-1] * 500 + [1] * 20)
    early = 0
    for seed in range(100):
        dice = random.Random(seed)
        early += become_better(dice.choice((-1, 1)) for _ in range(100))
    assert early <= 25, "of as good ones, within a quarter of what lies between two false alarms on average"
