"""A threshold is proved or not there; and what it promises holds as often as it says."""

import random
from itertools import pairwise

import pytest

from tests.bench.promise import Deployment, broken, counts, promised, promised_apart
from worker.models.thresholds import ERROR, fitted, least_tickets, lower_bound, tail


def test_too_little_data_proves_nothing_and_says_how_much_is_missing() -> None:
    found = fitted([(0.9, True)] * 40, 0.95)
    assert (found.confidence, found.missing) == (None, 19)
    assert str(found) == "nothing is proved: 19 more decisions are needed for 95%"


def test_enough_that_are_right_are_proved_with_their_bound() -> None:
    found = fitted([(0.5 + n / 4000, True) for n in range(1000)], 0.95)
    assert (found.confidence, found.covered, found.right) == (0.5, 1000, 1000)
    assert found.at_least == lower_bound(1000, 1000)
    assert str(found) == "at 0.50 it covers 100.0%, 100.0% right, at least 99.7%"


def test_it_stops_where_too_many_are_wrong() -> None:
    sure, unsure = [(0.9 + n / 9000, True) for n in range(500)], [(0.6, n % 2 == 0) for n in range(500)]
    found = fitted(sure + unsure, 0.95)
    assert found.confidence is not None
    assert 0.9 <= found.confidence < 0.91
    assert fitted(unsure, 0.95).confidence is None
    assert fitted(unsure, 0.95).missing == 0


def test_tickets_of_one_confidence_are_taken_in_together_or_not_at_all() -> None:
    answers = [(0.9, True)] * 300 + [(0.8, False)] * 3 + [(0.8, True)] * 300
    found = fitted(answers, 0.95)
    assert (found.confidence, found.covered) == (0.8, 603)


def test_the_order_of_answers_says_nothing() -> None:
    dice = random.Random(1)
    answers = [(round(dice.random(), 2), dice.random() < 0.97) for _ in range(900)]
    assert fitted(answers, 0.9) == fitted(sorted(answers), 0.9)


def test_a_higher_target_never_covers_more() -> None:
    dice = random.Random(2)
    answers = [(confidence, dice.random() < confidence) for confidence in (dice.uniform(0.7, 1) for _ in range(3000))]
    covered = [fitted(answers, target).covered for target in (0.8, 0.9, 0.95, 0.98, 0.99)]
    assert all(more >= less for more, less in pairwise(covered))


@pytest.mark.parametrize(("target", "tickets"), [(0.95, 59), (0.98, 149), (0.99, 299)])
def test_the_fewest_tickets_are_those_of_the_literature(target: float, tickets: int) -> None:
    assert least_tickets(target) == tickets
    assert tail(0, tickets, 1 - target) <= ERROR < tail(0, tickets - 1, 1 - target)


def test_what_is_promised_holds_in_all_but_a_few_of_many_deployments() -> None:
    """The short form of `python -m tests.bench.promise`: seeded, and so the same each time."""
    deployments = [Deployment.drawn(seed, largest=2_000) for seed in range(100)]
    failed = [each for each in deployments if broken(each, promised(each, 0.95), unseen=2_000)]
    assert len(failed) <= 0.05 * len(deployments)


def test_it_holds_with_tickets_out_of_scope_that_people_closed_beside() -> None:
    """The short form of `python -m tests.bench.promise --apart`."""
    deployments = [Deployment.drawn(seed, largest=2_000) for seed in range(100)]
    found = [(each, promised_apart(each, 0.95)) for each in deployments]
    assert sum(broken(each, threshold, unseen=2_000) for each, threshold in found) <= 0.05 * len(found)
    assert sum(counts(threshold) and threshold.confidence is not None for _, threshold in found) >= 5
