"""Mails from files: `.eml`, `.emlx`, `.msg`, mbox, Maildir, and folders of them. Read as a stream, and no mail is read
beyond its bound.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from worker.connectors.errors import UnreadableFileError
from worker.connectors.mail.source import MAX_MAIL_BYTES

Found = tuple[str, bytes | UnreadableFileError]
"""(where, the mail's bytes), or why there is none."""

_LIMIT = MAX_MAIL_BYTES + 1
"""One byte more than is read as a mail: enough to know that it is too large."""

_MAILDIR = ("cur", "new")
_NO_MAILS = frozenset({"dovecot-uidlist", "dovecot-uidvalidity", "dovecot.index.log", "maildirfolder", "subscriptions"})


def mails_of(path: Path) -> Iterator[Found]:
    """The mails of a file or a folder, in the order of the file or of the names, sub-folders included.

    A Maildir is its `cur` and `new`; what its `tmp` holds is not delivered yet. What holds no mail is said.
    """
    found = False
    for one in _found(path, frozenset()):
        found = True
        yield one
    if not found:
        yield str(path), UnreadableFileError("holds no mail")


def _found(path: Path, above: frozenset[Path]) -> Iterator[Found]:
    """above: the folders around it, lest a link leads back into one."""
    try:
        if path.is_dir():
            yield from _folder(path, above)
        elif path.exists() and not path.is_file():
            yield str(path), UnreadableFileError("is neither a file nor a folder")
        else:
            yield from _file(path)
    except OSError as error:
        yield str(path), UnreadableFileError((error.strerror or str(error)).lower())


def _file(path: Path) -> Iterator[Found]:
    with path.open("rb") as stream:
        begin = stream.read(4096)
        stream.seek(0)
        if begin.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n").startswith(b"From "):
            for number, raw in enumerate(_mbox(stream), 1):
                yield f"{path.name}, mail {number}", raw
        elif begin:
            yield path.name, stream.read(_LIMIT)
        else:
            yield str(path), UnreadableFileError("is empty")


def _folder(path: Path, above: frozenset[Path]) -> Iterator[Found]:
    if (real := path.resolve()) in above:
        return
    maildir = all((path / name).is_dir() for name in _MAILDIR)
    for entry in sorted(path.iterdir()):
        hidden = entry.name.startswith(".") and not (maildir and entry.is_dir())  # a Maildir's folders are `.Name`
        if hidden or entry.name in _NO_MAILS or (maildir and entry.name == "tmp"):
            continue
        if maildir and entry.is_file():
            continue  # what a server keeps beside the mails
        yield from _found(entry, above | {real})


def _mbox(stream: BinaryIO) -> Iterator[bytes]:
    """A line `From ` after an empty one begins a mail; `>From ` within a mail was one `>` shorter (mboxrd)."""
    held, blank, begun = bytearray(), True, False
    while line := stream.readline(_LIMIT):
        line = line if begun else line.removeprefix(codecs.BOM_UTF8).lstrip(b" \t")
        if blank and line.startswith(b"From "):
            if begun:
                yield bytes(held)
            held, begun = bytearray(), True
        elif len(held) < _LIMIT:
            held += line[1:] if line.lstrip(b">").startswith(b"From ") and line.startswith(b">") else line
        blank = line in (b"\n", b"\r\n")
    if begun:
        yield bytes(held)
