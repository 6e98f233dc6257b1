"""Each team has the threshold that its own tickets prove; those with too few share one; all of them hold together."""

import random

from worker.models.group_thresholds import Grouped, fitted_by_group
from worker.models.thresholds import ERROR, fitted

TEAMS = {"easy": 0.05, "usual": 0.3, "hard": 1.2}
"""The chance that a suggestion is right is confidence to the power of this."""


def answers(dice: random.Random, counts: dict[str, int]) -> list[Grouped]:
    found = []
    for team, count in counts.items():
        for _ in range(count):
            confidence = round(dice.betavariate(5, 1), 4)
            found.append((confidence, dice.random() < confidence ** TEAMS[team], team))
    return found


def broken(threshold: float | None, power: float, target: float, dice: random.Random) -> bool:
    """Whether a team is right less often than promised, by its true chances."""
    reached = [c for c in (dice.betavariate(5, 1) for _ in range(2_000)) if threshold is not None and c >= threshold]
    return bool(reached) and sum(c**power for c in reached) / len(reached) < target


def test_an_easy_team_is_covered_from_lower_on_than_a_hard_one() -> None:
    found = fitted_by_group(answers(random.Random(1), dict.fromkeys(TEAMS, 2_000)), 0.95)
    easy, usual, hard = (found.of(team) for team in TEAMS)
    assert easy is not None
    assert usual is not None
    assert easy == found.confidence < usual < (hard or 1.0)
    assert found.holds("easy", easy)
    assert not found.holds("usual", easy)
    assert not found.holds("unheard of", 1.0)
    assert "by team it covers" in str(found)


def test_where_fewer_than_two_teams_have_enough_one_threshold_is_for_all() -> None:
    few = answers(random.Random(2), {"easy": 900, "usual": 40})
    assert fitted_by_group(few, 0.95) == fitted([(confidence, right) for confidence, right, _ in few], 0.95)
    assert fitted_by_group([], 0.95).missing > 0


def test_teams_with_too_few_share_one_and_a_team_that_proves_nothing_stands_by_nothing() -> None:
    told = answers(random.Random(3), {"easy": 1_000, "usual": 1_000})
    told += [(0.9, True, f"small {n % 4}") for n in range(120)] + [(0.9, n % 2 == 0, "bad") for n in range(600)]
    found = fitted_by_group(told, 0.95)
    assert {found.of(f"small {n}") for n in range(4)} == {0.9}
    assert found.of("bad") is None
    assert "(nothing is proved for bad)" in str(found)
    nothing = fitted_by_group([(0.9, False, team) for team in ("a", "b") for _ in range(900)], 0.95)
    assert (nothing.confidence, nothing.missing) == (None, 0)


def test_all_of_them_hold_together_as_often_as_one_alone_would() -> None:
    failed = 0
    for seed in range(60):
        dice = random.Random(seed)
        found = fitted_by_group(answers(dice, dict.fromkeys(TEAMS, dice.choice((400, 1_500)))), 0.95)
        failed += any(broken(found.of(team), power, 0.95, dice) for team, power in TEAMS.items())
    assert failed <= 60 * ERROR
