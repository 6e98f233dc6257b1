"""A decision model answers a ticket in one call, and its probabilities are what the tier stands by."""

import json
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import ModelReply, StopReason, TokenUsage
from tasks.triage.decision import read_suggestion
from tests.worker.models.asking import MAKES, TAXONOMY, TICKET, refused, request, served, systemone
from worker.config.errors import SettingsError
from worker.config.settings import load_settings
from worker.models.genai_pricing import Prices
from worker.models.remote import RemoteModel
from worker.models.systemone.questions import NONE_FROM, questions
from worker.simulator import Simulator

URL = "http://127.0.0.1:1"


def reply_to(body: Any, status: int = 200) -> ModelReply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = httpx2.Response(status, content=content, request=httpx2.Request("POST", URL))
    return systemone(URL).read(response, request())


def answers(duplicate: float = 0.9, none: float = 0.1, **changed: Any) -> dict[str, Any]:
    return {
        "model": "nimble",
        "answers": {
            "label": {
                "type": "choice",
                "choice": "duplicate_charge",
                "probabilities": {"duplicate_charge": duplicate, "password_reset": 1 - duplicate},
            },
            "priority": {"type": "score", "score": 2.1, "probabilities": {"0": 0.1, "1": 0.1, "2": 0.6, "3": 0.2}},
            "none": {"type": "noul", "noul": none},
        }
        | changed,
        "usage": {"input_tokens": 300, "output_tokens": 3},
    }


def submitted(body: Any) -> dict[str, Any]:
    (block,) = reply_to(body).content
    return dict(block["input"])


def test_a_ticket_is_decided_in_one_call_that_stays_within_its_bound() -> None:
    async def work(sim: Simulator, model: RemoteModel) -> None:
        asked = request()
        reply = await model.call(asked)
        (call,) = reply.tool_calls
        decision = read_suggestion(call.arguments, TICKET, TAXONOMY, model.name)
        assert (decision.label, decision.evidence) == ("duplicate_charge", ("You charged my card twice.",))
        assert 0 < model.cost(reply.usage) <= model.worst_case(asked)
        assert sim.calls.total_finished == 1

    served("systemone", work)


def test_each_kind_of_question_is_asked_for_what_it_is_good_for() -> None:
    asked = questions(TAXONOMY)
    assert {name: question["type"] for name, question in asked.items()} == {
        "label": "choice", "priority": "score", "none": "noul",
    }  # fmt: skip
    assert asked["label"]["criteria"] == {label.name: label.description for label in TAXONOMY.labels}
    assert len(asked["priority"]["criteria"]) == 4


def test_the_labels_probability_and_that_of_none_make_the_confidence() -> None:
    decided = submitted(answers(0.9, 0.1))
    assert decided["confidence"] == pytest.approx(0.81)
    assert decided["priority"] == "high"
    assert "90%" in decided["rationale"]
    assert reply_to(answers(0.9, NONE_FROM - 0.01)).abstained == ""
    assert "none of the labels fits" in reply_to(answers(0.9, NONE_FROM)).abstained


@pytest.mark.parametrize(
    ("priority", "read_as"),
    [
        ({"probabilities": {"1": 0.7, "2": 0.1, "3": 0.1, "4": 0.1}}, "low"),
        ({"probabilities": {"0": 0.0, "1": 0.0, "2": 0.0, "3": 1.0}}, "urgent"),
        ({"probabilities": {"0": 1.0}}, "normal"),
        (None, "normal"),
    ],
    ids=["from one", "from zero", "levels missing", "left out"],
)
def test_levels_are_read_however_they_are_counted(priority: Any, read_as: str) -> None:
    assert submitted(answers(priority=priority))["priority"] == read_as


def test_a_label_that_was_not_answered_is_no_decision() -> None:
    reply = reply_to(answers(label=None))
    assert (reply.stop, reply.content) == (StopReason.END_TURN, ())


def test_a_question_of_none_that_was_not_answered_takes_nothing_away() -> None:
    assert submitted(answers(0.9, none=0.4) | {})["confidence"] == pytest.approx(0.54)
    assert submitted(answers(0.9) | {"answers": answers(0.9)["answers"] | {"none": None}})["confidence"] == 0.9


BAD = [
    b"",
    b"[]",
    {"answers": []},
    {"answers": {"label": {"choice": "duplicate_charge"}}},
    {"answers": {"label": {"probabilities": {"another": 1.0}}}},
    {"answers": {"label": {"probabilities": {"duplicate_charge": 1.2}}}},
    {"answers": {"label": {"probabilities": {"duplicate_charge": True}}}},
    {"answers": {"label": {"probabilities": {"duplicate_charge": 0.0}}}},
    answers() | {"usage": {"input_tokens": -1}},
    answers() | {"usage": {}},
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_no_body_is_read_as_answers_that_are_none(body: Any) -> None:
    with pytest.raises(ModelError) as caught:
        reply_to(body)
    assert (caught.value.reason, caught.value.maybe_paid) == (Reason.MALFORMED_REPLY, True)


def test_without_a_usage_the_worst_case_counts() -> None:
    async def work(_: Simulator, model: RemoteModel) -> None:
        asked = request()
        assert model.cost((await model.call(asked)).usage) == model.worst_case(asked)

    served("systemone", work, {"name": "missing_usage"})


STATUSES = [
    ("400", Reason.MODEL_REQUEST_INVALID, False),
    ("401", Reason.MODEL_AUTH, False),
    ("404", Reason.MODEL_NOT_FOUND, False),
    ("429", Reason.MODEL_RATE_LIMITED, False),
    ("500", Reason.MODEL_UNAVAILABLE, False),
    ("502", Reason.MODEL_UNAVAILABLE, True),
    ("529", Reason.MODEL_OVERLOADED, False),
    ("cut", Reason.MODEL_UNAVAILABLE, True),
    ("cut_before_reply", Reason.MODEL_UNAVAILABLE, True),
    ("html200", Reason.MALFORMED_REPLY, True),
]


@pytest.mark.parametrize(("fault", "reason", "paid"), STATUSES)
def test_a_failure_has_its_reason(fault: str, reason: Reason, paid: bool) -> None:
    error = refused("systemone", {"name": fault})
    assert (error.reason, error.maybe_paid) == (reason, paid)


def test_a_chat_model_that_answers_no_questions_is_the_wrong_model() -> None:
    with pytest.raises(ModelError) as caught:
        reply_to({"error": {"message": "no read strategy"}}, 501)
    assert caught.value.reason is Reason.MODEL_NOT_FOUND


def test_the_state_is_what_the_process_shows_and_the_rest_is_the_same_for_every_ticket() -> None:
    model = systemone(URL)
    more = {"role": "user", "content": [{"type": "text", "text": "And hurry."}]}
    sent = json.loads(model.write(replace(request(), messages=(*request().messages, more))))
    assert sent.keys() == {"model", "questions", "state"}
    assert sent["state"].startswith("<ticket>")
    assert sent["state"].endswith("And hurry.")
    assert b"T-7" not in model.write(request())


def test_a_listed_decision_model_bills_no_output() -> None:
    prices = Prices()
    cost = prices.cost("systemone:jev-1.14.0@https://api.typesafe.ai/v1", TokenUsage(1_000_000, 1_000_000))
    assert cost == 42_000_000


def test_a_decision_model_needs_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_MODELS", "systemone:nimble")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "needs a URL: systemone:ID@http://HOST:PORT" in caught.value.faults[0]


def test_a_decision_model_holds_no_conversation() -> None:
    """Its cases are these; those of `MAKES` are of models that use tools."""
    assert "systemone" not in MAKES
