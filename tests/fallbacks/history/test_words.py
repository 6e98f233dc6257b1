"""What somebody types into a search is words, whatever else it looks like."""

import sqlite3

import pytest

from fallbacks.history.words import Term, folded, match_all, read_terms


def test_case_and_accents_do_not_count() -> None:
    assert folded("Ünal BRÛLÉE ﬁn") == "unal brulee fin"


def test_what_stands_between_spaces_is_one_term() -> None:
    assert read_terms("Refund ann@example.com tkt_01*") == (
        Term(("refund",)),
        Term(("ann", "example", "com")),
        Term(("tkt", "01"), prefix=True),
    )


def test_no_word_is_no_term() -> None:
    assert read_terms(' * "" - ( ') == ()


@pytest.mark.parametrize(
    "q", ['"', 'a" OR "b', "NEAR(a b)", "NOT refund", "subject:refund", "^a", "a*b*", "(", "-a", "{a} : b"]
)
def test_operators_are_harmless(q: str) -> None:
    index = sqlite3.connect(":memory:")
    index.execute("CREATE VIRTUAL TABLE t USING fts5(text, tokenize='unicode61 remove_diacritics 2')")
    index.execute("INSERT INTO t VALUES ('nothing of it')")
    terms = read_terms(q)
    assert not terms or index.execute("SELECT count(*) FROM t WHERE t MATCH ?", (match_all(terms),)).fetchone() == (0,)
    index.close()
