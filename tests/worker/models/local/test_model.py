"""The local model: as good as measured, honest about its confidence, cached without pickle, one trainer at a time."""

import asyncio
import json
import multiprocessing
import os
import sys
from copy import copy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conversation import Added, Message, conversation
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint
from tasks.run.messages import ModelRequest, StopReason, TokenUsage
from tasks.run.reading import Reader
from tasks.ticket import Ticket
from tasks.triage.decision import read_suggestion
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Label, Taxonomy, Team
from tests.chaos.threads import threads
from tests.depth import cases
from tests.services.optional import LOCAL_MODEL
from worker import sample
from worker.config.errors import LocalModelError
from worker.config.yaml_taxonomy import load_taxonomy
from worker.models.local import parameters as local_parameters
from worker.models.local import processes
from worker.models.local import training as local_training
from worker.models.local.features import words
from worker.models.local.judging import UNFAMILIAR_CEILING, Clauses, judged, judged_texts
from worker.models.local.model import MIN_CONFIDENCE, NONE_FITS, UNFAMILIAR, LocalModel
from worker.models.local.scope import scope_scores
from worker.models.training_rows import read_rows

pytestmark = LOCAL_MODEL

TAXONOMY = load_taxonomy(sample.path("taxonomy.yaml"))
SMALL = Taxonomy(
    teams=(Team(name="red", description="r"), Team(name="blue", description="b")),
    labels=(
        Label(name="tomato", description="t", team="red"),
        Label(name="sky", description="s", team="blue"),
        Label(name="unused", description="u", team="blue"),
    ),
)


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all processes of the tests: whoever asks first trains, twenty seconds of CPU, and the others wait."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "local-model"
    folder.mkdir(exist_ok=True)
    LocalModel(TAXONOMY, folder)
    return folder


@pytest.fixture(scope="session")
def model(trained_folder: Path) -> LocalModel:
    """From the cache, so that what is stored is what is tested."""
    return LocalModel(TAXONOMY, trained_folder)


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    file = tmp_path / "labelled.jsonl"
    texts = [(f"the tomato is ripe and red {i}", "tomato") for i in range(10)]
    texts += [(f"a wide blue sky above {i}", "sky") for i in range(10)]
    file.write_text(
        "\n".join(json.dumps({"subject": "", "body": body, "label": label}) for body, label in texts), "utf-8"
    )
    return file


def ticket(body: str, subject: str = "") -> Ticket:
    return Ticket(source="test", subject=subject, body=body)


def request(asked: Ticket) -> ModelRequest:
    return ModelRequest("call-1", asked, "", (), (), 100)


def test_on_the_test_split_it_decides_nine_of_ten_at_ninety_eight_percent(model: LocalModel) -> None:
    """Measured: team 0.969, label 0.916 over all; team 0.992 of the 0.927 it decides."""
    rows = sample.rows("test")
    guesses = [model.guess(ticket(row["body"])) for row in rows]
    right = np.array([guess.team == row["team"] for guess, row in zip(guesses, rows, strict=True)])
    sure = np.array([guess.familiar and guess.confidence >= MIN_CONFIDENCE for guess in guesses])
    confidence = np.array([guess.confidence for guess in guesses])
    bins = np.minimum((confidence * 10).astype(int), 9)
    errors = [abs(confidence[bins == i].mean() - right[bins == i].mean()) * (bins == i).mean() for i in set(bins)]
    assert right.mean() > 0.96
    assert np.mean([guess.label == row["label"] for guess, row in zip(guesses, rows, strict=True)]) > 0.90
    assert sure.mean() > 0.92
    assert right[sure].mean() > 0.985
    assert sum(errors) < 0.025


def test_many_at_once_are_read_as_each_alone_to_the_bit(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = [row["body"] for row in sample.rows("test")[::17]]
    mail = "Good evening! {} I read all of the help pages. {}\n\nBest, Amy"
    framed = [mail.format(one, other) for one, other in pairwise(bodies[:60])]
    odd = ["???", "zxcv qwop", "card " * 700, "\u200b", "A\n.\nB! " * 300]
    asked = list(map(ticket, [*odd, *bodies, *framed, *odd]))
    message = Message(id="m", body="And how do I change my PIN?")
    asked.insert(7, conversation(asked[10], [Added(message, at_ms=1)]))
    alone = [model.guess(one) for one in asked]
    assert model.guesses(asked) == alone
    assert model.guesses([]) == []
    monkeypatch.setattr(processes, "WORTH", 2)
    monkeypatch.setattr(processes, "AT_ONCE", 50)
    assert processes.guesses_of(model, asked, 2) == alone
    ahead = copy(model)
    processes.read_ahead(ahead, asked)
    assert len(ahead.known) > 200
    assert [ahead.guess(one) for one in asked] == alone


@settings(max_examples=cases(30, 500))
@given(st.lists(st.text(min_size=1, max_size=300).filter(str.strip), max_size=12))
def test_whatever_stands_beside_a_text_changes_nothing_of_it(model: LocalModel, bodies: list[str]) -> None:
    asked = list(map(ticket, bodies))
    assert model.guesses(asked) == [model.guess(one) for one in asked]


def test_its_answer_is_a_valid_submission(model: LocalModel) -> None:
    for item in sample.sample_tickets("test", 200, seed=1):
        asked = Ticket.model_validate(item["ticket"])
        reply = asyncio.run(model.call(request(asked)))
        (call,) = reply.tool_calls
        decision = read_suggestion(call.arguments, asked, TAXONOMY, reply.model)
        assert (call.name, reply.stop, reply.raw_stop) == ("submit_decision", StopReason.TOOL_USE, "tool_use")
        assert decision.tier == "local"


def test_it_costs_nothing(model: LocalModel) -> None:
    asked = request(ticket("Where is my card?"))
    reply = asyncio.run(model.call(asked))
    assert (model.worst_case(asked), model.cost(reply.usage), reply.usage) == (0, 0, TokenUsage())


def test_the_rationale_names_words_and_the_runner_up_and_the_evidence_is_the_telling_sentence(
    model: LocalModel,
) -> None:
    asked = ticket("Hello there. I hope you are well. The machine swallowed my card! Bye for now.", "Question")
    arguments = asyncio.run(model.call(request(asked))).tool_calls[0].arguments
    assert arguments["label"] == "card_swallowed"
    assert arguments["evidence"] == ["The machine swallowed my card!"]
    assert "'swallowed'" in arguments["rationale"]
    assert "against" in arguments["rationale"]


@pytest.mark.parametrize("text", ["zxcv qwop", "???", "今日の天気はどうですか", "\u200b", "Lorem ipsum dolor sit amet"])
def test_what_is_unlike_everything_learned_is_never_sure(model: LocalModel, text: str) -> None:
    guess = model.guess(ticket(text))
    assert guess.confidence <= UNFAMILIAR_CEILING < MIN_CONFIDENCE
    assert not guess.familiar


def test_confidence_is_capped_by_how_much_the_ticket_is_like_what_was_learned(model: LocalModel) -> None:
    question = "The machine swallowed my card, how do I get it back?"
    framed = f"Dear friends over there in the office: {question}"
    plain, polite = (model.guess(ticket(text)) for text in (question, framed))
    assert plain.label == polite.label == "card_swallowed"
    assert plain.confidence > MIN_CONFIDENCE
    assert polite.confidence < plain.confidence <= plain.team_probability
    assert polite.confidence < polite.team_probability
    said = asyncio.run(model.call(request(ticket(framed)))).tool_calls[0].arguments["rationale"]
    assert said.endswith(f"like the tickets it learned from: its confidence is capped at {polite.confidence:.0%}.")


@given(st.text(st.sampled_from("aZé1Σς'\u2019İß._-!?…  \t\n\r\x85\u2028\u00a0\u200b字́"), max_size=60))
def test_the_words_of_a_text_are_those_of_its_sentences(text: str) -> None:
    assert Clauses.of(text).all_words == words(text)


def test_a_long_mail_is_judged_by_the_sentence_that_asks(model: LocalModel) -> None:
    """As a whole it is unlike what was learned: of two hundred such mails 3 % were decided."""
    rows = sample.rows("test")[::31]
    mail = (
        "Dear Sir or Madam,\n\nit has been a long week at work. I read all the pages of the help centre. {} "
        "My number is in the signature.\n\nRegards\nO. Lindqvist\nHead of Sales, Lindqvist & Sons"
    )
    guesses = [(model.guess(ticket(mail.format(row["body"]))), row["team"]) for row in rows]
    decided = [guess.team == team for guess, team in guesses if guess.familiar and guess.confidence >= MIN_CONFIDENCE]
    assert len(decided) > 0.75 * len(rows)
    assert sum(decided) > 0.95 * len(decided)
    asked = request(ticket(mail.format("The machine swallowed my card!")))
    assert asyncio.run(model.call(asked)).tool_calls[0].arguments["evidence"] == ["The machine swallowed my card!"]


def test_a_sentence_makes_a_greeted_ticket_surer_of_its_team_and_never_moves_it(model: LocalModel) -> None:
    known, teams, surer = model._parameters, model._team_of, 0
    for row in sample.rows("test")[::61]:
        text = f"Hello,\n\n{row['body']}\n\nThanks, John"
        (whole,), (found,) = (
            judged(known, known.vocabulary.encode([text]), teams),
            judged_texts(known, [Clauses.of(text)], teams),
        )
        assert found.team == whole.team or not whole.familiar
        surer += whole.familiar and found.confidence > whole.confidence
    assert surer > 10


def test_two_sentences_that_ask_for_different_teams_are_not_decided(model: LocalModel) -> None:
    both = "Good evening to all of you! I lost my phone yesterday. The machine swallowed my card. Yours Maximilian"
    assert model.guess(ticket(both)).confidence < MIN_CONFIDENCE


def test_what_is_out_of_scope_ends_as_low_confidence_and_says_so(model: LocalModel) -> None:
    foreign = ticket("Please translate the attached poem about glaciers into Norwegian by Thursday")
    reply = asyncio.run(model.call(request(foreign)))
    submitted, stopped = Reader(Agent(Triage(TAXONOMY), {}), foreign, "local", 0.0).read(reply, Checkpoint(), 1)
    assert isinstance(submitted, ev.DecisionSubmitted)
    assert isinstance(stopped, ev.RunStopped)
    assert (stopped.reason, stopped.detail) == ("low_confidence", UNFAMILIAR)
    assert "out of scope" in UNFAMILIAR


@settings(max_examples=cases(60, 1000))
@given(st.text(min_size=1, max_size=400).filter(str.strip), st.text(max_size=50))
def test_whatever_the_text_the_submission_is_valid(model: LocalModel, body: str, subject: str) -> None:
    asked = ticket(body, subject)
    reply = asyncio.run(model.call(request(asked)))
    read_suggestion(reply.tool_calls[0].arguments, asked, TAXONOMY, reply.model)


@pytest.mark.parametrize("unit", ["a", " .", "card! ", "é", "x\n", "\t"])
def test_the_longest_ticket_is_answered_validly(model: LocalModel, unit: str) -> None:
    asked = ticket((unit * 60_000)[:59_990] + "z")
    reply = asyncio.run(model.call(request(asked)))
    read_suggestion(reply.tool_calls[0].arguments, asked, TAXONOMY, reply.model)


def test_the_cache_is_reused_and_holds_no_pickle(trained_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("worker.models.local.model.train", forbidden)
    LocalModel(TAXONOMY, trained_folder)
    (file,) = trained_folder.glob("*.npz")
    with np.load(file, allow_pickle=False) as stored:
        assert all(stored[name].dtype.kind in "uif" for name in stored.files)


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_cache_is_made_again(tmp_path: Path, small_data: Path, damage: bytes | None) -> None:
    LocalModel(SMALL, tmp_path / "state", small_data)
    (file,) = (tmp_path / "state").glob("*.npz")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    LocalModel(SMALL, tmp_path / "state", small_data)
    assert local_parameters.load(file) is not None
    assert [path.suffix for path in sorted((tmp_path / "state").iterdir())] == [".npz", ".lock"]


def test_other_data_and_other_teams_have_caches_of_their_own(tmp_path: Path, small_data: Path) -> None:
    LocalModel(SMALL, tmp_path / "state", small_data)
    moved = tuple(label.model_copy(update={"team": "blue"}) for label in SMALL.labels)
    LocalModel(SMALL.model_copy(update={"labels": moved}), tmp_path / "state", small_data)
    small_data.write_text(small_data.read_text("utf-8") + '\n{"body": "more tomato", "label": "tomato"}', "utf-8")
    LocalModel(SMALL, tmp_path / "state", small_data)
    assert len(list((tmp_path / "state").glob("*.npz"))) == 3


@pytest.mark.parametrize(
    ("name", "other"), [("FORM", 99), ("ALGORITHM", 99), ("library", lambda: "1.0"), ("library", lambda: "")]
)
def test_another_form_algorithm_or_library_learns_anew(
    tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch, name: str, other: object
) -> None:
    before = LocalModel(SMALL, tmp_path / "state", small_data)
    monkeypatch.setattr(f"worker.models.local.model.{name}", other)
    assert LocalModel(SMALL, tmp_path / "state", small_data).version != before.version
    assert len(list((tmp_path / "state").glob("*.npz"))) == 2


def test_a_team_that_is_alone_has_no_bounds_and_is_answered(tmp_path: Path, small_data: Path) -> None:
    moved = tuple(label.model_copy(update={"team": "blue"}) for label in SMALL.labels)
    alone = LocalModel(SMALL.model_copy(update={"labels": moved}), tmp_path, small_data)
    assert alone.guess(ticket("the tomato is ripe")).familiar


def test_what_is_stored_is_what_was_learned(tmp_path: Path, small_data: Path) -> None:
    learned = local_training.train(read_rows(small_data), {"tomato": "red", "sky": "blue"})
    local_parameters.save(learned, tmp_path / "saved.npz")
    stored = local_parameters.load(tmp_path / "saved.npz")
    assert stored is not None
    for name in ("weights", "posting_texts", "seen", "bounds", "bound_bias", "bound_of"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(learned, name))
    assert stored.scope_from == learned.scope_from
    assert len(learned.held_confidence) == len(learned.held_right) == len(read_rows(small_data))
    np.testing.assert_array_equal(stored.held_confidence, learned.held_confidence)


def test_the_nearest_text_is_found_by_parts_and_looked_for_only_where_it_matters(model: LocalModel) -> None:
    known, of_text = model._parameters, np.repeat(0.0, len(model._parameters.text_labels))
    own = model._team_of == 3
    asked = known.vocabulary.encode(["I hope you are well. My card has still not arrived, where is it? Kind regards"])
    for gram, weight in zip(asked[0].ids, asked[0].weights, strict=True):
        at = slice(known.posting_starts[gram], known.posting_starts[gram + 1])
        of_text[known.posting_texts[at]] += known.posting_weights[at] * weight
    wanted = 2 * of_text[own[known.text_labels]].max()
    assert known.nearest(asked.weights, own) == pytest.approx([wanted], rel=1e-5)
    assert known.nearest(asked.weights, np.zeros_like(own)) == [0]
    label = [int(np.flatnonzero(own)[0])]
    (whole,) = scope_scores(known, asked, label, [0.9], model._team_of)
    assert scope_scores(known, asked, label, [0.9], model._team_of, whole) == [whole]
    assert scope_scores(known, asked, label, [0.9], model._team_of, whole + 10)[0] < whole


def test_two_labels_suffice(tmp_path: Path, small_data: Path) -> None:
    small = LocalModel(SMALL, tmp_path / "state", small_data)
    assert small.guess(ticket("such a ripe tomato")).label == "tomato"
    assert small.guess(ticket("the sky is wide and blue")).team == "blue"


def test_that_no_label_fits_is_handed_on_and_never_stood_by(tmp_path: Path, small_data: Path) -> None:
    labels = tuple(each.model_copy(update={"none_of_these": each.name == "sky"}) for each in SMALL.labels)
    model = LocalModel(Taxonomy(teams=SMALL.teams, labels=labels), tmp_path / "state", small_data)
    bodies = ("the tomato is ripe and red 3", "a wide blue sky above 3")
    told = {body: asyncio.run(model.call(request(ticket(body)))).abstained for body in bodies}
    assert list(told.values()) == ["", NONE_FITS.format("sky")]
    confidence, right = zip(*model.held_out, strict=True)
    assert all(right)
    assert 0 < sum(each > 0 for each in confidence) <= 10


def _start(folder: Path, data: Path, barrier: "multiprocessing.synchronize.Barrier") -> None:
    trainings = []
    real = local_training.train
    from worker.models.local import model as local_model

    local_model.train = lambda *given: trainings.append(1) or real(*given)  # type: ignore[func-returns-value]
    barrier.wait(120)
    model = LocalModel(SMALL, folder, data)
    assert model.guess(ticket("ripe tomato")).label == "tomato"
    (folder / f"trained-{multiprocessing.current_process().pid}-{len(trainings)}").touch()


def test_of_processes_that_start_together_one_trains(tmp_path: Path, small_data: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(3)
    (tmp_path / "state").mkdir()
    started = [spawn.Process(target=_start, args=(tmp_path / "state", small_data, barrier)) for _ in range(3)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    assert [process.exitcode for process in started] == [0, 0, 0]
    assert sorted(file.name[-1] for file in (tmp_path / "state").glob("trained-*")) == ["0", "0", "1"]


def test_labels_the_taxonomy_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"'Refund_not_showing_up' and 76 more labels that the taxonomy does not"):
        LocalModel(SMALL, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "fewer than two labels"),
        ('{"body": "x"}', "not labelled JSONL"),
        ("{", "not labelled JSONL"),
        ("[1]", "not labelled"),
    ],
)
def test_unusable_data_is_refused(tmp_path: Path, text: str, message: str) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(text, "utf-8")
    with pytest.raises(LocalModelError, match=message):
        LocalModel(SMALL, tmp_path / "state", data)


def test_missing_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"none\.jsonl: cannot be read"):
        LocalModel(SMALL, tmp_path, tmp_path / "none.jsonl")


@pytest.fixture
def without_sklearn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)


@pytest.mark.usefixtures("without_sklearn")
def test_without_scikit_learn_training_names_the_extra_and_the_cache_still_works(
    trained_folder: Path, tmp_path: Path, small_data: Path
) -> None:
    with pytest.raises(LocalModelError, match=r'pip install "deskhand\[local\]"'):
        LocalModel(SMALL, tmp_path / "state", small_data)
    assert LocalModel(TAXONOMY, trained_folder).guess(ticket("I lost my card")).team == "fraud_and_security"


@pytest.mark.parametrize(
    ("added", "label"),
    [
        (["Any news?", "Did you get my last message?"], "card_arrival"),
        (["That is solved, it came. My new question: How do I change my PIN?", "Any news?"], "change_pin"),
        (["How do I change my PIN?", "Thanks!"], "change_pin"),
    ],
    ids=["nudges", "another matter", "thanks"],
)
def test_a_conversation_is_about_its_newest_words_that_say_something(
    model: LocalModel, added: list[str], label: str
) -> None:
    ticket = Ticket(source="t", subject="", body="My card has not arrived yet")
    whole = conversation(ticket, [Added(Message(id=f"m{n}", body=body), at_ms=n) for n, body in enumerate(added)])
    assert model.guess(whole).label == label


def test_most_conversations_are_read_as_they_call_for(model: LocalModel) -> None:
    right = 0
    for thread in threads(60):
        added = [Added(Message(id=f"m{n}", body=body), at_ms=n) for n, body in enumerate(thread.messages)]
        right += (
            model.guess(conversation(Ticket(source="t", subject="", body=thread.first), added)).label == thread.label
        )
    assert right >= 50
