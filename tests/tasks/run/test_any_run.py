"""What holds for any run: whatever the model says, wherever the process dies, the books and the conversation agree."""

import asyncio
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.checkpoint import fold
from tasks.run.limits import Limits
from tasks.run.messages import Message, TokenUsage
from tests.depth import cases
from tests.fakes.desk import TOOL_TROUBLE, Desk, Workshop, search, submit, take_unwritten, unfit
from tests.fakes.recording_ledger import Crash, RecordingLedger
from tests.fakes.scripted_model import Said, ScriptedModel, reply, text, tool_use
from worker.models.anthropic.messages import fit

WORST = 1000
BLOCKS = st.one_of(
    st.just(lambda n: text("I think")),
    st.just(lambda n: text("")),
    st.just(lambda n: {"type": "thinking", "thinking": "hm", "signature": f"sig-{n}"}),
    st.sampled_from("abcfff").map(lambda query: lambda n: search(f"t{n}", query)),
    st.just(lambda n: tool_use(f"u{n}", "refund", {"query": "a"})),
    st.just(lambda n: tool_use(f"e{n}", "notify", {"query": "a"})),
    st.just(lambda n: tool_use(f"i{n}", "search", {"nonsense": 1})),
    st.just(lambda n: tool_use(f"x{n}", "delete_all", {})),
    st.just(lambda n: submit(f"s{n}")),
    st.just(lambda n: search("call_0", "a")),
    st.just(lambda n: search("", "b")),
    st.just(lambda n: search("call 1!", "c")),
    st.just(lambda n: tool_use("call_0", "notify", {"query": "a"})),
    st.just(lambda n: tool_use(f"n{n}", "functions.search", {"query": "a"})),
    st.just(lambda n: tool_use(f"o{n}", "search", "no object")),
    st.just(lambda n: submit("call_0", label="nonsense")),
    st.just(lambda n: {"type": "text", "text": None}),
    st.just(lambda n: {"type": "text"}),
    st.just(lambda n: {"type": "thinking", "thinking": "unsigned"}),
    st.just(lambda n: {"type": "redacted_thinking", "data": "x"}),
    st.just(lambda n: {"type": "server_tool_use", "id": "call_0", "name": "web", "input": {}}),
    st.just(lambda n: {"type": "novel", "novelty": [n]}),
    st.just(lambda n: submit(f"w{n}", label="nonsense")),
    st.just(lambda n: submit(f"l{n}", confidence=0.1)),
)
STOPS = st.sampled_from([None, None, None, None, None, None, "max_tokens", "refusal", "pause_turn", "novel"])
FAILURES = st.sampled_from([Reason.MODEL_TIMEOUT, Reason.MODEL_OVERLOADED, Reason.MALFORMED_REPLY]).map(
    lambda reason: ModelError(reason, "down", maybe_paid=reason is not Reason.MODEL_OVERLOADED)
)
TURNS = st.one_of(st.tuples(st.lists(BLOCKS, max_size=4), STOPS, st.integers(0, WORST)), FAILURES)
SCRIPTS = st.lists(TURNS, min_size=1, max_size=8)
LIMITS = st.builds(
    Limits,
    max_steps=st.integers(0, 10),
    max_tool_calls=st.none() | st.integers(0, 8),
    max_tokens=st.none() | st.integers(0, 900),
    max_cost_nanodollars=st.none(),
)


class PricedModel(ScriptedModel):
    """Costs what the script says, never more than the worst case."""

    def cost(self, usage: Any) -> Any:
        return usage.cache_read_tokens


def scripted(turns: list[Any]) -> list[Said]:
    said: list[Said] = []
    for index, turn in enumerate(turns):
        if isinstance(turn, ModelError):
            said.append(turn)
            continue
        blocks, stop, price = turn
        made = [block(f"{index}.{place}") for place, block in enumerate(blocks)]
        said.append(reply(*made, stop=stop, usage=TokenUsage(50, 10, 0, price)))
    return said


def desk(turns: list[Any], limits: Limits, cap: int | None = None) -> Desk:
    model = PricedModel(scripted(turns), worst=WORST)
    workshop = Workshop(answers={"f": TOOL_TROUBLE})
    return Desk(model, limits, workshop=workshop, ledger=RecordingLedger(cap=cap), min_confidence=0.5)


def appended(asked: list[tuple[Message, ...]]) -> bool:
    """Whether each request repeats the one before it, verbatim, and only adds."""
    return all(later[: len(earlier)] == earlier for earlier, later in pairwise(asked))


def check_requests(desk: Desk, first: int = 0) -> None:
    """Every request would be taken, and each only adds. One may end with the assistant only to go on after a pause."""
    asked = [request.messages for request in desk.model.asked[first:]]
    for messages in asked:
        said = [one for one in messages if one["role"] == "user" or any(map(fit, one["content"]))]
        goes_on = said[-1].get("paused", False)
        assert unfit(messages) in (None, "ends with the assistant" if goes_on else None)
    assert appended(asked)


@settings(max_examples=cases(60, 1000))
@given(SCRIPTS, LIMITS, st.none() | st.integers(0, 6000))
def test_any_run_ends_within_its_limits_and_spends_no_more_than_it_reserved(
    turns: list[Any], limits: Limits, cap: int | None
) -> None:
    any_desk = desk(turns, limits, cap)
    stop = any_desk.work()
    checkpoint, ledger = any_desk.checkpoint, any_desk.ledger
    assert (stop is None) == (checkpoint.decision is not None and checkpoint.stop is None)
    assert limits.max_steps is not None
    assert checkpoint.usage.steps == len(any_desk.model.asked) <= limits.max_steps
    assert limits.max_tool_calls is None or checkpoint.usage.tool_calls <= limits.max_tool_calls
    assert ledger.reserved == 0
    assert (
        ledger.spent
        == checkpoint.usage.cost_nanodollars
        <= sum(event.reserved_nanodollars for event in ledger.events() if isinstance(event, ev.StepStarted))
    )
    assert cap is None or ledger.spent <= cap
    check_requests(any_desk)


@settings(max_examples=cases(60, 1000))
@given(SCRIPTS, LIMITS)
def test_what_the_run_knows_is_what_its_journal_folds_to(turns: list[Any], limits: Limits) -> None:
    any_desk = desk(turns, limits)
    run = any_desk.run()
    asyncio.run(run.advance())
    any_desk.ledger.write(take_unwritten(run))
    assert any_desk.checkpoint == run.checkpoint


@settings(max_examples=cases(60, 1000))
@given(SCRIPTS, LIMITS, st.lists(st.integers(1, 4), max_size=4))
def test_a_run_that_dies_after_any_write_goes_on_where_it_was(
    turns: list[Any], limits: Limits, lives: list[int]
) -> None:
    """Each life ends after that many writes; the last one is not cut."""
    whole, cut = desk(turns, limits), desk(turns, limits)
    whole.work()
    for writes in lives:
        cut.ledger.crash_after = cut.ledger.writes + writes
        try:
            cut.work()
        except Crash:
            cut.ledger.claimed_again()
    cut.ledger.crash_after = None
    cut.work()
    check_requests(cut)
    replied = [event.call_id for event in cut.ledger.events() if isinstance(event, ev.ModelReplied)]
    assert len(replied) == len(set(replied)), "a finished call is paid once"
    assert cut.ledger.reserved == 0
    assert cut.ledger.spent == cut.checkpoint.usage.cost_nanodollars
    keys = [key for name, _, key in cut.workshop.called if name == "notify"]
    assert len(keys) == len(set(keys)), "an effect whose receiver honours no key is attempted once"
    assert limits.max_steps is not None
    assert cut.checkpoint.usage.steps <= limits.max_steps


@settings(max_examples=cases(60, 1000))
@given(SCRIPTS, st.integers(0, 30))
def test_a_death_between_steps_changes_nothing_of_the_conversation(turns: list[Any], write: int) -> None:
    """Where no call was in flight, the two runs ask the model the very same things."""
    limits = Limits(max_steps=10, max_cost_nanodollars=None)
    whole, cut = desk(turns, limits), desk(turns, limits)
    whole.work()
    cut.ledger.crash_after = write + 1
    try:
        cut.work()
    except Crash:
        in_flight = bool(cut.ledger.open_call) or "begun" in cut.ledger.effects.values()
        cut.ledger.claimed_again()
        if in_flight:
            return
        cut.work()
    assert [request.messages for request in cut.model.asked] == [request.messages for request in whole.model.asked]
    assert cut.checkpoint.decision == whole.checkpoint.decision
    assert cut.checkpoint.stop == whole.checkpoint.stop


@settings(max_examples=cases(60, 1000))
@given(SCRIPTS, LIMITS, st.lists(st.tuples(st.sampled_from(["", "look"]), st.integers(0, 5)), min_size=1, max_size=3))
def test_people_may_resume_any_run_as_often_as_they_like(
    turns: list[Any], limits: Limits, resumes: list[tuple[str, int]]
) -> None:
    again = desk(turns, limits)
    again.work()
    for hint, from_step in resumes:
        used, before = again.checkpoint.usage, len(again.model.asked)
        again.resume(hint, from_step)
        again.limits = Limits(max_steps=used.steps + 3, max_tool_calls=used.tool_calls + 8, max_cost_nanodollars=None)
        again.work()
        assert len(again.model.asked) > before, again.checkpoint.stop
        check_requests(again, before)
    assert again.ledger.spent == again.checkpoint.usage.cost_nanodollars


@settings(max_examples=cases(60, 1000))
@given(SCRIPTS, LIMITS, st.integers(0, 40))
def test_any_prefix_of_a_journal_folds(turns: list[Any], limits: Limits, length: int) -> None:
    any_desk = desk(turns, limits)
    any_desk.work()
    journal = any_desk.ledger.journal()
    checkpoint = fold(journal[:length])
    for recorded in journal[length:]:
        checkpoint = checkpoint.apply(recorded)
    assert checkpoint == any_desk.checkpoint
