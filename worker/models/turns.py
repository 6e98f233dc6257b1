"""Our conversation as APIs want it that take turns: every call has its result in the next turn of the user, ahead of
any words, and the user has the last word.

What is sent for a message does not depend on those behind it, but for what follows the last: a prefix stays the same.
"""

from collections.abc import Callable, Iterable, Sequence

from tasks.run.messages import SUBMIT, Block, Message

Fit = Callable[[Block], Block | None]
"""A block as a make's API takes it, the same object where it already is; None where it cannot be sent."""

_NOT_RUN = "this call was not carried to its end"
_GO_ON = f"Go on, and end by calling {SUBMIT}."


def sent(messages: Sequence[Message], fit: Fit, new_from: int = 0) -> list[Message]:
    """What is sent for the messages from `new_from` on."""
    found: list[Message] = []
    reply, paused = None, False  # the last, while nobody has spoken after it
    first = max(0, new_from - 1)  # what a message is sent with depends on the one before it at most
    for place, message in enumerate(messages[first:], first):
        if message["role"] == "user":
            now = [message if reply is None else _turn(message["content"], reply, fit)]
            reply = None
        else:
            now = _after(reply, paused=paused)
            reply = None if now else reply  # it is answered, once
            if content := _fitted(message["content"], fit):
                reply, paused = {"role": "assistant", "content": content}, message.get("paused", False)
                now.append(reply)
        if place >= new_from:
            found += now
    return [*found, *_after(reply, paused=paused)]


def _after(reply: Message | None, *, paused: bool) -> list[Message]:
    """What has to be said behind a reply that nobody has answered. A pause is gone on from as it is."""
    if reply is None:
        return []
    if missing := _missing(reply, ()):
        return [{"role": "user", "content": missing}]
    return [] if paused else [{"role": "user", "content": [{"type": "text", "text": _GO_ON}]}]


def _turn(content: Sequence[Block], reply: Message, fit: Fit) -> Message:
    results = _fitted([block for block in content if block["type"] == "tool_result"], fit)
    words = [block for block in content if block["type"] != "tool_result"]
    return {"role": "user", "content": [*results, *_missing(reply, results), *words]}


def _fitted(content: Iterable[Block], fit: Fit) -> list[Block]:
    return [said for said in map(fit, content) if said is not None]


def _missing(reply: Message, results: Iterable[Block]) -> list[Block]:
    """A result for each call of a reply that has none."""
    answered = {block["tool_use_id"] for block in results}
    return [
        {
            "type": "tool_result",
            "tool_use_id": block["id"],
            "content": "not accepted" if block["name"] == SUBMIT else _NOT_RUN,
            "is_error": True,
        }
        for block in reply["content"]
        if block["type"] == "tool_use" and block["id"] not in answered
    ]
