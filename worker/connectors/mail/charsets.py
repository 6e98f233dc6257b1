"""Bytes of mail as text. Labels mean what browsers take them to mean (WHATWG Encoding), and no byte spoils a mail."""

import codecs
import re

import webencodings

SLOW_CODECS = frozenset({"idna", "punycode"})
"""Their decoders need quadratic time."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_SUPERSETS = {"shift_jis": "cp932", "euc-kr": "cp949", "gbk": "gb18030", "big5": "big5hkscs", "euc-jp": "euc_jis_2004"}
"""Python's codec of what browsers decode under each of these names: the vendors' larger sets."""

_SINGLE = re.compile(r"windows-|iso-8859|koi8|macintosh|x-mac|ibm866|cp\d|mac|ascii|latin", re.IGNORECASE)
_MULTIBYTE_UTF8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_BAD = re.compile("\ufffd+")
_JIS = re.compile(rb"\x1b(?:\$[@B]|\$\(D|\([BJI])")


def decoded(raw: bytes, label: str | None, declared: str | None = None) -> str:
    """Bytes as text, always. label: of the part's header. declared: of the text itself (`<meta charset>`), weaker.

    A byte-order mark outranks both, and text that is valid multi-byte UTF-8 outranks a single-byte label. What the best
    codec cannot read becomes U+FFFD where it stands.
    """
    for mark, codec in _BOMS:
        if raw.startswith(mark):
            return clean(raw[len(mark) :].decode(codec, "replace"))
    if raw.isascii() and b"\x1b" not in raw and not _wide(label):
        return clean(raw.decode("ascii"))
    names = [name for name in (_known(label), _known(declared)) if name]
    if (not names or _SINGLE.match(names[0])) and _is_utf8(raw):
        return clean(raw.decode("utf-8"))
    if b"\x1b" in raw and _JIS.search(raw) and (not names or names[0].startswith("iso-2022-jp")):
        return clean(_jis(raw))
    for name in (*names, *(() if names else ("utf-8",))):
        try:
            return clean(raw.decode(_codec(name)))
        except (UnicodeError, ValueError):
            continue
    if names and names[0] != "utf-8":
        return clean(raw.decode(_codec(names[0]), "replace"))
    return clean(raw.decode(_likely(raw), "replace"))


def clean(text: str) -> str:
    """Without NUL and byte-order marks, and without halves of surrogate pairs: they cannot be stored."""
    return text.replace("\0", "").replace("\ufeff", "").encode("utf-8", "replace").decode("utf-8")


def _known(label: str | None) -> str | None:
    """The encoding's name by WHATWG, or Python's own; None for a label that names nothing."""
    if not label:
        return None
    label = label.strip(" \t\"'").lower()
    found = webencodings.lookup(label) if label.isascii() else None
    if found is not None:
        return str(found.name)
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    return codec.name if codec._is_text_encoding and codec.name not in SLOW_CODECS else None


def _codec(name: str) -> str:
    if name in _SUPERSETS:
        return _SUPERSETS[name]
    known = webencodings.lookup(name)
    return str(known.codec_info.name) if known is not None and known.name == name else name


def _wide(label: str | None) -> bool:
    """Whether plain letters are more than a byte each, or escapes begin with a letter."""
    return bool(label) and str(label).strip("\"' ").lower().startswith(("utf-16", "utf16", "utf-32", "utf-7", "hz"))


def _is_utf8(raw: bytes) -> bool:
    if not _MULTIBYTE_UTF8.search(raw):
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _likely(raw: bytes) -> str:
    """UTF-8 with a broken byte or two, else Windows-1252."""
    good, bad = len(_MULTIBYTE_UTF8.findall(raw)), len(_BAD.findall(raw.decode("utf-8", "replace")))
    return "utf-8" if good and good >= bad else "cp1252"


def _jis(raw: bytes) -> str:
    """ISO-2022-JP with the rows that vendors added (NEC's, IBM's): each two-byte run as the same run in Shift_JIS."""
    pieces: list[str] = []
    at, double, kana = 0, False, False
    for escape in (*_JIS.finditer(raw), None):
        run = raw[at : escape.start() if escape else len(raw)]
        if double:
            pieces.append(_shifted(run).decode("cp932", "replace"))
        else:
            pieces.append(bytes(byte | 0x80 for byte in run).decode("cp932", "replace") if kana else _single(run))
        if escape:
            at, double, kana = escape.end(), escape.group().startswith(b"\x1b$"), escape.group() == b"\x1b(I"
    return "".join(pieces)


def _single(run: bytes) -> str:
    return run.decode("utf-8", "replace")


def _shifted(run: bytes) -> bytes:
    """JIS X 0208 pairs as Shift_JIS pairs. A byte that begins no pair (a line end) stays as it is."""
    found, at = bytearray(), 0
    while at < len(run):
        high = run[at]
        if not 0x21 <= high <= 0x7E or at + 1 >= len(run) or not 0x21 <= run[at + 1] <= 0x7E:
            found.append(high)
            at += 1
            continue
        low = run[at + 1]
        low += (0x1F if low < 0x60 else 0x20) if high % 2 else 0x7E
        high = (high + 1) // 2 + (0x70 if high < 0x5F else 0xB0)
        found += bytes((high, low))
        at += 2
    return bytes(found)
