"""Earned autonomy: errors bounded under continuous peeking, the right lost quickly, severe errors at once."""

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.autonomy.proof import Observation, Rule, Standing, e_value, needed, observed, still_to_agree

RULE = Rule()


def after(*observations: Observation, start: Standing | None = None, rule: Rule = RULE) -> Standing:
    *_, last = accumulate(observations, lambda s, o: observed(s, o, rule), initial=start or Standing())
    return last


def step(standing: Standing, observation: Observation) -> Standing:
    return observed(standing, observation, RULE)


LEAST = 196
"""Agreements that promote a label where nobody disagrees, at the target of 98 %."""

AGREED, DISAGREED = Observation(agreed=True), Observation(agreed=False)
PROMOTED = after(*[AGREED] * LEAST)


def most_disagreements(rule: Rule, upto: int) -> "np.ndarray[tuple[int], np.dtype[np.int_]]":
    """For every number of labels, the most disagreements with which they promote; -1 where none do."""
    bound, reached = np.full(upto + 1, -1), -1
    for n in range(1, upto + 1):
        while reached < n and e_value(n - reached - 1, reached + 1, rule.target) >= 1 / rule.error:
            reached += 1
        bound[n] = reached
    return bound


BOUND = most_disagreements(RULE, 3000)


def promoted_share(agreement: float, runs: int = 2000) -> float:
    """Looking after each of 3,000 labels."""
    wrong = (np.random.default_rng(7).random((runs, 3000)) >= agreement).cumsum(axis=1)
    return float((wrong <= BOUND[1:]).any(axis=1).mean())


@pytest.mark.parametrize("agreement", [0.90, 0.95, 0.97, 0.98])
def test_a_label_not_above_the_target_is_promoted_no_more_often_than_stated_however_often_one_looks(
    agreement: float,
) -> None:
    assert promoted_share(agreement) <= RULE.error


def test_a_label_well_above_the_target_is_promoted() -> None:
    assert promoted_share(0.99) > 0.9
    assert promoted_share(0.995) > 0.99


@given(st.floats(0.5, 0.99), st.integers(0, 400), st.integers(0, 40))
def test_the_wealth_is_fair_at_the_target_and_shrinks_below_it(target: float, right: int, wrong: int) -> None:
    now = e_value(right, wrong, target)
    for agreement in (target, target * 0.9):
        expected = agreement * e_value(right + 1, wrong, target) + (1 - agreement) * e_value(right, wrong + 1, target)
        assert expected <= now * (1 + 1e-9)


def test_without_a_disagreement_196_labels_prove_98_percent() -> None:
    assert not after(*[AGREED] * (LEAST - 1)).auto
    assert PROMOTED.auto
    assert PROMOTED.why.startswith("196 of 196 agreed")


def test_one_severe_error_ends_the_right_at_once() -> None:
    fallen = after(Observation(agreed=False, severe=True, at_ms=9), start=PROMOTED)
    assert not fallen.auto
    assert (fallen.n, fallen.since_ms) == (0, 9)
    assert "severe" in fallen.why


def test_two_disagreements_in_a_row_end_the_right() -> None:
    assert after(DISAGREED, start=PROMOTED).auto
    assert not after(DISAGREED, DISAGREED, start=PROMOTED).auto


@pytest.mark.parametrize(("agreement", "median"), [(0.5, 6), (0.8, 15), (0.9, 30), (0.95, 70)])
def test_a_label_that_falls_is_demoted_within_few_audits(agreement: float, median: int) -> None:
    dice = np.random.default_rng(3)
    assert np.median([audits_until_demoted(agreement, dice) for _ in range(200)]) <= median


def audits_until_demoted(agreement: float, dice: np.random.Generator, most: int = 5000) -> int:
    standing = PROMOTED
    for audit in range(1, most):
        standing = observed(standing, Observation(agreed=bool(dice.random() < agreement), blind=True), RULE)
        if not standing.auto:
            return audit
    return most


def test_a_label_as_good_as_promised_is_rarely_demoted() -> None:
    dice = np.random.default_rng(4)
    assert np.mean([audits_until_demoted(RULE.target, dice) for _ in range(100)]) >= RULE.alarm_from


def test_each_further_promotion_needs_twice_the_proof() -> None:
    fallen = after(Observation(agreed=False, severe=True), start=PROMOTED)
    assert needed(fallen, RULE) == 2 / RULE.error
    assert not after(*[AGREED] * 196, start=fallen).auto
    assert after(*[AGREED] * 240, start=fallen).auto


def test_a_severe_error_takes_the_wealth_but_forgives_no_debt() -> None:
    severe = Observation(agreed=False, severe=True)
    assert after(*[AGREED] * 150, severe).n == 0
    indebted = after(*[DISAGREED] * 3, severe)
    assert (indebted.n, indebted.agreements) == (4, 0)


def test_blind_disagreement_holds_back_a_label_that_people_wave_through() -> None:
    def story(*, blind: bool) -> list[Observation]:
        audit = [Observation(agreed=agreed, blind=blind) for agreed in (True, True, False)]
        return ([AGREED] * 87 + audit) * 40

    assert any(standing.auto for standing in accumulate(story(blind=False), step, initial=Standing()))
    assert not any(standing.auto for standing in accumulate(story(blind=True), step, initial=Standing()))


@given(st.lists(st.builds(Observation, st.booleans(), st.booleans(), st.booleans(), st.just(5)), max_size=60))
def test_agreements_never_outnumber_the_evidence(observations: list[Observation]) -> None:
    standing = after(*observations)
    assert 0 <= standing.agreements <= standing.n <= len(observations)
    assert 0 <= standing.blind_agreements <= standing.blind_n <= standing.n
    assert standing.alarm < RULE.alarm_from


def test_so_many_agreements_are_still_to_go() -> None:
    def left(agreements: int, disagreements: int) -> int | None:
        return still_to_agree(agreements, disagreements, RULE.target, needed(Standing(), RULE))

    assert [left(0, 0), left(LEAST - 23, 0), left(LEAST, 0)] == [LEAST, 23, 0]
    more = left(100, 1)
    assert more is not None
    assert not after(*[AGREED] * 100, DISAGREED, *[AGREED] * (more - 1)).auto
    assert after(*[AGREED] * 100, DISAGREED, *[AGREED] * more).auto
    assert left(0, 100_000) is None
