"""The evidence that one of two is better: worth what it says, however often anybody looks."""

import math

import pytest

from tests.bench.promotion import promoted
from worker.models.held_out import ERROR, e_value


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (3, 2), (40, 40), (500, 100)])
def test_a_fair_coin_makes_nobody_rich(wins: int, losses: int) -> None:
    """The expected wealth after one more toss is the wealth before it."""
    after = (e_value(wins + 1, losses) + e_value(wins, losses + 1)) / 2
    assert after == pytest.approx(e_value(wins, losses))


def test_it_ever_reaches_the_proof_as_seldom_as_it_says() -> None:
    """Exact, over all ways of 400 fair tosses: the probability of having been at the proof at any time."""
    alive, proved = {0: 1.0}, 0.0
    for toss in range(1, 401):
        following: dict[int, float] = {}
        for wins, chance in alive.items():
            for won in (wins, wins + 1):
                if e_value(won, toss - won) >= 1 / ERROR:
                    proved += chance / 2
                else:
                    following[won] = following.get(won, 0.0) + chance / 2
        alive = following
    assert proved <= ERROR
    assert math.isclose(proved + sum(alive.values()), 1.0)


def test_a_worse_candidate_is_hardly_ever_promoted_and_a_much_better_one_mostly() -> None:
    """The short form of `python -m tests.bench.promotion`: seeded, and so the same each time."""
    assert sum(promoted(seed, -0.01, 0.06) for seed in range(200)) <= 0.05 * 200
    assert sum(promoted(seed, 0.03, 0.06) for seed in range(200)) >= 0.9 * 200
