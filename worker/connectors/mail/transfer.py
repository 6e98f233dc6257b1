"""Transfer encodings (RFC 2045, 6): a part's bytes as they were before they were packed for the way."""

import binascii
import quopri
import re
from copy import copy
from email.message import Message

MIN_PACKED = 60
"""Letters of base64 in a text that is not said to be any: fewer may be a key or a name."""

_TOKEN = re.compile(r"[\w-]+")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_LINE_END = re.compile(rb"=[ \t]{0,9}\r?\n")
_LETTER = re.compile(rb"=C[2-9A-F]=[89AB][0-9A-F]|=D[0-9A-F]=[89AB][0-9A-F]|=E[0-9A-F](?:=[89AB][0-9A-F]){2}")
_BARE = re.compile(rb"=(?![0-9A-F]{2}|[ \t]{0,9}\r?\n|\Z)")
_CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UUENCODE = ("x-uuencode", "uuencode", "uue", "x-uue")


def coding(part: Message) -> str:
    """What a part says to be packed by, in lower case."""
    found = _TOKEN.search(str(part.get("Content-Transfer-Encoding", "")))
    return found[0].lower() if found else ""


def payload(part: Message) -> bytes:
    """A part's bytes, decoded. What is marked base64 and is not stays as it came."""
    said = coding(part)
    if said in _UUENCODE:
        found = part.get_payload(decode=True)
        return found if isinstance(found, bytes) else b""
    raw = _raw(part)
    if said == "base64":
        return from_base64(raw)
    return quopri.decodestring(raw) if said == "quoted-printable" else raw


def text_payload(part: Message, most: int) -> bytes:
    """As `payload`, of a text. One that is packed and does not say so is unpacked where it can be nothing else."""
    said = coding(part)
    if said in ("base64", *_UUENCODE):
        return payload(part)[:most]
    raw = _raw(part)[:most]
    if (hidden := _hidden_base64(raw)) is not None:
        return hidden
    quoted = said == "quoted-printable" or ((_LINE_END.search(raw) or _LETTER.search(raw)) and not _BARE.search(raw))
    return quopri.decodestring(raw) if quoted else raw


def from_base64(raw: bytes) -> bytes:
    """The lines that are base64, decoded; what a gateway wrote below them, and what never was base64, as it came."""
    lines = raw.split(b"\n")
    count = next((at for at, line in enumerate(lines) if line.strip() and not _is_base64(line)), None)
    if count is None:
        return unpacked(b"".join(raw.split()))
    if not any(line.strip() for line in lines[:count]):
        return raw
    return unpacked(b"".join(b"".join(lines[:count]).split())) + b"\n" + b"\n".join(lines[count:])


def unpacked(packed: bytes) -> bytes:
    """Base64 without blanks, with or without padding. A last letter alone says nothing."""
    packed = packed.rstrip(b"=")
    if len(packed) % 4 == 1:
        packed = packed[:-1]
    try:
        return binascii.a2b_base64(packed + b"=" * (-len(packed) % 4))
    except binascii.Error:  # padding in the middle: two encoded texts put together
        return b"".join(unpacked(piece) for piece in packed.split(b"=")[:100] if piece)


def _raw(part: Message) -> bytes:
    bare = copy(part)
    del bare["Content-Transfer-Encoding"]  # else what it says is undone here, by rules that are too strict
    found = bare.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _is_base64(line: bytes) -> bool:
    """Blanks are passed over (RFC 2045, 6.8), where what stands between them is too long for words."""
    *words, last = line.split()
    return bool(_BASE64_LINE.fullmatch(b"".join((*words, last)))) and all(len(word) >= 20 for word in words)


def _hidden_base64(raw: bytes) -> bytes | None:
    """The words in a text of nothing but base64; None where there are none."""
    words = raw.split()
    if not words or sum(map(len, words)) < MIN_PACKED or not all(map(_BASE64_LINE.fullmatch, words)):
        return None
    try:
        text = unpacked(b"".join(words)).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text.encode() if " " in text and not _CONTROL.search(text) else None
