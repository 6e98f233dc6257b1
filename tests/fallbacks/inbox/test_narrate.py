"""Every event has words."""

import pytest

from fallbacks.inbox.narrate import Tone, did, means, narrate
from tasks.run import events as ev
from tests.fakes.desk import TRIAGE

VOCABULARY = {kind.type: kind for kind in ev.Event.__subclasses__()}  # slots make a class twice: the later one counts


@pytest.mark.parametrize("kind", VOCABULARY.values(), ids=VOCABULARY)
def test_every_event_of_the_vocabulary_has_a_line(kind: type[ev.Event]) -> None:
    (line,) = narrate([ev.Recorded(3, 1000, 2, kind())], TRIAGE)
    assert line.text
    assert (line.seq, line.at_ms, line.epoch, line.kind) == (3, 1000, 2, kind.type)


def test_figures_are_there_where_an_event_has_them_and_nowhere_else() -> None:
    replied = ev.ModelReplied(1, "c", (), "tool_use", 10, 5, 3, 2, 700, 0.4)
    lines = narrate([ev.Recorded(0, 0, 1, replied), ev.Recorded(1, 0, 1, ev.Accepted("mail"))], TRIAGE)
    assert (lines[0].tokens_in, lines[0].tokens_out, lines[0].cost_nanodollars, lines[0].seconds) == (15, 5, 700, 0.4)
    assert (lines[1].tokens_in, lines[1].cost_nanodollars, lines[1].seconds) == (None, None, None)


def test_a_reply_is_told_by_what_it_does() -> None:
    blocks = [
        {"type": "text", "text": "Let me see. " * 100},
        {"type": "tool_use", "name": "lookup_customer"},
        {"type": "tool_use", "name": "submit_decision"},
    ]
    told = did(blocks)
    assert told.startswith("said “Let me see.")
    assert told.endswith("…”, called lookup_customer, submitted its decision")
    assert did([]) == "said nothing"


def test_a_failure_is_told_in_the_words_of_the_plan_and_an_unknown_reason_stands_for_itself() -> None:
    (line,) = narrate([ev.Recorded(0, 0, 1, ev.RunStopped(2, "cost_limit", "over"))], TRIAGE)
    assert (line.tone, line.text) == (
        Tone.FAILURE,
        "stopped at step 2: the next call could cost more than the run may spend",
    )
    assert means("of_the_future") == "of_the_future"


def test_what_allowed_the_agent_to_decide_or_not_is_told() -> None:
    why = "40 of 59 people agreed"
    suggested, alone = narrate(
        [
            ev.Recorded(0, 0, 1, ev.Suggested("suggestions", why)),
            ev.Recorded(1, 0, 1, ev.Decided("agent", "auto", None, why)),
        ],
        TRIAGE,
    )
    assert suggested.detail == f"inbox queue suggestions; {why}"
    assert alone.detail == why
    (old,) = narrate([ev.Recorded(0, 0, 1, ev.Suggested("suggestions"))], TRIAGE)
    assert old.detail == "inbox queue suggestions"


def test_what_the_prompt_cache_did_is_told_where_it_did_something() -> None:
    cached, plain = narrate(
        [
            ev.Recorded(0, 0, 1, ev.ModelReplied(1, "c", (), "tool_use", 10, 5, 3, 2)),
            ev.Recorded(1, 0, 1, ev.ModelReplied(1, "c", (), "tool_use", 10, 5)),
        ],
        TRIAGE,
    )
    assert cached.detail == "stop: tool_use; cache: 2 tokens read, 3 written"
    assert plain.detail == "stop: tool_use"
