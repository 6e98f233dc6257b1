"""The bytes of one mail, as they come from files, exports and mailboxes, before anything is parsed."""

import codecs
import re
from itertools import islice

from worker.connectors.errors import UnreadableMailError

MAX_MAIL_BYTES = 32 * 1024 * 1024
"""What is read of a mail. Gmail and Outlook send up to 25 MB, which base64 has grown by a third."""

MAX_LINES = 900_000
MAX_HEADER_BYTES = 1024 * 1024
"""A mail to 4,500 receivers has a header of 128 kB."""

MAX_HEADER_LINES = 20_000
MAX_DELIMITERS = 2_000
"""Lines that begin a part. Far fewer parts are read; parsing one takes as long as fifty lines of text."""

MAX_MULTIPARTS = 40
MAX_TRIED = 8_000_000
"""The standard library tries every open boundary on every line: of nested mails, lines times parts that hold parts."""

_FIELD = re.compile(rb"[!-9;-~]{1,100}[ \t]*:")
_BLANK_COLON = re.compile(rb"^([!-9;-~]{1,100})[ \t]{1,20}:", re.MULTILINE)
_STANDARD = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]{1,40}|received|reply-to|return-path)[ \t]*:",
    re.IGNORECASE,
)
MAX_STRAY_LINES = 100
_ENVELOPE = re.compile(rb">?From [^\n]{0,1000}\n")
_EMLX = re.compile(rb"\s*(\d{1,10})[ \t]*\r?\n")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOUNDARY = re.compile(rb"boundary\s{0,9}=\s{0,9}[\"']?([^\"'\r\n;]{1,70})", re.IGNORECASE)
_NEVER = re.compile(rb"(?!)")
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
    for bounded in (_header, _lines, _parts):
        raw, more = bounded(raw)
        left = left or more
    return raw, left


def too_nested(raw: bytes) -> bool:
    """Whether it names more parts that hold parts than are parsed."""
    count = sum(1 for _ in _MULTIPART.finditer(raw))
    return count > MAX_MULTIPARTS or count * raw.count(b"\n") > MAX_TRIED


def _header(raw: bytes) -> tuple[bytes, str]:
    """Its first fields, where they are beyond all measure; the body stays. Blanks before a colon go (RFC 5322, 4.5)."""
    end = header_end(raw)
    if _BLANK_COLON.search(raw, 0, min(end, MAX_HEADER_BYTES)):
        raw = _BLANK_COLON.sub(rb"\1:", raw[:end]) + raw[end:]
        end = header_end(raw)
    if (mended := _without_stray_lines(raw[: min(end, MAX_HEADER_BYTES)])) is not None:
        raw = mended + raw[min(end, MAX_HEADER_BYTES) :]
        end = header_end(raw)
    kept = raw[: min(end, MAX_HEADER_BYTES)]
    if len(kept) == end and kept.count(b"\n") <= MAX_HEADER_LINES:
        return raw, ""
    kept = b"\n".join(kept.split(b"\n", MAX_HEADER_LINES)[:MAX_HEADER_LINES]).rpartition(b"\n")[0]
    return kept + raw[end:], f"the header has {end:,} bytes, of which the first {len(kept):,} were read"


def _without_stray_lines(header: bytes) -> bytes | None:
    """A header without lines that are no fields and have fields below them, where the parser would end it. None for one
    that has none.
    """
    lines = header.split(b"\n")
    stray = [
        at
        for at, line in enumerate(lines)
        if line.strip() and not line.startswith((b" ", b"\t")) and not _FIELD.match(line)
    ]
    last = next((at for at in range(len(lines) - 1, -1, -1) if _STANDARD.match(lines[at])), 0)
    stray = [at for at in stray if 0 < at < last]
    if not stray or len(stray) > MAX_STRAY_LINES:
        return None
    left_out = frozenset(stray)
    return b"\n".join(line for at, line in enumerate(lines) if at not in left_out)


def _lines(raw: bytes) -> tuple[bytes, str]:
    """The parser ends a line at a carriage return alone, too."""
    if raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n") <= MAX_LINES:
        return raw, ""
    end = next(islice(_LINE_END.finditer(raw), MAX_LINES - 1, None)).end()
    return raw[:end], f"the mail has more than {MAX_LINES:,} lines, which is what was read"


def _parts(raw: bytes) -> tuple[bytes, str]:
    if raw.count(b"\n--") <= MAX_DELIMITERS:
        return raw, ""
    named = {found[1].strip() for found in islice(_BOUNDARY.finditer(raw), MAX_MULTIPARTS)}
    begins = re.compile(rb"\n--(?:" + b"|".join(map(re.escape, named)) + rb")") if named else _NEVER
    beyond = next(islice(begins.finditer(raw), MAX_DELIMITERS, None), None)
    if beyond is None:
        return raw, ""
    return raw[: beyond.start()], f"the mail has more than {MAX_DELIMITERS:,} parts, which is what was looked at"


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
