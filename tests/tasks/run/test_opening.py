"""What was looked up stands once in a journal, and in the opening that the model is sent."""

import pytest

from tasks.run.checkpoint import fold
from tasks.run.events import ContextFetched, ConversationStarted, Recorded
from tasks.run.opening import cut, whole
from tasks.ticket import Ticket
from tasks.triage.prompt import opening

TICKET = Ticket(source="mail", subject="", body="<b>Where</b> is it?")
CONTEXT = '{"customer": "a & b", "recent": ["<ticket>"]}'


@pytest.mark.parametrize("context", [CONTEXT, "", "{}"])
def test_an_opening_is_whole_again_when_it_is_read(context: str) -> None:
    text = opening(TICKET, context, "an odd mark")
    kept, at = cut(text, context)
    assert whole(kept, at, context) == text
    assert (kept == text) is (not context)


def test_a_checkpoint_has_what_the_model_was_sent() -> None:
    text = opening(TICKET, CONTEXT)
    kept, at = cut(text, CONTEXT)
    events = (ContextFetched(CONTEXT), ConversationStarted(opening=kept, context_at=at))
    checkpoint = fold(Recorded(seq, 0, 1, event) for seq, event in enumerate(events))
    assert checkpoint.turn == ({"type": "text", "text": text},)
    older = (ContextFetched(CONTEXT), ConversationStarted(opening=text))
    assert fold(Recorded(seq, 0, 1, event) for seq, event in enumerate(older)).turn == checkpoint.turn
