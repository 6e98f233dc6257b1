"""The mail as it came, kept beside its ticket. Of a large one the header and the texts: what is attached is said."""

import base64
import zlib
from email import message_from_bytes
from email.message import Message

from worker.connectors.mail.source import MAX_MAIL_BYTES, prepared, too_nested

WHOLE_BYTES = 256 * 1024
PART_BYTES = 16 * 1024
"""A part that is no text and larger is left out of a large mail."""


def packed(raw: bytes) -> str:
    """The mail, compressed (zlib) and as text (base64)."""
    kept = raw if len(raw) <= WHOLE_BYTES else _slim(raw[:MAX_MAIL_BYTES])
    return base64.b64encode(zlib.compress(kept, 6)).decode("ascii")


def _slim(raw: bytes) -> bytes:
    try:
        bounded, _ = prepared(raw)
        if too_nested(bounded):
            return _beginning(raw)
        message = message_from_bytes(bounded)
        for part in message.walk():
            _leave_out(part)
        slim = message.as_bytes()
    except Exception:  # the standard library raises nearly anything on hostile mail
        slim = raw
    return _beginning(slim)


def _beginning(raw: bytes) -> bytes:
    left = len(raw) - WHOLE_BYTES
    return raw if left <= 0 else raw[:WHOLE_BYTES] + b"\n[left out here: %d bytes]\n" % left


def _leave_out(part: Message) -> None:
    held = part.get_payload()
    if isinstance(held, str) and len(held) > PART_BYTES and part.get_content_maintype() != "text":
        part.set_payload(f"[left out here: {len(held):,} characters]\n")
        del part["Content-Transfer-Encoding"]
