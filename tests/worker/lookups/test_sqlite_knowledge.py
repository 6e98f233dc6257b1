"""The knowledge base finds the article that helps and survives any query."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.tools.ports import Article
from tests.depth import cases
from worker import sample
from worker.lookups.sqlite_knowledge import SqliteKnowledge
from worker.lookups.sqlite_query import MAX_TERMS, match_any

SHIPPED = SqliteKnowledge(sample.path("knowledge"))


def search(query: str, limit: int = 3) -> list[Article]:
    return asyncio.run(SHIPPED.search(query, limit))


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("My card still has not arrived in the post", "card-not-arrived.md"),
        ("The cash machine swallowed my card", "card-swallowed.md"),
        ("I forgot my passcode", "app-passcode.md"),
        ("It was charged twice", "double-and-extra-charges.md"),
        ("Is contactless broken?", "contactless.md"),
    ],
)
def test_the_article_about_it_comes_first(query: str, path: str) -> None:
    found = search(query)
    assert found[0].path == path
    assert 0 < len(found[0].excerpt) < 600


def test_results_are_limited_and_nothing_matches_nothing() -> None:
    assert len(search("card transfer top-up", limit=2)) == 2
    assert search("zyzzyva quux") == []
    assert search("") == search("?!.. -- **") == []
    assert search("card", limit=0) == []


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "a AND NOT b",
        "NEAR(card pin)",
        "title:card",
        "card*",
        "^card",
        "{title} : x",
        "') DROP TABLE article; --",
        "\x00 card",
    ],
)
def test_query_syntax_is_only_text(query: str) -> None:
    search(query)
    assert search("card"), "the index is whole"


@settings(max_examples=cases(100, 2000))
@given(st.text(max_size=300))
def test_any_text_is_a_safe_query(text: str) -> None:
    search(text)


def test_a_huge_query_is_cut_to_a_few_terms() -> None:
    assert match_any(" ".join(f"word{i}" for i in range(60_000))).count(" OR ") == MAX_TERMS - 1


def test_an_article_without_a_heading_is_named_after_its_file_and_folders_count(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "plain.md").write_text("Nothing but a paragraph on giraffes.", "utf-8")
    (tmp_path / "bad.md").write_bytes(b"# Giraffes \xff\n\nMore giraffes.")
    found = asyncio.run(SqliteKnowledge(tmp_path).search("giraffes", 5))
    assert {(article.title, article.path) for article in found} == {
        ("plain", "deep/plain.md"),
        ("Giraffes \ufffd", "bad.md"),
    }


def test_a_missing_folder_is_an_error_at_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="does not exist"):
        SqliteKnowledge(tmp_path / "none")
