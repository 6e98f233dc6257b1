"""People's slips: measured from both sides, and never a way for a worse kind to be promoted."""

import random

import pytest

from fallbacks.autonomy.noise import Noise, at_least, corrected, counter, decisions_needed, read_noise, said, shown_by
from fallbacks.autonomy.noise import together as all_of
from fallbacks.autonomy.proof import Rule
from tests.bench.noise import promoted

RULE = Rule()
MUCH = Noise(same=9_700, changed=300, caught=3_000, missed=100)


def test_a_bound_is_below_the_share_at_every_look_as_often_as_it_says() -> None:
    broken = 0
    for seed in range(300):
        dice, hits = random.Random(seed), 0
        for count in range(1, 301):
            hits += dice.random() < 0.1
            if count % 10 == 0 and at_least(hits, count - hits, 0.1) > 0.1:
                broken += 1
                break
    assert broken <= 0.1 * 300
    assert at_least(0, 100, 0.1) == 0.0
    assert 0.05 < at_least(100, 900, 0.05) < 0.1


def test_the_agreement_that_shows_a_precision_is_lower_by_the_slips_and_higher_by_what_passes() -> None:
    """By hand: of the right ones 97 % stand, and of the wrong ones the tenth part that passes."""
    assert shown_by(0.98, 0.03, 0.0) == pytest.approx(0.98 * 0.97 + 0.0006, abs=0.001)
    assert shown_by(0.98, 0.03, 0.1) < shown_by(0.98, 0.03, 0.5) < shown_by(0.98, 0.0, 0.5) < 1


def test_little_evidence_leaves_the_rule_as_it_is_and_much_takes_its_error_from_it() -> None:
    for little in (Noise(), Noise(same=97, changed=3), Noise(changed=30), Noise(caught=99, missed=9), Noise(same=999)):
        assert corrected(RULE, little) == RULE
    rule = corrected(RULE, MUCH)
    assert 0.95 < rule.target < 0.97
    assert rule.error == pytest.approx(0.04)


def test_people_who_let_mistakes_pass_must_agree_more() -> None:
    rule = corrected(RULE, Noise(caught=700, missed=300))
    assert rule == Rule(target=pytest.approx(0.984))
    assert promoted(3, 0.98, 0.0, 0.3, correct=False)
    assert not promoted(3, 0.98, 0.0, 0.3, correct=True)


def test_a_kind_that_is_no_better_than_the_target_is_hardly_ever_promoted() -> None:
    """The short form of `python -m tests.bench.noise`."""
    cases = ((0.98, 0.05, 0.05), (0.97, 0.03, 0.2))
    assert sum(promoted(seed, *case, correct=True, total=4_000) for case in cases for seed in range(20)) <= 0.05 * 40


def test_it_is_said_why_a_target_cannot_be_reached() -> None:
    assert said(RULE, Noise(same=97)) == ""
    assert said(RULE, Noise(same=9_900, changed=100)).endswith("what is always right is agreed on in 99.0%")
    unreachable = said(RULE, Noise(same=950, changed=50))
    assert "changed 50 of 1000 suggestions that had been approved before (5.0%, at least 2.6%): no agr" in unreachable
    assert "above 98% can be seen, however right the agent is; lower DESKHAND_AUTONOMY_TARGET" in unreachable
    assert "%): as it looks, no agreement above 98%" in said(RULE, Noise(same=580, changed=20))
    assert "decisions of one kind that is always right" in said(RULE, MUCH)
    assert decisions_needed(RULE, 0.97) is None


def test_it_is_counted_by_kind() -> None:
    counters = {counter("same", "a"): "3", counter("missed", "b:c"): "1", "probes_caught": "9"}
    assert read_noise(counters) == {"a": Noise(same=3), "b:c": Noise(missed=1)}
    assert all_of(read_noise(counters)) == Noise(same=3, missed=1)
