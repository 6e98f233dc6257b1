"""Lines of the journal for auditors. Each ends with a hash over itself, as it stands, and the hash of the line before.

So nothing has to be put into a canonical form: the bytes of the file are the bytes that were hashed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

FORM = 1
"""Of the file; another one is another number."""

HEX = 64
_HASH, _SEAL, _END = b',"hash":"', b'","seal":"', b'"}'


class Kind(StrEnum):
    """What a line says. ticket: of which the next lines are the events. act: of a person or a process, on the whole."""

    HEADER = "header"
    TICKET = "ticket"
    EVENT = "event"
    ACT = "act"
    RECEIPT = "receipt"
    TRAILER = "trailer"


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was read. body: what its hash is over; seal: "" on all but the last."""

    said: Mapping[str, Any]
    body: bytes
    hash: str
    seal: str

    def hash_after(self, before: str) -> str:
        """What its hash must be behind this one."""
        return line_hash(before, self.body)


def line_hash(before: str, body: bytes) -> str:
    """before: hash of the line before, "" for none."""
    return sha256(before.encode() + body).hexdigest()


def body_of(number: int, kind: Kind, said: Mapping[str, Any], stored: str | None = None) -> bytes:
    """A line without its end. stored: JSON text that is put in as it is, under `event`."""
    text = json.dumps({"n": number, "kind": kind.value, **said}, ensure_ascii=False, separators=(",", ":"))[:-1]
    return (f'{text},"event":{stored}' if stored is not None else text).encode()


def finished(body: bytes, hash_: str, seal: str = "") -> bytes:
    """The whole line."""
    end = _SEAL + seal.encode() if seal else b""
    return body + _HASH + hash_.encode() + end + _END + b"\n"


def sealed_part(count: int, hash_: str) -> bytes:
    """What the seal of a trailer stands over. count: of the lines before it."""
    return f"deskhand journal {FORM} {count} {hash_}".encode()


def read_line(raw: bytes) -> Line | None:
    """None where it is no line of such a file."""
    at = raw.rfind(_HASH)
    rest = raw[at + len(_HASH) :] if at >= 0 else b""
    hash_, tail = rest[:HEX], rest[HEX:]
    seal = b""
    if tail.startswith(_SEAL):
        seal, tail = tail[len(_SEAL) :].removesuffix(b'"}\n'), b'"}\n'
    if tail != _END + b"\n" or len(hash_) != HEX:
        return None
    try:
        said = json.loads(raw)
        return Line(said, raw[:at], hash_.decode(), seal.decode()) if isinstance(said, dict) else None
    except ValueError:
        return None
