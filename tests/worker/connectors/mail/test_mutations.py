"""Whatever the bytes of a mail are, they end as a ticket or a foreseen error, within a bound of memory."""

import tracemalloc

from tests.worker.connectors.mail.mutations import mutation, outcome

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
