"""Bytes of mail as text. Labels mean what browsers take them to mean (WHATWG Encoding), and no byte spoils a mail."""

import codecs
import re

import webencodings

SLOW_CODECS = frozenset({"idna", "punycode"})
"""Their decoders need quadratic time."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

_SUPERSETS = {"shift_jis": "cp932", "euc-kr": "cp949", "gbk": "gb18030", "big5": "big5hkscs", "euc-jp": "euc_jis_2004"}
"""Python's codec of what browsers decode under each of these names: the vendors' larger sets."""

_ALIASES = {"hz-gb-2312": "hz", "iso-2022-kr": "iso2022_kr", "csiso2022kr": "iso2022_kr"}
"""What browsers refuse, since pages abused it; in mail it is what it says."""

_NO_CODECS = ("replacement", "x-user-defined")
_UTF16 = ("utf-16", "utf-16le", "utf-16be", "utf-16-le", "utf-16-be")
_NUMBERED = re.compile(r"(?:x-)?(?:cp|ibm|win|windows|dos|ms)[-_ ]?(\d{3,5})")
_SINGLE = re.compile(r"windows-|iso-8859|koi8|macintosh|x-mac|ibm866|cp\d|mac|ascii|latin", re.IGNORECASE)
_MULTIBYTE_UTF8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_CESU = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
"""An emoji as Java and Oracle write it (CESU-8): each half of its surrogate pair for itself."""

_UNSEEN = re.compile("[\0\ufeff\u00ad\u200b\u2060\u034f\u180e]")
"""NUL, marks and what only says where a line may break."""

_BAD = re.compile("\ufffd+")
_JIS = re.compile(rb"\x1b(?:\$[@B]|\$\(D|\([BJI])")


def _euro(error: UnicodeError) -> tuple[str, int]:
    """As `replace`; a single byte 80 is the euro of GBK (WHATWG Encoding, 10.1.1)."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - used for decoding alone
    return "\u20ac" if error.object[error.start] == 0x80 else "\ufffd", error.start + 1


codecs.register_error("gbk-euro", _euro)


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
    return clean(_text(raw, [name for name in (_known(label), _declared(declared)) if name]))


def _text(raw: bytes, names: list[str]) -> str:
    """names: of the encodings it may have, the strongest first."""
    first = names[0] if names else ""
    if first in _UTF16:
        return raw.decode(_byte_order(raw, first), "replace")
    if (not first or _SINGLE.match(first)) and is_utf8(raw):
        return raw.decode("utf-8")
    if b"\x1b" in raw and _JIS.search(raw) and (not first or first.startswith("iso-2022-jp")):
        return _jis(raw)
    for name in names or ("utf-8",):
        try:
            return raw.decode(_codec(name))
        except (UnicodeError, ValueError):
            continue
    if first and first != "utf-8":
        return raw.decode(_codec(first), "gbk-euro" if _codec(first) == "gb18030" else "replace")
    raw = _CESU.sub(lambda pair: _joined_pair(pair[0]), raw)
    return raw.decode(_likely(raw), "replace")


def clean(text: str) -> str:
    """Without what nobody sees, and without halves of surrogate pairs: they cannot be stored."""
    return _UNSEEN.sub("", text).encode("utf-8", "replace").decode("utf-8")


def _known(label: str | None) -> str | None:
    """The encoding's name by WHATWG, or Python's own; None for a label that names nothing."""
    if not label:
        return None
    label = label.strip(" \t\"'").lower()
    if label in _ALIASES or "utf-7" in label:
        return _ALIASES.get(label, "utf-7")
    numbered = _NUMBERED.fullmatch(label)
    tried = (label, *((f"windows-{numbered[1]}", f"cp{numbered[1]}") if numbered else ()))
    return next((name for one in tried if (name := _named(one))), None)


def _named(label: str) -> str | None:
    found = webencodings.lookup(label) if label.isascii() else None
    if found is not None:
        return str(found.name) if found.name not in _NO_CODECS else None
    try:
        codec = codecs.lookup(label)
    except (LookupError, ValueError):
        return None
    return codec.name if codec._is_text_encoding and codec.name not in SLOW_CODECS else None


def _declared(label: str | None) -> str | None:
    """What a text says of itself: it could not be read so far if it were UTF-16 (HTML, 13.2.3.3)."""
    name = _known(label)
    return "utf-8" if name in _UTF16 else name


def _byte_order(raw: bytes, name: str) -> str:
    """Of UTF-16 without a mark: whichever leaves plain letters plain; the label says it where there are none."""
    even, odd = raw[0:2000:2].count(0), raw[1:2000:2].count(0)
    if even == odd:
        return name
    return "utf-16-be" if even > odd else "utf-16-le"


def _joined_pair(pair: bytes) -> bytes:
    return pair.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _codec(name: str) -> str:
    if name in _SUPERSETS:
        return _SUPERSETS[name]
    known = webencodings.lookup(name)
    return str(known.codec_info.name) if known is not None and known.name == name else name


def _wide(label: str | None) -> bool:
    """Whether plain letters are more than a byte each, or escapes begin with a letter."""
    said = (label or "").strip("\"' ").lower()
    return said.startswith(("utf-16", "utf16", "utf-32", "hz")) or "utf-7" in said


def is_utf8(raw: bytes) -> bool:
    """Whether it is, with a letter beyond ASCII at least."""
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
