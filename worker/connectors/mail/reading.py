"""One mail as a ticket. Pure: bytes in, a ticket out or why not. Mail is hostile: every size is bounded first."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from tasks.ticket import MAX_ATTACHMENTS, MAX_BODY_CHARS, Requester, Ticket
from worker.connectors.errors import UnreadableMailError
from worker.connectors.mail.attached import Attached, listed_on_ticket
from worker.connectors.mail.attachments import READERS, msg_text
from worker.connectors.mail.authentication import authenticated_sender
from worker.connectors.mail.charsets import decoded
from worker.connectors.mail.headers import addresses, date, field, priority
from worker.connectors.mail.machines import Machine, bounced_address, is_passed_on, is_reply, machine
from worker.connectors.mail.parts import MAX_TEXT_BYTES, Content, PartReader, listed
from worker.connectors.mail.quotes import Own, own_words
from worker.connectors.mail.source import header_end, prepared, too_nested

CUT = "\n[cut: the mail goes on]"
MAX_NOTE_CHARS = 500

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_REFERENCES = 30

_TOKEN = re.compile(r"\[#(tkt_[0-9a-f]{24}|mail-[0-9a-f]{32})\]")
"""What a desk may put into the subjects of its own mails."""

_MESSAGE_ID = re.compile(r"<[^<>\s]+@[^<>\s]+>")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was read. machine: what sent it, None for a person. text: all its text, earlier mails included.

    files: what is attached, in the ticket's order. sender: the address that a trusted host has authenticated, or "".
    bounced: whom a bounce could not reach, or "". answers: ids of tickets, of the mails that it names as those before
    it and of a token in its subject; the likeliest first.
    """

    ticket: Ticket
    machine: Machine | None
    text: str
    files: Sequence[Attached] = ()
    sender: str = ""
    bounced: str = ""
    answers: tuple[str, ...] = ()


def read_mail(raw: bytes, now: datetime | None = None, trusted: Collection[str] = ()) -> Mail:
    """The ticket in a mail. Raises `UnreadableMailError`, whatever the bytes are. now: to know impossible dates by.
    trusted: hosts whose `Authentication-Results` are believed.

    Its id is made from the Message-ID, or from sender, date, subject and text where it has none, so that the same mail
    twice, from a file and a mailbox, is one ticket.
    """
    try:
        if raw.startswith(_OLE):
            raw = _from_outlook(raw)
        raw, left = prepared(raw)
        nested = too_nested(raw)
        message = message_from_bytes(raw[: header_end(raw)] if nested else raw)
        content = _flat(raw) if nested else PartReader(READERS).read(message)
        return _mail(message, content, left, now or datetime.now(UTC), trusted)
    except UnreadableMailError:
        raise
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'mail'}: {fault['msg']}" for fault in error.errors())
        raise UnreadableMailError(faults) from None
    except Exception as error:  # the standard library's parsers raise nearly anything on hostile mail
        raise UnreadableMailError(f"the mail cannot be read: {type(error).__name__}: {error}"[:300]) from None


def another_under_its_id(mail: Mail) -> Ticket:
    """The ticket of a mail whose Message-ID another mail has taken: web forms send the same one for ever."""
    known = str(mail.ticket.metadata.get("message_id", ""))
    identity = sha256(f"{known}\n{_folded(mail.text)}".encode()).hexdigest()
    said = {**mail.ticket.metadata, "message_id_seen_before": True}
    return mail.ticket.model_copy(update={"id": f"mail-{identity[:32]}", "metadata": said})


def same_mail(one: Ticket, other: Ticket) -> bool:
    """Whether two mails of one Message-ID are one that came two ways: a list's footer or a gateway's tag may differ.
    What is sent at another time is another, whatever its form says again.
    """
    if _sender(one) != _sender(other) or one.received_at != other.received_at:
        return False
    return same_words(one.body, other.body)


def same_words(one: str, other: str) -> bool:
    """Whether one text is the other, or the other with a list's footer or a gateway's tag."""
    short, long = sorted((_folded(one), _folded(other)), key=len)
    return bool(short) and short in long


def mail_id(raw: bytes) -> str:
    """What a mail that cannot be read is known by."""
    return sha256(raw).hexdigest()


def _from_outlook(raw: bytes) -> bytes:
    text = msg_text(raw)
    if not text:
        raise UnreadableMailError("the Outlook message (.msg) holds no text that can be read")
    head, _, body = text.partition("\n\n")
    fields = "\r\n".join(head.splitlines()[1:]) or "Subject:"
    return f"{fields}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}".encode()


def _flat(raw: bytes) -> Content:
    """A mail that nests more parts than are parsed: its text as it stands."""
    return Content(texts=[decoded(raw[header_end(raw) :][:MAX_TEXT_BYTES], None)], unread=["nested parts"])


def _mail(message: Message, content: Content, left: str, now: datetime, trusted: Collection[str]) -> Mail:
    subject, text = field(message, "Subject")[:998], content.text.strip()
    own = own_words(text, reply=is_reply(message), passed_on=is_passed_on(message))
    unreadable = _unreadable(own, content)
    if not message.keys() or (not own.text and not subject and not content.unread and not content.attached):
        raise UnreadableMailError("the mail has neither subject nor text")
    said = f"[Nothing to read: {unreadable}.]"[:MAX_NOTE_CHARS]
    sent_by = machine(message)
    ticket = Ticket(
        id=_identity(message, text, subject),
        source="email",
        channel="email",
        subject=subject,
        body=_cut(f"{said}\n\n{own.text}".strip() if unreadable else own.text),
        unreadable=unreadable[:200] or None,
        requester=_requester(message, sent_by),
        priority=priority(message),
        received_at=date(message, now),
        metadata=_metadata(message, content, (*own.cuts, *([left] if left else []))),
        attachments=listed_on_ticket(content.attached),
    )
    lost = bounced_address(message) if sent_by is Machine.BOUNCE else ""
    sender, answers = authenticated_sender(message, trusted), _answers(message, subject, ticket.id)
    return Mail(ticket, sent_by, text, content.attached, sender, lost, answers)


def _unreadable(own: Own, content: Content) -> str:
    """What is there instead of words, where its sender has written none."""
    there = content.unread or [one.said for one in content.attached]
    if own.text and not (own.only_others and there):
        return ""
    return f"the mail holds only {listed(there)}" if there else "the mail is empty"


def _identity(message: Message, text: str, subject: str) -> str:
    if found := _message_id(message):
        known = found
    else:
        sender = ",".join(address for _, address in addresses(message, "From"))
        known = "\n".join((sender, field(message, "Date"), subject, _folded(text)))
    return _id_of(known)


def _id_of(known: str) -> str:
    return f"mail-{sha256(known.encode()).hexdigest()[:32]}"


def _answers(message: Message, subject: str, own: str | None) -> tuple[str, ...]:
    """Never by the subject's words: two people write "Card" on one day. A token names an id that nobody can guess."""
    named = field(message, "References").split()[-MOST_REFERENCES:]
    before = [*field(message, "In-Reply-To").split()[:2], *reversed(named)]
    found = [*_TOKEN.findall(subject), *(_id_of(known) for known in before if _MESSAGE_ID.fullmatch(known))]
    return tuple(ticket_id for ticket_id in dict.fromkeys(found) if ticket_id != own)


def _message_id(message: Message) -> str:
    """The Message-ID; "" for one that names nothing."""
    said = field(message, "Message-ID")
    return said if _MESSAGE_ID.search(said) or (said.strip("<> ") and " " not in said) else ""


def _folded(text: str) -> str:
    return " ".join(text.split())


def _sender(ticket: Ticket) -> str:
    return (ticket.requester.email or "") if ticket.requester else ""


def _requester(message: Message, sent_by: Machine | None) -> Requester | None:
    """Who says to have sent it: the one that a web form speaks for, or the address that a bounce is about. Never an
    `id`: a sender's address is easily forged.
    """
    if sent_by is Machine.BOUNCE and (lost := bounced_address(message)):
        return Requester(email=lost)
    own = {
        address.removeprefix("mailto:") for name in ("To", "Cc", "List-Post") for _, address in addresses(message, name)
    }
    senders = addresses(message, "From") or addresses(message, "Sender") or addresses(message, "Return-Path")
    if senders and senders[0][1] in own:  # a list that sends in its own name
        senders = addresses(message, "X-Original-From") or addresses(message, "X-Original-Sender") or senders
    answers = [
        (name, address) for name, address in addresses(message, "Reply-To") if address not in own and "@" in address
    ]
    name, address = next(iter(answers or senders), ("", ""))
    if answers and not name and senders and senders[0][1] == address:
        name = senders[0][0]
    if "@" in address:
        return Requester(email=address[:320], name=name[:200] or None)
    said = field(message, "From")
    name = "" if "@" in said else said.partition("<")[0].strip("\"' :;,")
    return Requester(name=name[:200]) if name else None


def _metadata(message: Message, content: Content, cuts: tuple[str, ...]) -> dict[str, Any]:
    """message_id, in_reply_to, thread: the mail it belongs to, by id. attachments_not_named: how many are beyond the
    most that a ticket names. cut: what is not shown. from: who sent it, where an answer goes to somebody else.
    """
    before = field(message, "In-Reply-To")
    message_id = _message_id(message)
    thread = next(iter(field(message, "References").split()), "") or before or message_id
    answers = field(message, "Reply-To")
    found: dict[str, Any] = {
        "message_id": message_id,
        "in_reply_to": before,
        "thread": thread,
        "to": field(message, "To"),
        "from": field(message, "From") if answers else "",
        "reply_to": answers,
        "list_id": field(message, "List-ID"),
        "auto_submitted": field(message, "Auto-Submitted"),
        "attachments_not_named": max(0, len(content.attached) - MAX_ATTACHMENTS),
        "cut": "; ".join(cuts),
    }
    return {name: value[:500] if isinstance(value, str) else value for name, value in found.items() if value}


def _cut(text: str) -> str:
    if len(text) <= MAX_BODY_CHARS:
        return text
    return text[: MAX_BODY_CHARS - len(CUT)] + CUT
