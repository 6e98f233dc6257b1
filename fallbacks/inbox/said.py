"""The messages of a ticket as people read them: who wrote what and when, and what is only quoted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.conversation import read_message
from tasks.run import events as ev

_QUOTED = re.compile(r"(?m)(?:^[ \t]*>.*(?:\n|\Z))+")
_MOST_QUOTED = 200_000


@dataclass(frozen=True, slots=True)
class Said:
    """One message. who: wrote it, in words. at_ms: when it was written, as far as is known, else added; added_ms: store
    time. parts: its text in order, and whether each part is a quote of earlier ones. quiet: why it changed nothing.
    """

    id: str
    who: str
    at_ms: int
    added_ms: int
    body: str
    parts: tuple[tuple[str, bool], ...]
    quiet: str
    door: str


def messages_of(timeline: Sequence[ev.Recorded]) -> tuple[Said, ...]:
    """The messages in a journal, oldest first: by when they were written, since they may come in any order."""
    found = [_said(one, one.event) for one in timeline if isinstance(one.event, ev.MessageAdded)]
    return tuple(sorted(found, key=lambda said: said.at_ms))


def _said(recorded: ev.Recorded, event: ev.MessageAdded) -> Said:
    message = read_message(event.message)
    at = int(message.received_at.timestamp() * 1000) if message.received_at else recorded.at_ms
    return Said(
        id=message.id or "",
        who=message.wrote,
        at_ms=min(at, recorded.at_ms),
        added_ms=recorded.at_ms,
        body=message.body,
        parts=tuple(_parts(message.body)),
        quiet=event.quiet,
        door=event.door,
    )


def _parts(body: str) -> list[tuple[str, bool]]:
    """Own words, and quotes that can be folded."""
    parts, at = list[tuple[str, bool]](), 0
    for quote in _QUOTED.finditer(body[:_MOST_QUOTED]):
        parts += [(body[at : quote.start()], False), (quote[0], True)]
        at = quote.end()
    return [(text.strip("\n"), quoted) for text, quoted in (*parts, (body[at:], False)) if text.strip()]
