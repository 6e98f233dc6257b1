"""A ticket whole, as one small blob: a line of JSON and a line for each event, under zstd with a dictionary.

The dictionary that is shipped was trained on the sample's tickets and their journals (`tests/bench/dictionary.py`),
never on a customer's. Each blob names the dictionary that it needs; a database keeps every one that it has used.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import zstandard

from fallbacks.history.port import EndedTicket

LEVEL = 3
"""Of zstd: at 5 it is a tenth smaller and takes three times as long."""

SHIPPED = Path(__file__).with_name("documents.dict")

_FIELDS = ("id", "row", "effects", "beside", "threads", "keys")
"""Of a ticket, besides its journal."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def pack(documents: Iterable[tuple[EndedTicket, str]]) -> list[bytes]:
    """Tickets, each with the text that it is found by. For one thread at a time."""
    packer = zstandard.ZstdCompressor(dict_data=_shipped(), level=LEVEL)
    return [packer.compress(_bytes(ticket, text)) for ticket, text in documents]


class Unpacker:
    """Reads blobs, from any thread. dictionaries: others that the database has, by number; the shipped one is known."""

    def __init__(self, dictionaries: Mapping[int, bytes] | None = None) -> None:
        others = {number: zstandard.ZstdCompressionDict(data) for number, data in (dictionaries or {}).items()}
        self._known = others | {shipped_number(): _shipped()}
        self._idle: dict[int, list[zstandard.ZstdDecompressor]] = {number: [] for number in self._known}

    def lacks(self, packed: Iterable[bytes]) -> bool:
        """Whether a dictionary is missing to read one of them."""
        return any(zstandard.get_frame_parameters(one).dict_id not in self._known for one in packed)

    def ticket(self, packed: bytes) -> EndedTicket:
        """A ticket as it was written."""
        raw = self._read(packed)
        raw["threads"], raw["keys"] = tuple(raw["threads"]), tuple(raw["keys"])
        return EndedTicket(**{name: raw[name] for name in _FIELDS}, journal=tuple(raw["journal"]))

    def text(self, packed: bytes) -> str:
        """What it is found by."""
        return str(self._read(packed)["text"])

    def _read(self, packed: bytes) -> dict[str, Any]:
        number = zstandard.get_frame_parameters(packed).dict_id
        idle = self._idle[number]
        reader = idle.pop() if idle else zstandard.ZstdDecompressor(dict_data=self._known[number])
        head, *lines = reader.decompress(packed).decode("utf-8", "surrogatepass").split("\n")
        idle.append(reader)
        found: dict[str, Any] = json.loads(head)
        return {"journal": lines, **found}


def shipped_number() -> int:
    """Of the dictionary that new blobs are made with."""
    return _shipped().dict_id()


def shipped_bytes() -> bytes:
    """For a database to keep beside its blobs."""
    return SHIPPED.read_bytes()


@cache
def _shipped() -> zstandard.ZstdCompressionDict:
    found = zstandard.ZstdCompressionDict(shipped_bytes())
    found.precompute_compress(level=LEVEL)
    return found


def train(samples: Sequence[tuple[EndedTicket, str]], size: int) -> bytes:
    """A dictionary of so many bytes at most. The same samples make the same one."""
    data: list[bytes | bytearray | memoryview[int]] = [_bytes(ticket, text) for ticket, text in samples]
    return zstandard.train_dictionary(size, data, k=256, d=8, level=LEVEL).as_bytes()


def _bytes(ticket: EndedTicket, text: str) -> bytes:
    fields = {name: getattr(ticket, name) for name in _FIELDS}
    lines = "\n".join(["", *ticket.journal])
    if lines.count("\n") != len(ticket.journal):  # no event of ours has a line's end in it
        fields["journal"], lines = ticket.journal, ""
    return (_ENCODER.encode({**fields, "text": text}) + lines).encode("utf-8", "surrogatepass")
