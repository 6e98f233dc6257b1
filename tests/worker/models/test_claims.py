"""A confidence that nobody calibrated is a claim, until people's decisions prove from where it holds."""

import random
from pathlib import Path

from fallbacks.ledger.past.examples import Example
from tasks.run.prompt import Prompt
from tests.fakes.desk import TAXONOMY, TRIAGE
from worker.config.models import read_model
from worker.config.settings import load_settings
from worker.models.claims import basis_of, judged, keep_claim, kept_claim, refitted
from worker.models.promises import CLAIMED, claimed
from worker.models.thresholds import Threshold, fitted

HAIKU = read_model("claude-haiku-5-5")
DICE = random.Random(4)
ANSWERS = [(round(c, 4), DICE.random() < c**0.3) for c in (DICE.uniform(0.6, 1) for _ in range(2_000))]


def example(number: int, *, decided: str = "duplicate_charge", closed: str = "", **agent: object) -> Example:
    teams = TAXONOMY.team_of
    said = {"label": "duplicate_charge", "team": "billing", "basis": "b1", "confidence": 0.9, **agent}
    facets = {} if closed else {"label": decided, "team": teams[decided]}
    return Example(f"t{number}", "", facets, "" if closed else decided, None, "ada", "", said, 0, None, None, closed)


def test_what_people_decided_otherwise_or_closed_was_suggested_wrongly_and_the_last_word_counts() -> None:
    told = [example(1, confidence=0.7), example(2, decided="password_reset"), example(3, closed="spam")]
    told += [example(4, basis="another"), example(1, decided="password_reset", confidence=0.7)]
    assert sorted(judged(TRIAGE, told, "b1")) == [(0.7, False), (0.9, False), (0.9, False)]


def test_it_suggests_by_its_claim_and_says_what_is_missing_until_a_threshold_is_proved() -> None:
    settings = load_settings(anthropic_api_key="k", precision=0.95)
    for found in (None, fitted(ANSWERS[:10], 0.95), fitted(ANSWERS, 0.9)):
        promise = claimed(settings, found)
        assert (promise.min_confidence, promise.rests_on.startswith(CLAIMED)) == (0.6, True)
        assert "more decisions are needed for 95%" in promise.rests_on
    proved = claimed(settings, fitted(ANSWERS, 0.95))
    assert proved.min_confidence is not None
    assert proved.min_confidence > 0.6
    assert proved.rests_on.startswith("95% right, by people's decisions: at 0.")
    assert claimed(load_settings(anthropic_api_key="k", min_confidence=0.3), None).rests_on == "as set"


def test_a_threshold_that_holds_is_kept_until_another_covers_much_more() -> None:
    now = fitted(ANSWERS, 0.95)
    assert now.confidence is not None
    near = Threshold(0.95, now.confidence + 0.01, 1)
    assert refitted(ANSWERS, 0.95, near).confidence == near.confidence
    assert refitted(ANSWERS, 0.95, Threshold(0.95, 0.999, 1)) == now
    assert refitted(ANSWERS, 0.95, Threshold(0.95, 0.6, 1)) == now
    assert refitted(ANSWERS, 0.95, Threshold(0.9, near.confidence, 1)) == refitted(ANSWERS, 0.95, None) == now


def test_it_is_kept_by_the_version_of_all_but_the_threshold(tmp_path: Path) -> None:
    settings, found = load_settings(anthropic_api_key="k"), fitted(ANSWERS, 0.95)
    basis = basis_of(HAIKU, settings, TAXONOMY, TRIAGE.prompt)
    assert basis_of(read_model("local"), settings, TAXONOMY, TRIAGE.prompt) == ""
    assert basis != basis_of(HAIKU, settings, TAXONOMY, Prompt("Say what it is about."))
    keep_claim(tmp_path, basis, found)
    assert kept_claim(tmp_path, basis) == found
    assert kept_claim(tmp_path, "other") is None
    (tmp_path / f"claim-{basis}.json").write_text("{")
    assert kept_claim(tmp_path, basis) is None
