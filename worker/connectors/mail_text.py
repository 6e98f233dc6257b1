"""The words of a mail: charsets, HTML, and what of a reply is new. Pure."""

import codecs
import re
from html.parser import HTMLParser

MAX_HTML_CHARS = 400_000
MAX_TEXT_CHARS = 250_000
MAX_SIGNATURE_LINES = 15
SLOW_CODECS = frozenset({"idna", "punycode"})
"""Their decoders need quadratic time."""

_BLOCKS = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4", "h5"}
    | {"h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
_SILENT = frozenset({"head", "script", "style", "template", "title"})
_QUOTE_CLASSES = ("gmail_quote", "yahoo_quoted", "protonmail_quote")
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_LONE = re.compile(r"<(?![^<>]*>)")
_DECLARED = re.compile(r"<[!?][^<>]*>")

_WROTE = re.compile(
    r"^\s*(?:On|Am|Le|El|Op|Il|Den|Em|W dniu|Dnia)\b.{4,300}"
    r"(?:wrote|schrieb|a écrit|escribió|schreef|ha scritto|skrev|escreveu|napisał\(a\)|napisał)\b.{0,200}:\s*$",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(r"^\s*-{2,}\s*(?:Original Message|Original-Nachricht|Ursprüngliche Nachricht|Message d'origine|Mensaje original)\s*-{2,}\s*$", re.IGNORECASE)  # fmt: skip # noqa: E501
_OUTLOOK_FROM = re.compile(r"^\*?(?:From|Von|De|Da|Van):\*?\s+\S")
_OUTLOOK_NEXT = re.compile(r"^\*?(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Inviato|Verzonden|To|An|À|Para):\*?\s")
_FORWARD = re.compile(r"forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado", re.IGNORECASE)


def decoded(raw: bytes, charset: str | None) -> str:
    """Bytes as text, always. A charset that is unknown or wrong gives way to UTF-8, and that to Windows-1252."""
    for name in (charset, "utf-8"):
        codec = _text_codec(name)
        if codec is None:
            continue
        try:
            return _clean(raw.decode(codec))
        except (UnicodeError, ValueError):
            continue
    return _clean(raw.decode("cp1252", "replace"))


def html_text(html: str) -> str:
    """What a reader of the HTML sees. Quoted parts get the `> ` they have in plain text."""
    reader = _Reader()
    reader.feed(_tame(html[:MAX_HTML_CHARS]))
    reader.close()
    return reader.text()


def reply_only(text: str) -> str:
    """The new part of a mail: without the quoted mail below it and a marked signature. "" where nothing would be left.

    Quotes that the new text answers line by line stay, and so does a forwarded mail: there it is what matters.
    """
    lines = [line.rstrip() for line in text[:MAX_TEXT_CHARS].splitlines()]
    return "\n".join(_unsigned(_unquoted(lines))).strip()


def _tame(html: str) -> str:
    """Without comments and declarations, and every `<` closed: the standard parser takes quadratic time over those that
    are not, and over `<![CDATA[`, which is none in HTML."""
    kept, at = [], 0
    while (begin := html.find("<!--", at)) >= 0:
        kept.append(html[at:begin])
        end = html.find("-->", begin + 4)
        at = len(html) if end < 0 else end + 3
    return _DECLARED.sub("", _LONE.sub("&lt;", "".join((*kept, html[at:]))))


def _unquoted(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and (not lines[end - 1] or lines[end - 1].startswith(">")):
        end -= 1
    said = False
    for at, line in enumerate(lines):
        if _FORWARD.search(line):
            return lines
        if _ORIGINAL.match(line) or (said and _is_outlook(lines, at)):
            return lines[:at]
        if (length := _introduction(lines, at)) and at + length >= end:  # nothing but quotes follows
            return lines[:at]
        said = said or bool(line)
    return lines[:end]


def _introduction(lines: list[str], at: int) -> int:
    """How many lines from here say "On ... wrote:"; mail clients break it anywhere. 0: none."""
    for length in (1, 2, 3) if lines[at][:1].isalpha() else ():
        if _WROTE.match(" ".join(lines[at : at + length])[:600]):
            return length
    return 0


def _is_outlook(lines: list[str], at: int) -> bool:
    if not _OUTLOOK_FROM.match(lines[at]):
        return False
    return sum(bool(_OUTLOOK_NEXT.match(line)) for line in lines[at + 1 : at + 6]) >= 2


def _unsigned(lines: list[str]) -> list[str]:
    """RFC 3676's `-- ` begins a signature; a long rest is none."""
    for at in range(len(lines) - 1, -1, -1):
        if lines[at] == "--":
            return lines[:at] if len(lines) - at <= MAX_SIGNATURE_LINES else lines
    return lines


def _text_codec(name: str | None) -> str | None:
    try:
        codec = codecs.lookup(name or "")
    except (LookupError, ValueError):
        return None
    return codec.name if codec._is_text_encoding and codec.name not in SLOW_CODECS else None


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


class _Reader(HTMLParser):
    """Collects text, a line a block. Unclosed and misnested tags are mail's daily bread."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[tuple[int, str]] = []
        self._words: list[str] = []
        self._silent = 0
        self._quotes: list[tuple[str, int]] = []
        self._open: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag in _BLOCKS:
            self._end_line()
        if tag in _VOID:
            return
        self._open[tag] = self._open.get(tag, 0) + 1
        classes = dict(attrs).get("class") or ""
        if tag == "blockquote" or (tag == "div" and any(name in classes for name in _QUOTE_CLASSES)):
            self._quotes.append((tag, self._open[tag]))

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        if tag in _BLOCKS:
            self._end_line()
        if self._quotes and self._quotes[-1] == (tag, self._open.get(tag, 0)):
            self._quotes.pop()
        self._open[tag] = max(0, self._open.get(tag, 0) - 1)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._words.append(data)

    def text(self) -> str:
        """Everything read so far."""
        self._end_line()
        return "\n".join(f"{'> ' if quoted else ''}{line}" for quoted, line in self._lines)

    def _end_line(self) -> None:
        line = " ".join("".join(self._words).split())
        self._words.clear()
        if line or (self._lines and self._lines[-1][1]):
            self._lines.append((len(self._quotes), line))
