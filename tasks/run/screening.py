"""What the injection screen says of all that a model read of a ticket: its text, its attachments' names and texts."""

import json
from collections.abc import Iterator
from html import unescape
from typing import Any

from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint
from tasks.safety.screen import Screening
from tasks.ticket import Ticket


def screenings(agent: Agent, ticket: Ticket, checkpoint: Checkpoint) -> list[Screening]:
    """One for each text, the ticket's own first. Blank ones are left out but for that."""
    others = [text for text in _attached(agent, ticket, checkpoint) if text.strip()]
    return [agent.screened(text) for text in (ticket.text, *others)]


def _attached(agent: Agent, ticket: Ticket, checkpoint: Checkpoint) -> Iterator[str]:
    yield "\n".join(one.name for one in ticket.attachments)
    read = [result for _, (name, _, result) in checkpoint.trail if name in agent.tools and agent.tools[name].of_ticket]
    yield "".join(map(_unpacked, read))


def _unpacked(result: str) -> str:
    """The text in a tool's result, as it stood before it was fenced; all of its texts where it has none of its own."""
    found = json.loads(result)
    text = found.get("text") if isinstance(found, dict) else None
    if text is None:
        return "\n".join(_texts(found))
    return unescape(str(text).removeprefix("<attachment>").removesuffix("</attachment>"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
