"""What only looks different reads alike, and no run of marks is long enough to be slow."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tasks.safety.normal_form import _MARKS, _is_mark, compared

MARKS = "\u0301\u0323\u0345\uff9e\u0f73"


@given(st.text())
def test_text_as_people_write_it_is_in_compatibility_form(text: str) -> None:
    assert compared(text) == unicodedata.normalize("NFKC", text)


@given(st.text("a" + MARKS, max_size=200))
def test_of_marks_on_one_letter_no_more_than_thirty_are_sorted_together(text: str) -> None:
    run = longest = 0
    for char in unicodedata.normalize("NFKD", compared(text)):
        run = run + 1 if unicodedata.combining(char) else 0
        longest = max(longest, run)
    assert longest <= 30 * len(unicodedata.normalize("NFKD", "\u0f73"))
    assert compared(text).replace("\u034f", "") == unicodedata.normalize("NFKC", text) or len(text) > 30


def test_every_mark_of_unicode_is_known() -> None:
    assert [code for code in range(0x110000) if code not in _MARKS and _is_mark(chr(code))] == []
