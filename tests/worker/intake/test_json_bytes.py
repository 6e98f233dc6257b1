"""JSON as other systems send it: marks, packing and halves of emoji are taken, and nothing else is changed."""

import gzip
import json

import pytest

from worker.intake.json_bytes import Unpackable, plain
from worker.intake.raw_ticket import UnreadableError, read_raw

MOST = 1000


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (gzip.compress(b'\xef\xbb\xbf{"a": 1}', mtime=0), {"a": 1}),
        (rb'{"a": "x \ud83d"}', {"a": "x \ufffd"}),
        (rb'{"a": "\ude00 x"}', {"a": "\ufffd x"}),
        (rb'{"a": "\ud83d\ude00"}', {"a": "\U0001f600"}),
        (rb'{"a": "\ud83d\ud83d\ude00"}', {"a": "\ufffd\U0001f600"}),
        (rb'{"a": "\\ud83d"}', {"a": "\\ud83d"}),
        (rb'{"a": "\\\ud83d"}', {"a": "\\\ufffd"}),
    ],
)
def test_it_is_read(raw: bytes, read: object) -> None:
    assert json.loads(plain(raw, MOST)) == read


TOO_MUCH, CUT_SHORT = gzip.compress(b" " * (MOST + 1), mtime=0), gzip.compress(b"{}", mtime=0)[:-4]


@pytest.mark.parametrize("raw", [TOO_MUCH, CUT_SHORT, b"\x1f\x8bnothing"], ids=["too much", "cut short", "not gzip"])
def test_packing_is_bounded_and_its_faults_are_named(raw: bytes) -> None:
    with pytest.raises(Unpackable):
        plain(raw, MOST)
    with pytest.raises(UnreadableError):
        read_raw(raw if len(raw) > 25 else raw[:5])
