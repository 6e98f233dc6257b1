"""What a person did today, however much others did since."""

import json

from fallbacks.inbox.today import LAST, Days
from fallbacks.ledger.past.examples import Example, read_example
from fallbacks.plan import DAY_MS
from tests.fallbacks.scene import TRIAGE


def example(number: int, by: str, at_ms: int) -> Example:
    row = {"id": f"t{number}", "text": "my card", "by": by, "label": "a", "team": "cards", "proposed": "a", "at": at_ms}
    return read_example(TRIAGE, json.dumps(row))


def test_a_day_is_whole_after_thousands_of_others_and_keeps_no_text() -> None:
    rows = [example(number, "ann", DAY_MS + number) for number in range(30)]
    rows += [example(number, "bob", DAY_MS + number) for number in range(30, 3000)]
    parts = Days().with_more(rows[:7]).with_more(rows[7:])
    assert parts == Days().with_more(rows)
    own = parts.of("ann", 2 * DAY_MS - 1)
    assert [one.id for one in own.today] == [f"t{number}" for number in range(30)]
    assert [one.id for one in own.last] == [f"t{number}" for number in range(30 - LAST, 30)]
    assert {one.text for one in own.today} == {""}


def test_the_last_ten_outlive_their_day() -> None:
    ends = Days().with_more([example(number, "ann", DAY_MS) for number in range(12)])
    assert (ends.of("ann", 2 * DAY_MS).today, len(ends.of("ann", 2 * DAY_MS).last)) == ((), LAST)
    later = ends.with_more([example(12, "bob", 2 * DAY_MS), example(13, "ann", 2 * DAY_MS)])
    assert [one.id for one in later.of("ann", 2 * DAY_MS).today] == ["t13"]
    assert [one.id for one in later.of("ann", 2 * DAY_MS).last][-2:] == ["t11", "t13"]
    assert (later.of("eve", 0).today, later.of("eve", 0).last) == ((), ())
