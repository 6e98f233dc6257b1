"""Files attached to a mail: their names for everybody, and the text in those that hold text, for the agent and people.

Nothing is executed or rendered. What is read, and how much of it, is bounded before it is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tasks.ticket import MAX_ATTACHMENTS, Attachment
from tasks.tools.ports import AttachmentText
from worker.connectors.mail.attachments import calendar_text, tnef_attachments
from worker.connectors.mail.charsets import decoded
from worker.connectors.mail.html.visible import html_text

MAX_FILES = 20
"""Of one mail, whose text is read."""

MAX_FILE_BYTES = 8 * 1024 * 1024
MAX_CHARS = 40_000
"""Of one file; what follows is said to be left out."""

OPAQUE = {
    "application/pkcs7-mime": "an encrypted or sealed message (S/MIME)",
    "application/x-pkcs7-mime": "an encrypted or sealed message (S/MIME)",
    "application/pgp-encrypted": "an encrypted message (PGP)",
    "application/vnd.ms-outlook": "an Outlook message (.msg)",
    "application/ms-tnef": "Outlook's winmail.dat",
}

UNNAMED = "unnamed"

_PLAIN = frozenset({".txt", ".text", ".csv", ".tsv", ".log", ".md", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".ini"})
_PLAIN |= {".conf", ".cfg", ".srt", ".vcf", ".out", ".err", ".diff", ".patch", ".sql", ".toml"}
_PLAIN_TYPES = frozenset({"application/json", "application/xml", "application/csv", "application/x-ndjson"})
_UNKNOWN = frozenset({"application/octet-stream", "application/x-download", "application/force-download"})


@dataclass(frozen=True, slots=True)
class Attached:
    """A file in a mail. size: bytes. raw: what is read of it, where `readable`."""

    name: str
    kind: str
    size: int | None = None
    raw: bytes = field(default=b"", repr=False)

    @property
    def said(self) -> str:
        """What it is, where nothing could be read."""
        if self.kind in OPAQUE:
            return OPAQUE[self.kind]
        what = {"image": "an image", "audio": "a sound", "video": "a film"}.get(self.kind.partition("/")[0], "a file")
        return f"{what} ({self.name if self.name != UNNAMED else self.kind})"


def readable(kind: str, name: str) -> bool:
    """Whether text is looked for in such a file."""
    return _form(kind, name) is not None


def tnef_files(raw: bytes) -> list[Attached]:
    """The files in a `winmail.dat`."""
    kind = "application/octet-stream"
    return [
        Attached(name, kind, len(held), held[:MAX_FILE_BYTES] if readable(kind, name) else b"")
        for name, held in tnef_attachments(raw)
    ]


def listed_on_ticket(files: Sequence[Attached]) -> tuple[Attachment, ...]:
    """As the ticket names them."""
    return tuple(
        Attachment(name=one.name[:200] or UNNAMED, type=one.kind[:200], size=one.size)
        for one in files[:MAX_ATTACHMENTS]
    )


PdfReader = Callable[[bytes, int], AttachmentText]
"""Text of a PDF, so many characters at most."""


def texts_of(files: Sequence[Attached], read_pdf: PdfReader) -> dict[int, AttachmentText]:
    """The texts in a mail's files, by their places on the ticket, from 1. Slow: each PDF is read by another process."""
    wanted = [(at, one) for at, one in enumerate(files[:MAX_ATTACHMENTS], 1) if one.raw][:MAX_FILES]
    found = {at: _read(one, read_pdf) for at, one in wanted}
    return {at: one for at, one in found.items() if one.text.strip() or one.note}


def _form(kind: str, name: str) -> str | None:
    ending = f".{name.rpartition('.')[2].lower()}" if "." in name else ""
    if kind == "application/pdf" or (kind in _UNKNOWN and ending == ".pdf"):
        return "pdf"
    if kind in ("text/calendar", "application/ics") or ending == ".ics":
        return "calendar"
    if kind in ("text/html", "application/xhtml+xml"):
        return "html"
    plain = kind.startswith("text/") and kind != "text/rtf"
    return "plain" if plain or kind in _PLAIN_TYPES or ending in _PLAIN else None


def _read(one: Attached, read_pdf: PdfReader) -> AttachmentText:
    raw = one.raw[:MAX_FILE_BYTES]
    left = f"of {one.size:,} bytes the first {MAX_FILE_BYTES:,} were read" if (one.size or 0) > MAX_FILE_BYTES else ""
    match _form(one.kind, one.name):
        case "pdf":
            return read_pdf(raw, MAX_CHARS) if not left else AttachmentText("", "it is too large to be read as a PDF")
        case "calendar":
            text = calendar_text(raw)
        case "html":
            text = html_text(decoded(raw, None))
        case _ if b"\0" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            return AttachmentText("", "it is no text, whatever its name")
        case _:
            text = decoded(raw, None)
    if len(text) > MAX_CHARS:
        left = left or f"of {len(text):,} characters the first {MAX_CHARS:,} are here"
    return AttachmentText(text[:MAX_CHARS], left)
