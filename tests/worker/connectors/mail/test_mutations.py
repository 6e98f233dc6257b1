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
