"""What is added to a ticket after it was accepted, and the ticket with all of it, as the agent is shown it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from tasks.language import _
from tasks.thanks import is_thanks
from tasks.ticket import MAX_ATTACHMENTS, MAX_BODY_CHARS, Attachment, Moment, Requester, Ticket, TicketId

SHOWN_CHARS = 24_000
"""Of a conversation the agent is shown so much, newest first: about 6,000 tokens. People see all of it."""

AUTOMATIC, THANKS = "automatic", "thanks"
"""Why a message changes nothing."""


class Message(BaseModel):
    """One message of a conversation.

    id: upstream's own, once in a ticket; given by us when absent. body: plain text, up to 60,000 characters.
    author: who wrote it; absent: the requester. other: who wrote it is not the requester. received_at: when.
    automatic: a machine sent it; it is kept and shown, and changes nothing. attachments: what came with it, by name: up
    to 50.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: TicketId | None = None
    body: Annotated[str, StringConstraints(min_length=1, max_length=MAX_BODY_CHARS)]
    author: Requester | None = None
    other: bool = False
    received_at: Moment | None = None
    automatic: bool = False
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=MAX_ATTACHMENTS)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.body.strip():
            raise ValueError("body is empty")
        return self

    @property
    def quiet(self) -> str:
        """Why it changes nothing: a machine sent it, or it only says thanks; "" where somebody must look."""
        if self.automatic:
            return AUTOMATIC
        return THANKS if is_thanks(self.body) and not self.attachments else ""

    @property
    def wrote(self) -> str:
        """Who wrote it, in words."""
        who = self.author
        return (who and (who.name or who.email or who.id)) or _("the requester")

    def fields(self) -> dict[str, Any]:
        """As it is stored."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)

    def digest(self) -> str:
        """SHA-256 of what was said, by whom and when: equal for a resend, different for another body under one id.

        `other` follows from who wrote it, and was not kept once.
        """
        fields = {name: value for name, value in self.fields().items() if name not in ("id", "other")}
        text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def read_message(stored: Mapping[str, Any] | None) -> Message:
    """A message from a journal, valid when it was added. What another version added is left out, never refused."""
    fields = {name: value for name, value in (stored or {}).items() if name in Message.model_fields}
    try:
        return Message.model_validate(fields)
    except ValidationError:  # another version's bounds: still the message that was added
        return Message.model_construct(id=str(fields.get("id", "")), body=str(fields.get("body", "")))


@dataclass(frozen=True, slots=True)
class Added:
    """A message of a ticket. quiet: why it asks for no attention, "" where it does. at_ms: when it was added."""

    message: Message
    quiet: str = ""
    at_ms: int = 0

    @property
    def written_ms(self) -> int:
        """When it was written, as far as that is known; never later than it came."""
        at = self.message.received_at
        return self.at_ms if at is None else min(int(at.timestamp() * 1000), self.at_ms)


class Conversation(Ticket):
    """A ticket with its messages, oldest first, and with what is attached to them: what rules, screens, quotes and
    models read in the ticket's place.
    """

    messages: Annotated[tuple[Message, ...], Field(min_length=1)]

    @property
    def text(self) -> str:
        """The newest message first, then those before it as far as there is room, the ticket itself last."""
        return "\n\n".join(part.strip() for part, _ in shown_parts(self))


def conversation(ticket: Ticket, added: Sequence[Added]) -> Ticket:
    """The ticket with what was added to it, as it was written; the ticket itself where nothing was. added: as it came,
    which may be in any order; attachments keep the places that they got then.
    """
    if not added:
        return ticket
    fields = {name: getattr(ticket, name) for name in Ticket.model_fields}
    attached = (*ticket.attachments, *(one for came in added for one in came.message.attachments))
    written = sorted(added, key=lambda one: one.written_ms)
    messages = tuple(one.message for one in written)
    return Conversation.model_construct(**{**fields, "attachments": attached}, messages=messages)


def shown_parts(ticket: Conversation) -> list[tuple[str, str]]:
    """Texts of the conversation, newest first, the ticket's own last, each with whose it is as an attribute of its tag.
    What has no room is said as a number.
    """
    newest_first, room = list(reversed(ticket.messages)), SHOWN_CHARS
    first = Ticket.text.fget(ticket)  # type: ignore[attr-defined] # the property of the base class
    parts = list[tuple[str, str]]()
    for place, message in enumerate(newest_first):
        if parts and len(message.body) > room:
            parts.append((_left_out(len(newest_first) - place), ""))
            break
        parts.append((message.body[:SHOWN_CHARS], _by(message)))
        room -= len(message.body[:SHOWN_CHARS])
    return [*parts, (first[: max(room, SHOWN_CHARS // 4)], "")]


def _by(message: Message) -> str:
    """No name, which a stranger may choose and a model may be kept from."""
    return ' by="somebody else than the requester"' if message.other else ""


def _left_out(count: int) -> str:
    return f"[{count} earlier message{'' if count == 1 else 's'}]"


def as_turn(message: Message) -> str:
    """A message as a turn of a conversation that goes on: in the tags that instructions call a stranger's words."""
    parts = [f"<message{_by(message)}>{escape(message.body[:SHOWN_CHARS], quote=False)}</message>"]
    if message.attachments:
        listed = escape("\n".join(one.shown for one in message.attachments), quote=False)
        parts.append(f"<attachments>{listed}</attachments>")
    return "\n".join(["This was added to the ticket since:", "<ticket>", *parts, "</ticket>"])


def tagged(ticket: Conversation) -> Iterator[str]:
    """The parts of a conversation for an opening, newest first, escaped so that none can close its tag."""
    *added, (first, _) = shown_parts(ticket)
    for place, (part, by) in enumerate(added):
        newest = ' newest="true"' if place == 0 else ""
        yield f"<message{newest}{by}>{escape(part, quote=False)}</message>"
    yield f"<first>{escape(first, quote=False)}</first>"
