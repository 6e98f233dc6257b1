"""A conversation of ours on its way to each make: what is owed is added, what a make cannot hear is left out."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tasks.reasons import Reason
from tasks.run.checkpoint import Stop
from tasks.run.limits import Limits
from tasks.run.messages import Message
from tests.fakes.desk import Desk, search, submit, take_unwritten, unfit
from tests.fakes.scripted_model import text
from tests.worker.models.asking import MAKES, request, systemone
from worker.models.anthropic.wire import cloud_body, request_body
from worker.models.openai.wire import request_body as chat_body
from worker.models.remote import RemoteModel
from worker.simulator import run_in_thread
from worker.simulator.chat_validation import fault_of


def user(*blocks: Any) -> Message:
    return {"role": "user", "content": list(blocks)}


def said(*blocks: Any, **more: Any) -> Message:
    return {"role": "assistant", "content": list(blocks), **more}


def result(call: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": "none"}


OPENING = user(text("<ticket>Money</ticket>"))
FOREIGN = {"type": "reasoning", "added": {"reasoning_content": "hm"}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
CONVERSATIONS: dict[str, Sequence[Message]] = {
    "an empty reply behind a call without a result": [OPENING, said(search("a")), said(), user(text("Call it now."))],
    "a call without a result": [OPENING, said(search("a"), search("b")), user(result("a"))],
    "nobody has answered": [OPENING, said(search("a"))],
    "results behind words": [OPENING, said(search("a")), user(text("new"), result("a"))],
    "ends with the reply": [OPENING, said(text("hm"))],
    "two replies in a row": [OPENING, said(text("hm")), said(submit("s")), said(text("well"))],
    "blank and empty replies": [OPENING, said(text(" ")), said(), user(text("?"))],
    "another make's thoughts": [OPENING, said(FOREIGN, THOUGHT, search("a")), user(result("a"))],
    "a name that is none": [
        OPENING,
        said({"type": "tool_use", "id": "functions.x:0", "name": "functions.x y" * 20, "input": "{"}),
        user(result("functions.x:0")),
    ],
}


def asked(messages: Sequence[Message]) -> Any:
    """The request with these messages, as the loop makes it."""
    made = request()
    object.__setattr__(made, "messages", tuple(messages))
    return made


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_whatever_happened_each_make_is_sent_what_its_api_takes(name: str) -> None:
    messages = CONVERSATIONS[name]
    assert unfit(messages) is None
    chat = json.loads(chat_body("gpt-5-mini", asked(messages), own=True))
    assert fault_of(chat) is None
    assert chat["messages"][-1]["role"] in ("user", "tool")
    assert "c2ln" not in str(chat)
    for body in (request_body("claude-haiku-5-5", asked(messages)), cloud_body(asked(messages))):
        assert "reasoning_content" not in body.decode()


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_what_is_new_is_what_stands_behind_what_was_sent(name: str) -> None:
    messages = CONVERSATIONS[name]
    for place in range(1, len(messages)):
        if messages[place]["role"] == "assistant":  # the call before ended with the turn that it answers
            before = json.loads(request_body("m", asked(messages[:place])))["messages"]
            assert json.loads(request_body("m", asked(messages)))["messages"][: len(before)] == before


def test_a_paused_reply_is_gone_on_from_as_it_is() -> None:
    paused = [OPENING, said(text("..."), paused=True)]
    assert json.loads(request_body("m", asked(paused)))["messages"] == [OPENING, said(text("..."))]


EVERY = {**MAKES, "systemone": systemone}
PAIRS = [(first, second) for first in sorted(EVERY) for second in sorted(EVERY) if first != second]


async def worked(desk: Desk, model: RemoteModel) -> Stop | None:
    run = desk.run()
    try:
        stop = await run.advance()
    finally:
        await model.aclose()
    desk.ledger.write(take_unwritten(run))
    return stop


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_run_that_one_make_began_another_ends(first: str, second: str) -> None:
    with run_in_thread() as simulator:
        models = [EVERY[make](simulator.url) for make in (first, second)]
        trouble = {"name": "500"} if first == "systemone" else {"name": "script", "script": [[search("a")]]}
        simulator.fault(**trouble, times=1)
        desk = Desk(models[0], Limits(max_steps=1))  # type: ignore[arg-type]
        assert (stop := asyncio.run(worked(desk, models[0]))) is not None
        assert stop.reason is (Reason.MODEL_UNAVAILABLE if first == "systemone" else Reason.STEP_LIMIT)
        desk.resume("They have told us that it was a refund.")
        desk.model, desk.limits = models[1], Limits(max_steps=6)  # type: ignore[assignment]
        assert asyncio.run(worked(desk, models[1])) is None
        assert desk.checkpoint.decision["label"] == "duplicate_charge"
        assert desk.checkpoint.model == models[1].name
        assert simulator.calls.total_requests == desk.checkpoint.usage.steps == 2
