"""The messages of a ticket as people read them: who wrote what and when, and what is only quoted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.conversation import Added, read_message
from tasks.run import events as ev
from tasks.ticket import Attachment, Ticket

_QUOTED = re.compile(r"(?m)(?:^[ \t]*>.*(?:\n|\Z))+")
_MOST_QUOTED = 200_000


@dataclass(frozen=True, slots=True)
class Said:
    """One message. who: wrote it, in words. at_ms: when it was written, as far as is known, else added; added_ms: store
    time. parts: its text in order, and whether each part is a quote of earlier ones. quiet: why it changed nothing.
    attached: what came with it, by the place that it has in the ticket.
    """

    id: str
    who: str
    at_ms: int
    added_ms: int
    body: str
    parts: tuple[tuple[str, bool], ...]
    quiet: str
    door: str
    attached: Mapping[int, Attachment]


def messages_of(timeline: Sequence[ev.Recorded], ticket: Ticket | None = None) -> tuple[Said, ...]:
    """The messages in a journal, oldest first: by when they were written, since they may come in any order."""
    found, place = list[Said](), 1 + (len(ticket.attachments) if ticket else 0)
    for recorded in timeline:
        if isinstance(recorded.event, ev.MessageAdded):
            found.append(_said(recorded, recorded.event, place))
            place += len(found[-1].attached)
    return tuple(sorted(found, key=lambda said: said.at_ms))


def _said(recorded: ev.Recorded, event: ev.MessageAdded, place: int) -> Said:
    message = read_message(event.message)
    return Said(
        id=message.id or "",
        who=message.wrote,
        at_ms=Added(message, event.quiet, recorded.at_ms).written_ms,
        added_ms=recorded.at_ms,
        body=message.body,
        parts=parted(message.body),
        quiet=event.quiet,
        door=event.door,
        attached=dict(enumerate(message.attachments, place)),
    )


def parted(body: str) -> tuple[tuple[str, bool], ...]:
    """A text as its own words and quotes that can be folded: (part, whether it is a quote)."""
    parts, at = list[tuple[str, bool]](), 0
    for quote in _QUOTED.finditer(body[:_MOST_QUOTED]):
        parts += [(body[at : quote.start()], False), (quote[0], True)]
        at = quote.end()
    return tuple((text.strip("\n"), quoted) for text, quoted in (*parts, (body[at:], False)) if text.strip())
