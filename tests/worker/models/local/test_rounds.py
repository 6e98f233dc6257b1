"""Learning by itself: by proof into the shadow, out of it, and back again."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fallbacks.ledger.past.examples import Example, read_example
from tasks.triage.process import Triage
from tasks.triage.prompt import built_in
from tests.services.optional import LOCAL_MODEL
from tests.worker.models.local.test_learning import SWAPPED, TAXONOMY, TEAM_OF, decisions, model
from worker.models.held_out import never_learned
from worker.models.local.carrying import left_by
from worker.models.local.learning import compared, material, version_of
from worker.models.local.rounds import Happened, School, since
from worker.models.local.training import train
from worker.models.local.versions import Versions
from worker.models.training_rows import Row

pytestmark = LOCAL_MODEL

OTHER = {"sky": "tomato", "tomato": "sky"}


@pytest.fixture(scope="module")
def wrong() -> Callable[[], object]:
    """The model of the training data, which has the labels the wrong way round."""
    made = model(SWAPPED)
    return lambda: made


def school(folder: Path, wrong: Callable[[], object]) -> School:
    return School(Versions(folder), TAXONOMY, wrong, SWAPPED)  # type: ignore[arg-type]


def of_another_mind(rows: list[Row]) -> list[Row]:
    return [(text, OTHER[label]) for text, label in rows]


def test_a_candidate_works_after_the_shadow_and_goes_when_it_proves_worse(
    tmp_path: Path, wrong: Callable[[], object]
) -> None:
    ours, all_ = school(tmp_path, wrong), decisions(260)
    assert ours.round(all_[:60]).happened is Happened.NOTHING
    shadowed = ours.round(all_[:120])
    assert shadowed.happened is Happened.SHADOWED
    candidate = ours.versions.shadow()
    assert candidate is not None
    assert ours.versions.current() is None
    assert ours.round(all_[:140]).words.endswith(
        "decisions were made since " + candidate.name + " learned, in the shadow"
    )
    promoted = ours.round(all_[:160])
    assert promoted.happened is Happened.PROMOTED
    assert "in the shadow better on" in promoted.words
    assert ours.versions.current() == candidate
    assert ours.round(all_[:180]).happened is Happened.NOTHING

    assert ours.round(all_[:220]).happened is Happened.NOTHING
    rolled = ours.round([*all_[:220], *of_another_mind(all_[220:])])
    assert (rolled.happened, ours.versions.current()) == (Happened.ROLLED_BACK, None)
    assert rolled.words.startswith("the model of the training data works again, since it has come to be better")


def test_a_candidate_that_is_worse_in_the_shadow_is_dropped_and_so_is_one_too_late(
    tmp_path: Path, wrong: Callable[[], object]
) -> None:
    ours, all_ = school(tmp_path, wrong), decisions(180)
    assert ours.round(all_[:120]).happened is Happened.SHADOWED
    dropped = ours.round([*all_[:120], *of_another_mind(all_[120:])])
    assert dropped.happened is Happened.DROPPED
    assert (ours.versions.shadow(), ours.versions.current(), list(ours.versions.folder.glob("*.npz"))) == (
        None,
        None,
        [],
    )

    assert ours.round(all_[:120]).happened is Happened.SHADOWED
    ours.versions.promote(train(SWAPPED[:40], TEAM_OF), version_of(compared([True], [False]), 40))
    assert ours.round(all_[:121]).words.endswith("what it was to replace works no more")


def test_what_was_decided_since_begins_with_what_the_model_would_have_learned() -> None:
    all_ = decisions(150)
    given = material([], all_, TEAM_OF)
    learned = model([row for row in all_[:100] if not never_learned(row[0])])
    first = next(at for at in range(100, 150) if not never_learned(all_[at][0]))
    assert since(given, learned) == all_[first:]


def test_a_version_takes_over_what_it_says_too_and_what_it_has_learned_to_say_otherwise_afterwards() -> None:
    process = Triage(TAXONOMY, built_in(0.7))
    learned = model([*decisions(60), ("the tomato is ripe and red 7", "sky")])

    def example(text: str, suggested: str, decided: str) -> Example:
        agent = {"label": suggested, "team": TEAM_OF[suggested], "tier": "local", "version": "v1"}
        return read_example(
            process, json.dumps({"text": text, "label": decided, "team": TEAM_OF[decided], "agent": agent})
        )

    known, learned_from, strange = "the tomato is ripe and red 1", decisions(2)[1][0], "colourless green ideas"
    said = {
        (known, "tomato", "tomato"): False,
        (known, "tomato", "sky"): False,
        (known, "sky", "sky"): True,
        (known, "sky", "tomato"): True,
        (learned_from, "sky", "tomato"): False,  # it has learned from it
        (strange, "sky", "sky"): True,  # it abstains
    }
    examples = [example(*each) for each in said]
    left = left_by(learned, 0.5, process, examples)
    assert [left(each) for each in examples] == list(said.values())
