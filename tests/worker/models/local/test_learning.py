"""The learning loop: divided honestly, compared in pairs, promoted by rule, rolled back, and never unpickled."""

import json
from hashlib import sha256
from pathlib import Path
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ticket import Ticket
from tasks.triage.taxonomy import Label, Taxonomy, Team
from tests.services.optional import LOCAL_MODEL
from worker import sample
from worker.config.errors import LocalModelError
from worker.config.settings import Settings, load_settings
from worker.config.yaml_taxonomy import load_taxonomy
from worker.models.held_out import never_learned
from worker.models.local.choice import local_model, proved, versions_of
from worker.models.local.features import Vocabulary
from worker.models.local.forward import FIRST, blocks, routed_forward
from worker.models.local.learning import (
    Comparison,
    compare,
    compared,
    enough,
    examples_from,
    fresh,
    material,
    version_of,
)
from worker.models.local.model import LocalModel
from worker.models.local.parameters import FORM
from worker.models.local.scope import likeness, scope_scores
from worker.models.local.training import ALGORITHM, train
from worker.models.local.versions import Version, Versions
from worker.models.promises import promised
from worker.models.tier import NEVER

pytestmark = LOCAL_MODEL

TAXONOMY = Taxonomy(
    teams=(Team(name="red", description="r"), Team(name="blue", description="b")),
    labels=(Label(name="tomato", description="t", team="red"), Label(name="sky", description="s", team="blue")),
)
SAMPLE = load_taxonomy(sample.path("taxonomy.yaml"))
TEAM_OF = {"tomato": "red", "sky": "blue"}
RIGHT = [(f"the tomato is ripe and red {i}", "tomato") for i in range(30)]
RIGHT += [(f"a wide blue sky above {i}", "sky") for i in range(30)]
SWAPPED = [(text, "sky" if label == "tomato" else "tomato") for text, label in RIGHT]


def model(rows: list[tuple[str, str]]) -> LocalModel:
    return LocalModel.of(TAXONOMY, train(rows, TEAM_OF), "test")


def version(verdict: Comparison) -> Version:
    return version_of(verdict, 100)


WON = compared([True] * 60, [False] * 60)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.sampled_from(["tomato", "sky", "gone"])), max_size=60))
def test_no_text_is_twice_in_it_and_some_decisions_are_never_learned(rows: list[tuple[str, str]]) -> None:
    given_ = material(rows[: len(rows) // 3], rows, TEAM_OF)
    decided = [text for text, _ in given_.decided]
    assert len(set(decided)) == len(decided)
    assert not set(decided) & {text for text, _ in given_.base}
    assert {text for text, _ in given_.learn} == {text for text, _ in given_.base} | {
        text for text in decided if not never_learned(text)
    }


def test_of_one_text_decided_twice_the_later_decision_stands_and_unknown_labels_are_counted() -> None:
    found = material([("b", "tomato")], [("a", "tomato"), ("b", "sky"), ("a", "sky"), ("c", "gone")], TEAM_OF)
    assert (found.base, found.decided, found.unknown) == ([], [("b", "sky"), ("a", "sky")], 1)


def decisions(count: int) -> list[tuple[str, str]]:
    """Skies and tomatoes in turn, no text twice."""
    kinds = (("a wide blue sky above", "sky"), ("the tomato is ripe and red", "tomato"))
    return [(f"{kinds[n % 2][0]} {1000 + n}", kinds[n % 2][1]) for n in range(count)]


def test_learning_wins_over_a_model_that_is_wrong_and_not_over_one_that_is_right() -> None:
    swapped = material([], decisions(120), TEAM_OF)
    won = compare(swapped, model(SWAPPED), TEAM_OF)
    assert (won.held_out, won.right, won.right_before, won.wins, won.losses) == (70, 70, 0, 70, 0)
    assert won.better
    assert not compare(swapped, model(RIGHT), TEAM_OF).better
    assert compare(swapped, None, TEAM_OF).better


def test_what_the_model_at_work_has_learned_from_is_no_test_of_it() -> None:
    given_ = material([], [*RIGHT, *decisions(20)], TEAM_OF)
    learned = model(RIGHT)
    assert fresh(given_, learned) == decisions(20)
    with pytest.raises(LocalModelError, match="20 decisions that the model at work has not learned from are too few"):
        enough(given_, learned)
    enough(given_, None)


def test_a_block_is_tested_by_what_came_before_it_alone() -> None:
    """People change their mind at the 60th decision: what is learned of it shows only later."""
    changed = [(text, label if n < 60 else {"sky": "tomato", "tomato": "sky"}[label])
               for n, (text, label) in enumerate(decisions(400))]  # fmt: skip
    routed = routed_forward([], changed, [False] * 400, TEAM_OF)
    right = [team == TEAM_OF[label] for team, (_, label) in zip(routed, changed[FIRST:], strict=True)]
    assert blocks(400)[:2] == [(50, 70), (70, 98)]
    assert (all(right[:10]), any(right[10:20]), all(right[-100:])) == (True, False, True)


def test_the_case_that_a_look_at_one_in_five_refused_is_promoted() -> None:
    def found(tested: int, wins: int, losses: int) -> Comparison:
        outcomes = [1] * wins + [-1] * losses + [0] * (tested - wins - losses)
        Random(17).shuffle(outcomes)
        return compared([each >= 0 for each in outcomes], [each <= 0 for each in outcomes])

    assert found(4_000, 231, 132).better
    assert found(950, 55, 31).better
    assert not found(800, 40, 40).better


def test_the_worker_uses_what_was_promoted_and_rolls_back(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(json.dumps({"body": text, "label": label}) for text, label in RIGHT), "utf-8")
    settings = Settings(home=tmp_path, model="local", training_data=data)
    asked = Ticket(source="test", subject="", body="such a ripe tomato")
    first = local_model(settings, TAXONOMY)
    assert first.guess(asked).label == "tomato"
    versions = versions_of(settings)
    one = versions.promote(train(SWAPPED, TEAM_OF), version(WON))
    two = versions.promote(train(RIGHT, TEAM_OF), version(WON))
    assert (one.replaces, two.replaces) == ("", one.name)
    assert local_model(settings, TAXONOMY).version == two.name
    rolled = versions.rollback()
    assert rolled is not None
    assert rolled.name == one.name
    assert local_model(settings, TAXONOMY).guess(asked).label == "sky"
    assert versions.rollback() is None
    assert local_model(settings, TAXONOMY).version == first.version
    with pytest.raises(LocalModelError, match="nothing to roll back"):
        versions.rollback()
    third = versions.promote(train(RIGHT, TEAM_OF), version(WON))
    assert [each.name[:4] for each in versions.all()] == ["0001", "0002", "0003"]
    assert third.replaces == ""


def test_damaged_weights_and_those_of_another_release_are_refused_not_replaced(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    promoted = versions.promote(train(RIGHT, TEAM_OF), version(WON))
    (file,) = versions.folder.glob("*.npz")
    file.write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")  # a pickle is not even read
    with pytest.raises(LocalModelError, match="missing or damaged"):
        versions.load(promoted)
    index = versions.folder / "versions.json"
    index.write_text(index.read_text("utf-8").replace(promoted.code, "0" * 12), "utf-8")
    current = versions.current()
    assert current is not None
    with pytest.raises(LocalModelError, match="another release"):
        versions.load(current)
    index.write_text("{", "utf-8")
    with pytest.raises(LocalModelError, match="cannot be read"):
        versions.current()


def test_weights_are_read_as_form_three_reads_them() -> None:
    """Where this fails, stored weights have come to mean something else: raise `FORM` and state the new figures."""
    vocabulary = Vocabulary.learn(["The red tomato isn\u2019t ripe", "a red tomato", "the wide sky", "a wide sky"])
    asked = vocabulary.encode(["Is the RED tomato wide, wide?"])
    row = asked[0]
    digest = sha256("\n".join(vocabulary.grams).encode()).hexdigest()[:12]
    figures = (round(float(row.weights.sum()), 3), round(float(vocabulary.idf.sum()), 3), len(row.ids), row.words)
    seen = np.array([[gram == "w red"] for gram in vocabulary.grams], dtype=np.uint8)
    known = SimpleNamespace(
        vocabulary=vocabulary, seen=seen, nearest=lambda *_: [0.5], margins=lambda *_: [0.3], scope_from=5.0
    )
    score = round(scope_scores(known, asked, [0], [0.9], np.array([0]))[0], 3)  # type: ignore[arg-type]
    words = ("is", "the", "red", "tomato", "wide")
    assert (FORM, digest, figures, score) == (3, "6ec90d289773", (6.127, 97.628, 50, words), 6.41)
    assert len(vocabulary.of_token("is")) == 0
    assert round(likeness(known, score), 3) == 0.968  # type: ignore[arg-type]


def test_the_same_rows_give_what_algorithm_five_gives() -> None:
    """Where this fails, training gives other parameters: raise `ALGORITHM` and state the new figures."""
    labels = ("pending_top_up", "top_up_failed", "pending_transfer", "failed_transfer", "card_arrival", "card_linking")
    rows = [(row["body"], row["label"]) for row in sample.rows("train") if row["label"] in labels]
    learned = train(rows[::3], {label.name: label.team for label in SAMPLE.labels})
    counts = (len(learned.vocabulary.grams), len(learned.posting_texts), int(learned.seen.sum()))
    sums = [np.abs(part).sum() for part in (learned.weights, learned.bounds)]
    assert (ALGORITHM, *counts) == (5, 2866, 21023, 8310)
    assert [*sums, learned.sharpness, learned.scope_from] == pytest.approx([2751.2, 545.5, 2.462, 10.065], rel=1e-3)


def test_a_tier_stands_by_nothing_until_enough_was_held_out(tmp_path: Path) -> None:
    mine, few = load_settings(home=tmp_path), model(RIGHT[:20] + RIGHT[-20:])
    found = promised(mine, proved(few, mine))
    assert found.threshold == NEVER
    assert found.rests_on.startswith("95% right: nothing is proved: ")
    assert promised(load_settings(home=tmp_path, min_confidence=0.4), proved(few, mine)).threshold == 0.4


def test_a_tier_stands_by_what_it_proved_on_tickets_it_had_not_learned(tmp_path: Path) -> None:
    labels = ("pending_top_up", "top_up_failed", "pending_transfer", "failed_transfer", "card_arrival", "card_linking")
    rows = [(row["body"], row["label"]) for row in sample.rows("train") if row["label"] in labels]
    learned = LocalModel.of(SAMPLE, train(rows, {label.name: label.team for label in SAMPLE.labels}), "v")
    assert len(learned.held_out) == len(rows)
    found = proved(learned, load_settings(home=tmp_path))
    assert found.confidence is not None
    assert found.at_least >= 0.95
    assert found.covered > 0.7 * len(rows)
    strict = proved(learned, load_settings(home=tmp_path, precision=0.98))
    assert strict.confidence is None or strict.confidence >= found.confidence


def test_a_version_whose_labels_the_taxonomy_lost_is_refused(tmp_path: Path) -> None:
    other = Label(name="sea", description="s", team="blue")
    changed = TAXONOMY.model_copy(update={"labels": (TAXONOMY.labels[0], other)})
    with pytest.raises(LocalModelError, match="sky"):
        LocalModel.of(changed, train(RIGHT, TEAM_OF), "v")


def test_examples_of_the_ledger_are_rows() -> None:
    stored = [{"text": "a", "label": "sky", "by": "ann"}, {"text": "", "label": "sky"}]
    assert examples_from(stored) == [("a", "sky")]
