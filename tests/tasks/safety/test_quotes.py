"""A quote is found wherever it stands, however its lines are broken, and its place is that of the text as it is."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tasks.safety.quotes import Folded

texts = st.text("ab \n\t\u2003", max_size=60)


@given(texts, texts)
def test_every_place_is_found_in_order_and_without_overlap(text: str, quote: str) -> None:
    pattern = r"\s+".join(map(re.escape, quote.split()))
    expected = [found.span() for found in re.finditer(pattern, text)] if pattern else []
    assert list(Folded(text).spans(quote)) == expected
