"""Each kind of mail structure that people and programs send is read as a reader sees it, or says what is missing."""

from collections import Counter
from pathlib import Path

import pytest

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.kinds import KINDS, LETTERS, table
from worker.connectors.mail.reading import read_mail


@pytest.mark.parametrize("kind", KINDS, ids=[f"{number}-{kind.letter}" for number, kind in enumerate(KINDS)])
def test_a_kind_is_read_as_a_reader_sees_it(kind: Kind) -> None:
    assert list(kind.faults(read_mail(kind.raw))) == [], kind.name


def test_every_letter_has_kinds_and_no_two_are_named_alike() -> None:
    assert {kind.letter for kind in KINDS} == LETTERS.keys()
    assert [name for name, count in Counter((kind.letter, kind.name) for kind in KINDS).items() if count > 1] == []


def test_the_table_says_what_is_so() -> None:
    """`python -m tests.worker.connectors.mail.kinds > tests/worker/connectors/mail/KINDS.md` makes it anew."""
    assert (Path(__file__).parent / "KINDS.md").read_text("utf-8") == "\n".join(table())
