"""The texts of what was attached to a ticket, as they are kept beside it: JSON, compressed (zlib), as text (base64)."""

import base64
import json
import zlib
from collections.abc import Mapping

from tasks.tools.ports import AttachmentText


def packed_texts(texts: Mapping[int, AttachmentText]) -> str:
    """By the attachments' places, from 1."""
    rows = [[number, one.text, one.note] for number, one in texts.items()]
    return base64.b64encode(zlib.compress(json.dumps(rows, ensure_ascii=False).encode(), 6)).decode("ascii")


def unpacked_texts(kept: str) -> dict[int, AttachmentText]:
    """What `packed_texts` made."""
    return {number: AttachmentText(text, note) for number, text, note in json.loads(unpacked(kept))}


def unpacked(kept: str) -> bytes:
    """The bytes of what is kept beside a ticket."""
    return zlib.decompress(base64.b64decode(kept))
