"""The text inside attachments that stand for a mail's own words: Outlook's winmail.dat and .msg, invitations, mails.

The libraries come with the extra `mail`; without them such an attachment is said to be unread.
"""

import re
from collections.abc import Callable
from io import BytesIO

from worker.connectors.mail.charsets import decoded
from worker.connectors.mail.html.visible import html_text

MAX_BYTES = 4 * 1024 * 1024
MAX_TNEF_BYTES = 32 * 1024 * 1024
MAX_FILES = 50
MAX_RICH_BYTES = 256 * 1024
MAX_ENTRIES = 2000
"""Lines of an invitation that are read."""

_FIELDS = {"SUMMARY": "Invitation", "DTSTART": "Begins", "DTEND": "Ends", "LOCATION": "Where", "DESCRIPTION": ""}
_ESCAPED = re.compile(r"\\([nN,;\\])")


def calendar_text(raw: bytes) -> str:
    """What an invitation says (RFC 5545): title, times, place and words of its first event."""
    text = re.sub(r"\r?\n[ \t]", "", decoded(raw[:MAX_BYTES], "utf-8"))
    found: list[str] = []
    inside = False
    for line in text.splitlines()[:MAX_ENTRIES]:
        name, _, value = line.partition(":")
        name = name.partition(";")[0].strip().upper()
        if name == "BEGIN":
            inside = value.strip().upper() in ("VEVENT", "VTODO")
        elif name == "END" and inside:
            break
        elif inside and name in _FIELDS and value.strip():
            said = _ESCAPED.sub(lambda one: "\n" if one[1] in "nN" else one[1], value).strip()
            found.append(f"{_FIELDS[name]}: {said}" if _FIELDS[name] else said)
    return "\n".join(found)


def tnef_text(raw: bytes) -> str:
    """The words in a `winmail.dat` (MS-OXTNEF); "" where there are none that can be read."""
    try:
        from tnefparse import TNEF  # only where such a mail comes

        tnef = TNEF(raw[:MAX_BYTES], do_checksum=False)
        plain, html, rich = tnef.body, tnef.htmlbody, tnef.rtfbody
    except Exception:  # the library raises nearly anything on a damaged file
        return ""
    text = _string(plain).strip()
    return text or html_text(_string(html)).strip() or rtf_text(_string(rich).encode("latin-1", "replace"))


def tnef_attachments(raw: bytes) -> list[tuple[str, bytes]]:
    """(name, bytes) of the files in a `winmail.dat`."""
    try:
        from tnefparse import TNEF  # as above

        files = TNEF(raw[:MAX_TNEF_BYTES], do_checksum=False).attachments[:MAX_FILES]
        return [(" ".join(_string(one.name).split())[:100] or "unnamed", bytes(one.data or b"")) for one in files]
    except Exception:  # as above
        return []


def rtf_text(raw: bytes) -> str:
    """The words of rich text (RTF)."""
    try:
        from striprtf.striprtf import rtf_to_text  # as above

        return str(rtf_to_text(raw[:MAX_RICH_BYTES].decode("latin-1"), errors="replace")).strip()
    except Exception:  # as above
        return ""


def msg_text(raw: bytes) -> str:
    """The words of an Outlook message file (MS-OXMSG); "" where there are none that can be read."""
    try:
        from oxmsg import Message  # only where such a file comes

        message = Message.load(BytesIO(raw[:MAX_BYTES]))
        said = [("From", message.sender), ("Subject", message.subject)]
        text = (message.body or "").strip() or html_text(message.html_body or "").strip()
    except Exception:  # as above
        return ""
    head = [f"{name}: {value}" for name, value in said if value]
    return "\n".join(["---------- Forwarded message ----------", *head, "", text.replace("\r\n", "\n")]) if text else ""


def _string(found: bytes | str | None) -> str:
    return decoded(found, None) if isinstance(found, bytes) else (found or "").replace("\0", "")


READERS: dict[str, Callable[[bytes], str]] = {
    "text/calendar": calendar_text,
    ".ics": calendar_text,
    "text/rtf": rtf_text,
    "application/rtf": rtf_text,
    "application/ms-tnef": tnef_text,
    "application/vnd.ms-tnef": tnef_text,
    "winmail.dat": tnef_text,
    "application/vnd.ms-outlook": msg_text,
    ".msg": msg_text,
}
"""By content type, ending or name."""
