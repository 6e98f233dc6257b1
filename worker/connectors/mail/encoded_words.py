"""Encoded words of header fields (RFC 2047) as text. The standard library gives up a whole field for one bad word."""

import binascii
import re

from worker.connectors.mail.charsets import decoded
from worker.connectors.mail.transfer import unpacked

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")


def words(text: str) -> str:
    """The text with its encoded words decoded. Neighbours of one charset are one text, though programs break it
    within a letter or within base64's groups of four; the blanks between neighbours go (RFC 2047, 6.2).
    """
    if "=?" not in text:
        return text
    found: list[str] = []
    held: list[tuple[str, str, str]] = []
    at = 0
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        if between.strip() or not held:
            found += [_decoded(held), between]
            held = []
        held.append((word[1].partition("*")[0].lower(), word[2].lower(), word[3]))
        at = word.end()
    return "".join((*found, _decoded(held), text[at:]))


def _decoded(held: list[tuple[str, str, str]]) -> str:
    """Neighbours, those of one charset together."""
    texts: list[str] = []
    while held:
        charset = held[0][0]
        count = next((at for at, one in enumerate(held) if one[0] != charset), len(held))
        texts.append(decoded(_bytes(held[:count]), charset))
        held = held[count:]
    return "".join(texts)


def _bytes(held: list[tuple[str, str, str]]) -> bytes:
    found = bytearray()
    packed = ""
    for _, coding, said in held:
        if coding == "b":
            packed += _NOT_BASE64.sub("", said)
            if len(packed) % 4 and not said.endswith("="):
                continue  # the rest of the group is in the next word
        found += unpacked(packed.encode())
        packed = ""
        if coding == "q":
            found += binascii.a2b_qp(said.encode("utf-8", "replace"), header=True)
    return bytes(found + unpacked(packed.encode()))
