"""Mails put together by hand: a header and a body, or parts."""

import base64
import quopri
import struct

LOST = "My card is lost"


def mail(body: bytes | str, kind: str = "text/plain; charset=utf-8", coding: str = "8bit", **fields: str) -> bytes:
    """One mail. fields: of its header, `Reply_To` for `Reply-To`; "" leaves one out."""
    raw = body.encode() if isinstance(body, str) else body
    head = {"From": "Ann Example <ann@customer.example>", "To": "support@shop.example", "Subject": "Card not here"}
    head |= {"Date": "Mon, 05 Jan 2026 10:00:00 +0100", "Message-ID": "<1@customer.example>", "MIME-Version": "1.0"}
    head |= {"Content-Type": kind, "Content-Transfer-Encoding": coding}
    head |= {name.replace("_", "-"): value for name, value in fields.items()}
    lines = [f"{name}: {value}" for name, value in head.items() if value]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + raw


def part(body: bytes | str, kind: str = "text/plain; charset=utf-8", coding: str = "8bit", place: str = "") -> bytes:
    """A part. place: its Content-Disposition."""
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"Content-Type: {kind}" if kind else "", f"Content-Transfer-Encoding: {coding}" if coding else ""]
    lines.append(f"Content-Disposition: {place}" if place else "")
    return "\r\n".join([*filter(None, lines), "", ""]).encode() + raw


def parts(sub: str, *pieces: bytes, mark: str = "B", end: bool = True) -> tuple[bytes, str]:
    """(body, Content-Type) of a multipart."""
    body = b"".join(b"--%b\r\n%b\r\n" % (mark.encode(), piece) for piece in pieces)
    return body + (b"--%b--\r\n" % mark.encode() if end else b""), f'multipart/{sub}; boundary="{mark}"'


def nested(sub: str, *pieces: bytes, mark: str = "C") -> bytes:
    """A multipart as a part."""
    body, kind = parts(sub, *pieces, mark=mark)
    return part(body, kind)


def many(sub: str, *pieces: bytes, **fields: str) -> bytes:
    """A mail of parts."""
    body, kind = parts(sub, *pieces)
    return mail(body, kind, **fields)


def b64(raw: bytes | str) -> bytes:
    """In lines of 76."""
    return base64.encodebytes(raw.encode() if isinstance(raw, str) else raw)


def qp(raw: bytes | str) -> bytes:
    """Quoted-printable."""
    return quopri.encodestring(raw.encode() if isinstance(raw, str) else raw)


def html(body: str, **fields: str) -> bytes:
    """A mail of HTML alone."""
    return mail(body, "text/html; charset=utf-8", **fields)


def tnef(body: bytes, *files: tuple[bytes, bytes]) -> bytes:
    """Outlook's winmail.dat (MS-OXTNEF, 2.1): a text, and files by name."""
    found = struct.pack("<IH", 0x223E9F78, 1) + _attribute(1, 0x0002800C, body + b"\0")
    for name, held in files:
        found += _attribute(2, 0x00069002, b"\0" * 14) + _attribute(2, 0x00018010, name + b"\0")
        found += _attribute(2, 0x0006800F, held)
    return found


def _attribute(level: int, name: int, value: bytes) -> bytes:
    return bytes([level]) + struct.pack("<II", name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)
