"""Whatever the bytes of a mail are, they end as a ticket or a foreseen error, within a bound of memory."""

import tracemalloc

import pytest

from tests.worker.connectors.mail.mutations import mutation, outcome
from worker.connectors.mail.reading import read_mail

COUNT = 200


def test_the_same_number_is_the_same_mail() -> None:
    assert mutation(7) == mutation(7)
    assert len({mutation(seed) for seed in range(COUNT)}) > COUNT * 0.9


def test_reading_fails_on_no_mail_in_a_way_that_nobody_foresaw() -> None:
    unforeseen = {seed: end for seed in range(COUNT) if (end := outcome(mutation(seed))).startswith("the mail cannot")}
    assert unforeseen == {}


def test_reading_takes_memory_by_the_size_of_the_mail() -> None:
    tracemalloc.start()
    try:
        for seed in range(0, COUNT, 4):
            raw = mutation(seed)
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            outcome(raw)
            used = tracemalloc.get_traced_memory()[1] - before
            assert used < 2_000_000 + 60 * len(raw), f"mutation {seed}: {used} bytes for {len(raw)}"
    finally:
        tracemalloc.stop()


def test_a_line_of_many_dashes_before_a_word_ends() -> None:
    """Mutation 403: it was matched in as many ways as its dashes can be taken by ones and twos."""
    for dash in ("-", "\u2013", "- "):
        assert outcome(f"Subject: x\n\nMy card is lost.\n{dash * 5000}n\n".encode()) == "ticket"


HEAD = b"Subject: Card\nFrom: ann@customer.example\nContent-Type: multipart/mixed; boundary=B\n"
BODY = b"\n--B\n\nMy card is lost.\n"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (HEAD + b"X-Tag: a\n" * 30_000 + BODY, "the header has 270,082 bytes, of which the first"),
        (HEAD + b"X-Tag: " + b"a" * 2_000_000 + BODY, "the header has 2,000,094 bytes, of which the first"),
        (HEAD + BODY + b"\r" * 1_000_000, "the mail has more than 900,000 lines"),
        (HEAD + BODY + b"--B\n\na\n" * 3000, "the mail has more than 2,000 parts"),
    ],
    ids=["header lines", "header bytes", "lines that end in a carriage return", "parts"],
)
def test_what_would_take_long_to_parse_is_bounded_and_said(raw: bytes, said: str) -> None:
    ticket = read_mail(raw).ticket
    assert said in str(ticket.metadata["cut"])
    assert ticket.body.startswith("My card is lost.")


def test_many_parts_that_hold_parts_over_many_lines_are_read_as_text() -> None:
    """The standard library tries each boundary that is open on each line."""
    outer = b"".join(b"Content-Type: multipart/mixed; boundary=n%d\n\n--n%d\n" % (depth, depth) for depth in range(30))
    ticket = read_mail(b"Subject: Card\n" + outer + b"\nMy card is lost.\n" + b"a\n" * 300_000).ticket
    assert "My card is lost." in ticket.body
