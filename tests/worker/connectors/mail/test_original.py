"""What is kept of a mail: all of it, or of a large one what can be read, and what was left out is said there."""

import base64
import zlib

import pytest

from tests.worker.connectors.mail.mails import LOST, b64, mail, many, part
from worker.connectors.mail.original import WHOLE_BYTES, packed

PHOTO = b64(b"\xff" * 300_000)


def kept(raw: bytes) -> bytes:
    return zlib.decompress(base64.b64decode(packed(raw)))


def test_a_mail_is_kept_byte_for_byte() -> None:
    raw = mail(LOST) + bytes(range(256))
    assert kept(raw) == raw


def test_of_a_large_mail_pictures_are_left_out_where_they_stood() -> None:
    found = kept(many("mixed", part(LOST), part(PHOTO, "image/jpeg; name=p.jpg", "base64")))
    assert LOST.encode() in found
    assert b"name=p.jpg" in found
    assert b"[left out here: 4" in found


LONG = {"words": mail("word " * 100_000), "nested": mail(b"Content-Type: multipart/a\n" * 50_000)}


@pytest.mark.parametrize("name", LONG)
def test_a_long_text_is_cut_and_says_so(name: str) -> None:
    found = kept(LONG[name])
    assert found.startswith(b"From: Ann Example")
    assert found.endswith(b" bytes]\n")
    assert len(found) < WHOLE_BYTES + 100
