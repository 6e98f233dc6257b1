"""Mails from files: `.eml`, mbox, and folders of them. Read as a stream, and no mail is read beyond its bound."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from worker.connectors.mail import MAX_MAIL_BYTES

_LIMIT = MAX_MAIL_BYTES + 1
"""One byte more than is read as a mail: enough to know that it is too large."""


def mails_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """(where, the mail's bytes), in the order of the file or of the names in the folder. Raises `OSError`."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if file.is_file() and not file.name.startswith("."):
                yield from mails_of(file)
        return
    with path.open("rb") as stream:
        if stream.read(5) == b"From ":
            stream.seek(0)
            for number, raw in enumerate(_mbox(stream), 1):
                yield f"{path.name}, mail {number}", raw
        else:
            stream.seek(0)
            yield path.name, stream.read(_LIMIT)


def _mbox(stream: BinaryIO) -> Iterator[bytes]:
    """A line `From ` after an empty one begins a mail; `>From ` within a mail was one `>` shorter (mboxrd)."""
    held, blank, begun = bytearray(), True, False
    while line := stream.readline(_LIMIT):
        if blank and line.startswith(b"From "):
            if begun:
                yield bytes(held)
            held, begun = bytearray(), True
        elif len(held) < _LIMIT:
            held += line[1:] if line.lstrip(b">").startswith(b"From ") and line.startswith(b">") else line
        blank = line in (b"\n", b"\r\n")
    if begun:
        yield bytes(held)
