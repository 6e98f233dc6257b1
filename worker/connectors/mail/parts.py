"""What a mail holds: the text a person reads, what is attached, what could not be read (RFC 2045-2047, 2183, 2387)."""

import quopri
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from itertools import pairwise

from worker.connectors.mail.attached import MAX_FILE_BYTES, UNNAMED, Attached, readable, tnef_files
from worker.connectors.mail.attachments import tnef_text
from worker.connectors.mail.charsets import decoded
from worker.connectors.mail.encoded_words import words
from worker.connectors.mail.flowed import joined
from worker.connectors.mail.headers import CHARSET, UNSEEN, one_line, raw_field
from worker.connectors.mail.headers import field as header
from worker.connectors.mail.html.visible import marked_text
from worker.connectors.mail.source import header_end, too_nested
from worker.connectors.mail.transfer import coding, from_base64, payload, text_payload

MAX_PARTS = 200
MAX_REFERENCE = 400
"""Characters of a plain form that says nothing but that a program which shows HTML is needed."""

MAX_MENDED = 3
"""Multiparts that are parsed again."""

MAX_SEARCHED = 2_000
"""Lines in which the first delimiter is looked for."""

MAX_TEXT_BYTES = 2 * 1024 * 1024
"""Of one part's text; a ticket holds far less."""

_TYPE = re.compile(r"\s*\"?([\w.+-]+)\s*/\s*([\w.+-]*)")
_META_CHARSET = re.compile(
    rb"(?:<meta[^>]{0,200}charset|<\?xml[^>]{0,100}\bencoding)\s*=\s*[\"']?\s*([\w.:+-]{1,40})", re.IGNORECASE
)
_DELIMITER = re.compile(r"^(--\S.{0,120}?)(?:--)?\s*$")
_ASCII_NAME = re.compile(r";\s*(?:file)?name\s*=\s*(?:\"[^\"]*\"|[^;\"]*)(?=;|$)", re.IGNORECASE)
"""What stands beside the full name for programs that know no other (RFC 6266, 4.3)."""

_PLACEHOLDER = re.compile(
    r"\[(?:cid:|image:|inline image|bild:|imagen?:|immagine:|image)[^\[\]]{0,200}\]|<image\d{0,4}\.\w{2,4}>|\ufffc",
    re.IGNORECASE,
)
"""A picture, where a mail program makes plain text of a mail."""

_HTML = re.compile(r"\bhtml\b", re.IGNORECASE)
_UUENCODED = re.compile(r"begin [0-7]{3,4} (\S.{0,100})")
_PGP = re.compile(r"-----BEGIN PGP MESSAGE-----.*?(?:-----END PGP MESSAGE-----|\Z)", re.DOTALL)
_MIME_FIELD = re.compile(r"^(?:content-[\w-]+|mime-version)\s*:", re.IGNORECASE)
_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_MARKUP = re.compile(r"<[^<>]{1,200}>")

_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")

Reader = Callable[[bytes], str]
"""The text in what is attached; "" where it holds none."""


@dataclass(slots=True)
class Content:
    """text: in order, own words first. attached: in order.

    unread: what is there and was not read, in words.
    """

    texts: list[str] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(text for text in self.texts if text.strip())


@dataclass(slots=True)
class PartReader:
    """Reads a parsed mail. readers: by content type or ending, what can take text out of an attachment."""

    readers: dict[str, Reader]
    parts: int = 0
    mended: int = 0

    def read(self, message: Message) -> Content:
        """Everything there is. A text that is attached is the body where nothing else is."""
        found, spare = Content(), Content()
        self._walk(message, found, spare)
        if not found.text.strip() and spare.text.strip():
            found.texts = spare.texts
        return found

    def _walk(self, part: Message, found: Content, spare: Content) -> None:
        self.parts += 1
        if self.parts > MAX_PARTS:
            found.unread = [*found.unread[:50], f"parts beyond the first {MAX_PARTS}"]
            return
        main, sub = _type(part)
        children = _children(part)
        if main == "multipart" and children is not None:
            self._many(sub, children, found, spare)
        elif main == "message" and children:
            self._forwarded(_inner(part, children[0]), found)
        elif main == "multipart" and (mended := self._mended(part)) is not None:
            self._walk(mended, found, spare)
        elif main == "multipart":  # no boundary at all: what stands there is read as it is
            found.texts.append(_without_delimiters(_raw_text(part)))
        else:
            self._leaf(part, f"{main}/{sub}", found, spare)

    def _mended(self, part: Message) -> Message | None:
        """A multipart whose boundary is not the one it names, or stands there in another form, by the one it has."""
        raw = payload(part)[:MAX_TEXT_BYTES]
        boundary = _boundary_in(raw)
        if boundary is None or self.mended >= MAX_MENDED or too_nested(raw):
            return None
        self.mended += 1
        head = f'Content-Type: multipart/{_type(part)[1]}; boundary="{boundary}"\n\n'.encode()
        mended = message_from_bytes(head + raw)
        return mended if _children(mended) else None

    def _many(self, sub: str, children: list[Message], found: Content, spare: Content) -> None:
        if sub == "alternative":
            self._alternative(children, found, spare)
        elif sub == "related":
            root = next((child for child in children if _type(child)[0] in ("text", "multipart")), children[0])
            self._walk(root, found, spare)
            for child in children:
                if child is not root:
                    self._attach(child, f"{'/'.join(_type(child))}", found, quiet=True)
        elif sub == "encrypted":
            found.unread.append("an encrypted message")
        else:
            for child in children:
                self._walk(child, found, spare)

    def _alternative(self, children: list[Message], found: Content, spare: Content) -> None:
        """The plain form where it says something, else the richest that does."""
        tried: list[Content] = []
        for child in children:
            one = Content()
            self._walk(child, one, spare)
            tried.append(one)
        ranked = sorted(zip(children, tried, strict=True), key=lambda pair: _richness(_type(pair[0])))
        said = [one for _, one in ranked if one.text.strip()]
        best = said[1] if len(said) > 1 and _refers_to_html(said[0].text, said[1].text) else next(iter(said), None)
        for one in tried:
            found.attached += one.attached
            found.unread += one.unread if best is None else []
        found.texts += best.texts if best else []

    def _forwarded(self, inner: Message, found: Content) -> None:
        """A mail inside the mail, as a reader opens it."""
        reader = PartReader(self.readers, self.parts)
        inside = reader.read(inner)
        self.parts = reader.parts
        said = [f"{name}: {value}" for name in ("From", "Date", "Subject") if (value := header(inner, name))]
        if inside.text.strip():
            found.texts.append("\n".join(["---------- Forwarded message ----------", *said, "", inside.text]))
        found.attached += [Attached(header(inner, "Subject")[:80] or "a mail", "message/rfc822"), *inside.attached]
        found.unread += inside.unread

    def _leaf(self, part: Message, kind: str, found: Content, spare: Content) -> None:
        attached = _disposition(part) == "attachment"
        if kind == "application/xhtml+xml":
            kind = "text/html"
        if not kind.startswith("text/") or kind in ("text/calendar", "text/vcard", "text/x-vcard", "text/rtf"):
            self._attach(part, kind, found)
        elif attached:
            self._attach(part, kind, found)
            spare.texts.append(_text(part, kind))
        else:
            self._say(_text(part, kind), part, found)

    def _say(self, text: str, part: Message, found: Content) -> None:
        """A text, without files that are written into it; what only looks like text is said to be unread."""
        if "\nend" in text:
            text, names = _without_files(text)
            found.attached += [Attached(name, "application/octet-stream") for name in names]
        text = _without_armor(text) if _SIGNED in text else text
        if _PGP.search(text):
            found.unread.append("an encrypted message (PGP)")
            text = _PGP.sub("", text)
        if "[" in text or "<" in text or "\ufffc" in text:
            bare = _PLACEHOLDER.sub("", text)
            if text.strip() and not bare.strip():
                found.unread.append("an image")
                text = ""
        if not text.strip() and b"<img" in payload(part)[:MAX_TEXT_BYTES].lower():
            found.unread.append("an image")
        found.texts.append(text)

    def _attach(self, part: Message, kind: str, found: Content, *, quiet: bool = False) -> None:
        if kind in _SIGNATURES:
            return
        name = _name(part)
        if name.lower().endswith(".eml"):
            self._forwarded(_parsed(payload(part)), found)
            return
        file = _file(part, kind, name)
        found.attached.append(file)
        reader = self._reader(kind, name)
        text = reader(payload(part)) if reader else ""
        if reader is tnef_text:
            found.attached += tnef_files(payload(part))
        if text.strip():
            found.texts.append(text)
        elif reader or not quiet:
            found.unread.append(file.said)

    def _reader(self, kind: str, name: str) -> Reader | None:
        ending = f".{name.rpartition('.')[2].lower()}"
        return self.readers.get(kind) or self.readers.get(ending) or self.readers.get(name.lower())


def _inner(part: Message, child: Message) -> Message:
    """A mail inside the mail. Encoded, which RFC 2046 forbids and programs do, it was parsed as a body."""
    packed = coding(part)
    if packed == "base64":
        return _parsed(from_base64(child.as_bytes()))
    return _parsed(quopri.decodestring(child.as_bytes())) if packed == "quoted-printable" else child


def _parsed(raw: bytes) -> Message:
    """A mail out of a mail's bytes, whose nesting nobody has looked at yet. Of one that nests too deeply the header."""
    raw = raw[:MAX_TEXT_BYTES].lstrip()
    return message_from_bytes(raw[: header_end(raw)] if too_nested(raw) else raw)


def _without_armor(text: str) -> str:
    """A text that PGP has signed in place, without what only PGP reads (RFC 9580, 7)."""
    before, _, signed = text.partition(_SIGNED)
    head, empty, said = signed.replace("\r\n", "\n").partition("\n\n")
    said, _, after = (said if empty else head).partition("-----BEGIN PGP SIGNATURE-----")
    below = after.partition("-----END PGP SIGNATURE-----")[2]
    return before + said.replace("\n- -", "\n-") + below


def _file(part: Message, kind: str, name: str) -> Attached:
    raw = payload(part) if readable(kind, name) else b""
    return Attached(name or UNNAMED, kind, len(raw) or _size(part), raw[:MAX_FILE_BYTES])


def _size(part: Message) -> int:
    """Of what is not decoded: base64 is four characters for three bytes."""
    held = part.get_payload()
    if not isinstance(held, str):
        return 0
    if coding(part) != "base64":
        return len(held)
    return (len(held) - held.count("\n") - held.count("\r") - held[-4:].count("=")) * 3 // 4


def _text(part: Message, kind: str) -> str:
    raw = text_payload(part, MAX_TEXT_BYTES)
    said = str(part.get("Content-Type", ""))
    charset = CHARSET.search(said)
    label = charset[1] if charset else None
    if kind == "text/html" or _looks_html(raw):
        meta = _META_CHARSET.search(raw[:2048])
        return marked_text(decoded(raw, label, meta[1].decode("ascii") if meta else None))
    text = decoded(raw, label)
    if kind in ("text/enriched", "text/richtext"):
        return _MARKUP.sub("", text.replace("<<", "\0")).replace("\0", "<")
    if re.search(r"format\s*=\s*\"?flowed", said, re.IGNORECASE):
        return joined(text, bool(re.search(r"delsp\s*=\s*\"?yes", said, re.IGNORECASE)))
    return _DATA.sub("[data left out]", text) if "data:" in text else text


_DATA = re.compile(r"data:[\w.+-]{0,60}/[\w.+;=-]{0,80},[\w+/=%-]{200,}")


def _looks_html(raw: bytes) -> bool:
    return bool(re.match(rb"\s*(?:<\?xml[^>]{0,100}>\s*)?<(?:!doctype\s+html|html|body)\b", raw[:300], re.IGNORECASE))


def _raw_text(part: Message) -> str:
    return decoded(payload(part)[:MAX_TEXT_BYTES], None)


def _without_files(text: str) -> tuple[str, list[str]]:
    """A text without the files that are written into it (uuencode), and their names. One that does not end is text."""
    kept: list[str] = []
    names: list[str] = []
    held: list[str] = []
    for line in text.splitlines():
        begins = _UUENCODED.fullmatch(line)
        if begins:
            kept += held
            held = [line]
        elif not held:
            kept.append(line)
        elif line.rstrip() == "end":
            names.append(one_line(_UUENCODED.fullmatch(held[0])[1]))  # type: ignore[index]
            held = []
        else:
            held.append(line)
    return "\n".join((*kept, *held)), names


def _boundary_in(raw: bytes) -> str | None:
    """The first line that looks like a delimiter: a part's header stands below it, or it comes again and ends."""
    lines = raw.split(b"\n")[:MAX_SEARCHED]
    ends = {line.strip()[:-2] for line in lines if line.startswith(b"--") and line.rstrip().endswith(b"--")}
    for line, below in pairwise(lines):
        said = line.strip()
        if not line.startswith(b"--") or not 3 <= len(said) <= 74 or b'"' in said or not said.isascii():
            continue
        if said in ends or _MIME_FIELD.match(below.decode("latin-1")):
            return said[2:].decode("ascii")
    return None


def _without_delimiters(text: str) -> str:
    """A multipart body whose boundary is not the one it names: without the lines that only mail programs read."""
    lines = text.splitlines()
    delimiters = {
        found[1] for line, below in pairwise(lines) if (found := _DELIMITER.match(line)) and _MIME_FIELD.match(below)
    }
    kept = [line for line in lines if line.strip().removesuffix("--") not in delimiters and not _MIME_FIELD.match(line)]
    body = "\n".join(kept).strip()
    return marked_text(body) if _looks_html(body.encode()[:200]) else body


def _type(part: Message) -> tuple[str, str]:
    """(main, sub) in lower case. What is missing or broken is text/plain (RFC 2045, 5.2), HTML by its own looks."""
    said = part.get("Content-Type")
    if said is None:
        kind = part.get_default_type().split("/")
        return kind[0], kind[1]
    found = _TYPE.match(str(said))
    main, sub = (found[1].lower(), found[2].lower()) if found else ("text", "")
    if (main == "text" and not sub) or not found:
        shown = (found is None and "html" in str(said).lower()) or _looks_html(payload(part)[:200])
        return "text", "html" if shown else "plain"
    if main not in ("text", "multipart", "message", "image", "audio", "video", "application", "font", "model"):
        return "text" if main in ("plain", "html") else "application", sub or "octet-stream"
    return main, sub


def _refers_to_html(plain: str, rich: str) -> bool:
    """Whether the plain form says only that there is another one."""
    return len(plain) < MAX_REFERENCE and bool(_HTML.search(plain)) and not _HTML.search(rich)


def _richness(kind: tuple[str, str]) -> int:
    """Plain text first, then what shows the same words with more around it, then what is for programs."""
    if kind == ("text", "plain"):
        return 0
    return 1 if kind == ("text", "html") or kind[0] == "multipart" else 2


def _children(part: Message) -> list[Message] | None:
    if not part.is_multipart():
        return None
    inside = part.get_payload()
    return [child for child in inside if isinstance(child, Message)] if isinstance(inside, list) else None


def _disposition(part: Message) -> str:
    return str(part.get("Content-Disposition", "")).partition(";")[0].strip().lower()


def _name(part: Message) -> str:
    bare = Message()  # with 8-bit letters read as everywhere; the parser would spoil them
    for field_name in ("Content-Disposition", "Content-Type"):
        said = raw_field(part, field_name)
        bare[field_name] = _ASCII_NAME.sub("", said) if "name*" in said.lower() else said
    try:
        name = bare.get_filename() or ""
    except Exception:  # RFC 2231 parameters that are not what they say
        name = ""
    return UNSEEN.sub("", one_line(words(name)))[:100]


def listed(things: Iterable[str]) -> str:
    """Each once, in order, as prose."""
    return ", ".join(dict.fromkeys(things))
