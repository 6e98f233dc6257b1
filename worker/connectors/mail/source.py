"""The bytes of one mail, as they come from files, exports and mailboxes, before anything is parsed."""

import codecs
import re

from worker.connectors.errors import UnreadableMailError

MAX_MAIL_BYTES = 32 * 1024 * 1024
"""What is read of a mail. Gmail and Outlook send up to 25 MB, which base64 has grown by a third."""

MAX_LINES = 900_000
MAX_MULTIPARTS = 40
"""The standard library tries every open boundary on every line."""

_FIELD = re.compile(rb"[!-9;-~]{1,100}[ \t]*:")
_ENVELOPE = re.compile(rb">?From [^\n]{0,1000}\n")
_EMLX = re.compile(rb"\s*(\d{1,10})[ \t]*\r?\n")
_MULTIPART = re.compile(rb"^content-type\s*:\s*(?:multipart/|message/rfc822)", re.IGNORECASE | re.MULTILINE)


def prepared(raw: bytes) -> tuple[bytes, str]:
    """The mail without what exports put around it, and what was left out of it, "" for nothing.

    Raises `UnreadableMailError` where no header field begins it.
    """
    left = ""
    if len(raw) > MAX_MAIL_BYTES:
        left = f"the mail has {len(raw):,} bytes, of which the first {MAX_MAIL_BYTES:,} were read"
        raw = raw[:MAX_MAIL_BYTES]
    raw = _without_nul(_unwrapped(_eight_bit(raw)).lstrip(b"\0 \t\r\n"))
    while found := _ENVELOPE.match(raw):
        raw = raw[found.end() :]
    if not _FIELD.match(raw):
        raise UnreadableMailError("the bytes are not a mail: no header field begins them")
    if raw.count(b"\n") > MAX_LINES:
        raw = b"\n".join(raw.split(b"\n", MAX_LINES)[:MAX_LINES])
        left = left or f"the mail has more than {MAX_LINES:,} lines, which is what was read"
    return raw, left


def too_nested(raw: bytes) -> bool:
    """Whether it names more parts that hold parts than are parsed."""
    return sum(1 for _ in _MULTIPART.finditer(raw)) > MAX_MULTIPARTS


def header_end(raw: bytes) -> int:
    """Where the header ends: at the first empty line."""
    return min((at for at in (raw.find(b"\n\n"), raw.find(b"\r\n\r\n")) if at >= 0), default=len(raw))


def _without_nul(raw: bytes) -> bytes:
    """In the header; in a body they may be half of a UTF-16 letter."""
    end = header_end(raw)
    return raw[:end].replace(b"\0", b"") + raw[end:] if b"\0" in raw[:end] else raw


def _eight_bit(raw: bytes) -> bytes:
    """A file that an editor saved as UTF-16, or with a byte-order mark, as UTF-8."""
    if raw.startswith(codecs.BOM_UTF8):
        return raw[len(codecs.BOM_UTF8) :]
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace").encode("utf-8", "replace")
    return raw


def _unwrapped(raw: bytes) -> bytes:
    """Apple Mail's `.emlx`: a count of bytes, the mail, a property list."""
    counted = _EMLX.match(raw)
    if counted and _FIELD.match(raw[counted.end() : counted.end() + 200].lstrip()):
        return raw[counted.end() : counted.end() + int(counted[1])]
    return raw
