"""Names of folders and users as IMAP writes them."""

import re
from base64 import b64decode, b64encode

_OTHER = re.compile(r"[^\x20-\x7e]+")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


def to_modified_utf7(name: str) -> str:
    """A folder's name in ASCII (RFC 3501, 5.1.3)."""
    return _OTHER.sub(lambda found: f"&{_base64(found[0])}-", name.replace("&", "&-"))


def from_modified_utf7(name: str) -> str:
    """The name that people see; what is not rightly encoded stays as it is."""
    return _SHIFTED.sub(_letters, name)


def quoted(text: str) -> str:
    """A quoted string. What no quoted string may hold has been refused before."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")


def _letters(found: re.Match[str]) -> str:
    packed = found[1].replace(",", "/")
    if not packed:
        return "&"
    try:
        return b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-16-be")
    except ValueError:
        return found[0]
