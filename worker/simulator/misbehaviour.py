"""Turns of a model that does not do what it was asked."""

from collections.abc import Callable
from typing import Any

from worker.simulator.agent import SUBMIT, Turn, fitted, next_turn, submission, tool_turn
from worker.simulator.conversation import PAUSE_TEXT, Conversation
from worker.simulator.faults import FaultName


def prose(_: Conversation) -> Turn:
    """An opinion instead of a tool call."""
    return Turn(text="This looks like a question for the support team. I would route it there.")


def unknown_tool(_: Conversation) -> Turn:
    """A tool nobody offered."""
    return tool_turn("delete_all_tickets", {"confirm": True})


def bad_arguments(conversation: Conversation) -> Turn:
    """An offered tool, with arguments its schema refuses."""
    name = SUBMIT if SUBMIT in conversation.tools else next(iter(conversation.tools), SUBMIT)
    return tool_turn(name, {"lable": "oops", "confidence": "very"})


def endless_loop(conversation: Conversation) -> Turn:
    """The same call for ever."""
    return _probe(conversation, "the same again")


def alternating_loop(conversation: Conversation) -> Turn:
    """A, B, A, B."""
    return _probe(conversation, "this" if conversation.turn % 2 == 0 else "that")


def invalid_decision(conversation: Conversation) -> Turn:
    """A label that the taxonomy does not have."""
    return _submit(conversation, label="label_that_does_not_exist")


def invented_evidence(conversation: Conversation) -> Turn:
    """A quote that the ticket does not hold."""
    return _submit(conversation, evidence=["The requester never wrote these words, xyzzy."])


def low_confidence(conversation: Conversation) -> Turn:
    """A decision that even the model would not bet on."""
    return _submit(conversation, confidence=0.11)


def refusal(_: Conversation) -> Turn:
    """HTTP 200 and nothing in it."""
    return Turn(stop_reason="refusal")


def empty_content(_: Conversation) -> Turn:
    """Done, without a word."""
    return Turn()


def max_tokens(_: Conversation) -> Turn:
    """Cut in mid-sentence by the output limit."""
    return Turn(text="Let me think about this ticket step by step. First, the requester", stop_reason="max_tokens")


def unknown_stop(_: Conversation) -> Turn:
    """A stop reason of a later API."""
    return Turn(text="Hm.", stop_reason="simmered_down")


def context_exceeded(_: Conversation) -> Turn:
    """The context window was full."""
    return Turn(text="The", stop_reason="model_context_window_exceeded")


def pause_turn(conversation: Conversation) -> Turn:
    """Once in a conversation a paused turn, then as usual."""
    return next_turn(conversation) if conversation.paused else Turn(text=PAUSE_TEXT, stop_reason="pause_turn")


TURNS: dict[FaultName, Callable[[Conversation], Turn]] = {
    FaultName(function.__name__): function
    for function in (
        prose, unknown_tool, bad_arguments, endless_loop, alternating_loop, invalid_decision, invented_evidence,
        low_confidence, refusal, empty_content, max_tokens, unknown_stop, context_exceeded, pause_turn,
    )
}  # fmt: skip


def _probe(conversation: Conversation, query: str) -> Turn:
    name = next((name for name in conversation.tools if name != SUBMIT), None)
    if name is None:
        return tool_turn("look_again", {"query": query})
    return tool_turn(name, fitted(conversation.tools[name], {"query": query}))


def _submit(conversation: Conversation, **changed: Any) -> Turn:
    if not conversation.labels.names:
        return tool_turn(SUBMIT, changed)
    return tool_turn(SUBMIT, submission(conversation) | changed)
