"""One mail as a ticket. Pure: bytes in, a ticket out or why not. Mail is hostile: every size is bounded first."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import parseaddr, parsedate_to_datetime
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from tasks.ticket import MAX_BODY_CHARS, Priority, Requester, Ticket
from worker.connectors.errors import UnreadableMailError
from worker.connectors.mail_text import decoded, html_text, reply_only

MAX_MAIL_BYTES = 10 * 1024 * 1024
MAX_LINES = 300_000
MAX_HEADER_BYTES = 128 * 1024
MAX_BOUNDARIES = 50
"""The standard library tries every open boundary on every line."""

MAX_PARTS = 200
MAX_FIELD_CHARS = 4_000
MAX_RAW_FIELD_CHARS = 8_000
"""A part's fields may be as long as the mail, and the standard library reads parameters in quadratic time."""

CUT = "\n[cut: the mail goes on]"

_SPACE = str.maketrans({"\r": " ", "\n": " ", "\t": " "})
_URGENCY = {"1": Priority.HIGH, "2": Priority.HIGH, "high": Priority.HIGH, "urgent": Priority.HIGH}
_URGENCY |= {"4": Priority.LOW, "5": Priority.LOW, "low": Priority.LOW, "non-urgent": Priority.LOW}


def read_mail(raw: bytes) -> Ticket:
    """The ticket in a mail. Raises `UnreadableMailError`, whatever the bytes are.

    Its id is made from the Message-ID, so that the same mail twice, from a file and a mailbox, is one ticket.
    """
    _bounded(raw)
    try:
        message = message_from_bytes(raw, policy=_SHORT_FIELDS)
        return _ticket(message, raw)
    except UnreadableMailError:
        raise
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'mail'}: {fault['msg']}" for fault in error.errors())
        raise UnreadableMailError(faults) from None
    except Exception as error:  # the standard library's parsers raise nearly anything on hostile mail
        raise UnreadableMailError(f"the mail cannot be read: {type(error).__name__}: {error}"[:300]) from None


def mail_id(raw: bytes) -> str:
    """What a mail that cannot be read is known by."""
    return sha256(raw).hexdigest()


class _ShortFields(Compat32):
    """Header fields cut to what is ever read of one, in the mail and in each of its parts."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MAX_RAW_FIELD_CHARS]


_SHORT_FIELDS = _ShortFields()


def _bounded(raw: bytes) -> None:
    if len(raw) > MAX_MAIL_BYTES:
        raise UnreadableMailError(f"the mail has {len(raw)} bytes; {MAX_MAIL_BYTES} are read")
    if raw.count(b"\n") > MAX_LINES:
        raise UnreadableMailError(f"the mail has more than {MAX_LINES} lines")
    if raw.lower().count(b"boundary") > MAX_BOUNDARIES:
        raise UnreadableMailError(f"the mail names more than {MAX_BOUNDARIES} boundaries")
    ends = [at for at in (raw.find(b"\n\n"), raw.find(b"\r\n\r\n")) if at >= 0]
    header = raw[: min(ends, default=len(raw))]
    if len(header) > MAX_HEADER_BYTES:
        raise UnreadableMailError(f"the header is longer than {MAX_HEADER_BYTES} bytes")
    if b"\0" in header or b":" not in header:
        raise UnreadableMailError("the bytes are not a mail")


def _ticket(message: Message, raw: bytes) -> Ticket:
    text, parts = _body(message)
    subject, message_id = _field(message, "Subject"), _field(message, "Message-ID")
    if not message.keys() or not (text.strip() or subject):
        raise UnreadableMailError("the mail has neither subject nor text")
    identity = sha256(message_id.encode() if message_id else raw).hexdigest()
    return Ticket(
        id=f"mail-{identity[:32]}",
        source="email",
        channel="email",
        subject=subject[:998],
        body=_cut(reply_only(text) or text.strip()),
        requester=_requester(message),
        priority=_priority(message),
        received_at=_date(message),
        metadata=_metadata(message, message_id, parts),
    )


def _body(message: Message) -> tuple[str, list[str]]:
    """The text, and the names of what is attached. Plain text is preferred; nothing attached is read."""
    plain: list[str] = []
    html: list[str] = []
    attached: list[str] = []
    for number, part in enumerate(_leaves(message)):
        if number >= MAX_PARTS:
            raise UnreadableMailError(f"the mail has more than {MAX_PARTS} parts")
        kind, name = part.get_content_type(), _name(part)
        if name or part.get_content_disposition() == "attachment" or kind not in ("text/plain", "text/html"):
            attached.append(f"{name or 'unnamed'} ({kind})")
        elif kind == "text/plain":
            plain.append(_text(part))
        else:
            html.append(_text(part))
    text = "\n".join(plain)
    return (text if text.strip() else html_text("\n".join(html))), attached


def _leaves(message: Message) -> Iterator[Message]:
    """Parts that hold content. A mail attached to the mail is one of them, and is not looked into."""
    inside = message.get_payload() if message.get_content_maintype() == "multipart" else None
    if not isinstance(inside, list):
        yield message
        return
    for part in inside:
        if isinstance(part, Message):
            yield from _leaves(part)


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    return decoded(raw, part.get_content_charset()) if isinstance(raw, bytes) else ""


def _name(part: Message) -> str:
    return _one_line(_words(part.get_filename() or ""))[:100]


def _requester(message: Message) -> Requester | None:
    """Who says to have sent it. Never an `id`: a sender's address is easily forged."""
    name, address = parseaddr(_field(message, "From"))
    if not address and not name:
        return None
    return Requester(email=address[:320].lower() or None, name=name.strip()[:200] or None)


def _priority(message: Message) -> Priority | None:
    said = [_field(message, name).partition(" ")[0].lower() for name in ("X-Priority", "Importance", "Priority")]
    return next((_URGENCY[word] for word in said if word in _URGENCY), None)


def _date(message: Message) -> datetime | None:
    try:
        at = parsedate_to_datetime(_field(message, "Date"))
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _metadata(message: Message, message_id: str, attached: list[str]) -> dict[str, Any]:
    """message_id, in_reply_to, thread: the mail it belongs to, by id. attachments: their names and types."""
    before = _field(message, "In-Reply-To")
    thread = next(iter(_field(message, "References").split()), "") or before or message_id
    found: dict[str, Any] = {
        "message_id": message_id,
        "in_reply_to": before,
        "thread": thread,
        "to": _field(message, "To"),
        "reply_to": _field(message, "Reply-To"),
        "list_id": _field(message, "List-ID"),
        "auto_submitted": _field(message, "Auto-Submitted"),
        "attachments": ", ".join(attached),
        "attachment_count": len(attached),
    }
    return {name: value[:500] if isinstance(value, str) else value for name, value in found.items() if value}


def _field(message: Message, name: str) -> str:
    """A header field, decoded, on one line and bounded; "" where it is missing."""
    return _one_line(_words(str(message.get(name, ""))))


def _words(field: str) -> str:
    """RFC 2047's encoded words as text; what cannot be decoded stays as it came."""
    field = field[:MAX_FIELD_CHARS]
    if "=?" not in field:
        return field
    try:
        pieces = decode_header(field)
    except Exception:  # binascii and others, for words that are not what they say
        return field
    return "".join(piece if isinstance(piece, str) else decoded(piece, charset) for piece, charset in pieces)


def _one_line(text: str) -> str:
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(clean.translate(_SPACE).replace("\0", "").split())


def _cut(text: str) -> str:
    if len(text) <= MAX_BODY_CHARS:
        return text
    return text[: MAX_BODY_CHARS - len(CUT)] + CUT
