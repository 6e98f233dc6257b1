"""Header fields of a mail: decoded for people, and addresses parsed before anything in them is decoded."""

import re
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from itertools import islice

from tasks.ticket import Priority
from worker.connectors.mail.charsets import clean, decoded, is_utf8
from worker.connectors.mail.encoded_words import words

MAX_FIELD_CHARS = 4_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=2)
"""Clocks go wrong; a mail from further in the future has no usable date."""

_SPACE = str.maketrans({"\r": " ", "\n": " ", "\t": " "})
_ADDRESS = re.compile(r"[^\s<>,;:\"()]+@[^\s<>,;:\"()]+")
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:+-]+)", re.IGNORECASE)
UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069]")
"""What turns a line around or takes no room: in a name it shows another one than there is."""

_ANGLED = re.compile(r"<\s{0,20}(?:mailto:)?([^\s<>,;]{1,320}@[^\s<>,;]{1,320})\s{0,20}>")
_ROUTE = re.compile(r"<\s{0,20}@[^:<>]{1,300}:")
"""Which nobody follows any more (RFC 5322, 4.4)."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_ZONE = re.compile(r"([+-]\d\d):(\d\d)\b")
_LEAP = re.compile(r"(\d:\d\d):60\b")
"""A leap second, which RFC 5322, 3.3 allows and `datetime` does not."""

_URGENCY = {"1": Priority.HIGH, "2": Priority.HIGH, "high": Priority.HIGH, "urgent": Priority.HIGH}
_URGENT_FIELDS = ("X-Priority", "Importance", "Priority", "X-MSMail-Priority")
_URGENCY |= {"4": Priority.LOW, "5": Priority.LOW, "low": Priority.LOW, "non-urgent": Priority.LOW}


def raw_field(message: Message, name: str) -> str:
    """A field as it came, 8-bit bytes read as text, on one line, encoded words left alone; "" where it is missing."""
    wanted = name.lower()
    for key, value in message.raw_items():
        if key.lower() == wanted:
            return raw_text(value, message)
    return ""


def raw_text(value: object, message: Message | None = None) -> str:
    """A field's value as the parser holds it, 8-bit bytes read as text, on one line. message: whose charset such bytes
    have that are not UTF-8, as mail programs read them.
    """
    raw = str(value)[: 4 * MAX_FIELD_CHARS].encode("utf-8", "surrogateescape")
    label = None if message is None or raw.isascii() or is_utf8(raw) else _charset(message)
    return one_line(decoded(raw, label))[:MAX_FIELD_CHARS]


def _charset(message: Message) -> str | None:
    """What the first part that says so is written in."""
    said = (CHARSET.search(str(part.get("Content-Type", ""))) for part in islice(message.walk(), 10))
    return next((found[1] for found in said if found), None)


def field(message: Message, name: str) -> str:
    """A field as a person reads it, on one line and bounded; "" where it is missing."""
    return one_line(words(raw_field(message, name)))


def one_line(text: str) -> str:
    """Text without line ends and control characters that a header may not hold."""
    return " ".join(clean(text).translate(_SPACE).split())


def addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """(display name, address in lower case) of a field. Parsed first, decoded after (RFC 2047, 5 (3)): an encoded word
    cannot become an address.
    """
    said = _ROUTE.sub("<", UNSEEN.sub("", raw_field(message, name)))
    if angled := _angled(said):
        return angled
    try:
        found = getaddresses([said])
    except Exception:  # the standard library recurses over comments
        return []
    return [one for name, address in found if "@" in address for one in _bare(name, address)]


def _bare(name: str, address: str) -> list[tuple[str, str]]:
    """An address that has blanks in it is a name and an address without brackets."""
    if not any(letter.isspace() for letter in address):
        return [(_name(name, address), _plain(address))]
    return [(_name(address.replace(only, ""), only), _plain(only)) for only in _ADDRESS.findall(address)[:1]]


def _angled(said: str) -> list[tuple[str, str]]:
    """Mailboxes as `name <address>`: whatever stands before the brackets is a name, commas and other addresses too."""
    found: list[tuple[str, str]] = []
    at = 0
    for one in _ANGLED.finditer(_QUOTED.sub(lambda quoted: quoted[0].replace("<", " ").replace(">", " "), said)):
        name = said[at : one.start()].strip(" ,;").strip('"').replace('\\"', '"')
        if found and not said[at : one.start()].strip():
            found.pop()  # `<a@x> <b@y>`: what stands before the last brackets is a name
        found.append((_name(name, one[1]), _plain(one[1])))
        at = one.end()
    return found


def _plain(address: str) -> str:
    return address.lower().removeprefix("mailto:").rstrip(".")


def _name(said: str, address: str) -> str:
    """A display name; one that shows another address than its own is left out."""
    name = UNSEEN.sub("", one_line(words(said))).strip('" ')
    if name.startswith("'") and name.endswith("'"):
        name = name.strip("'")
    shown = {each.lower().strip(".'\"") for each in _ADDRESS.findall(name)}
    return "" if shown - {_plain(address)} else name


def date(message: Message, now: datetime) -> datetime | None:
    """When it was sent, in UTC; None where no mail can have been sent then."""
    said = field(message, "Date")
    try:
        at = (
            datetime.fromisoformat(said)
            if _ISO.match(said)
            else parsedate_to_datetime(_LEAP.sub(r"\1:59", _ZONE.sub(r"\1\2", said)))
        )
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return at if EARLIEST <= at <= now + AHEAD else None


def priority(message: Message) -> Priority | None:
    """What the sender set."""
    said = [field(message, name).partition(" ")[0].lower() for name in _URGENT_FIELDS]
    return next((_URGENCY[word] for word in said if word in _URGENCY), None)
