"""The documentation check finds what it is for and leaves the rest alone."""

from pathlib import Path

import pytest

from tests.check_docs import (
    anchors,
    dead_links,
    forbidden_text,
    makefile_targets,
    missing_citations,
    missing_places,
    unknown_commands,
)


def written(folder: Path, text: str, name: str = "README.md") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "link", ["[a](other.md)", "![a](picture.png)", '<img src="no.svg">', "[a](#nowhere)", "[a](there.md#no)"]
)
def test_a_dead_link_is_named_with_its_line(tmp_path: Path, link: str) -> None:
    written(tmp_path, "# There\n", "there.md")
    (fault,) = dead_links(written(tmp_path, f"# Here\n\n{link}\n"))
    assert f"{tmp_path}/README.md:3: " in fault


@pytest.mark.parametrize(
    "link",
    ["[a](there.md#one--two)", "[a](#here)", "[a](https://example.com/x)", "`[a](no.md)`", "```\n[a](no.md)\n```"],
)
def test_a_good_link_passes(tmp_path: Path, link: str) -> None:
    written(tmp_path, "# One & two\n", "there.md")
    assert list(dead_links(written(tmp_path, f"# Here\n\n{link}\n"))) == []


def test_headings_get_the_anchors_of_github() -> None:
    text = "# What `deskhand up` does\n## Again\n## Again\n```sh\n# no heading\n```\n"
    assert anchors(text) == {"what-deskhand-up-does", "again", "again-1"}


def test_commands_in_code_must_exist(tmp_path: Path) -> None:
    makefile = written(tmp_path, ".PHONY: demo\ndemo: x ## see\n\ttrue\n", "Makefile")
    readme = written(tmp_path, "Run `make demo`; we make up nothing.\n```sh\nmake dmeo  # make sense\n```\n")
    (fault,) = unknown_commands(readme, "make", lambda: makefile_targets(makefile))
    assert fault == f"{readme}:3: there is no `make dmeo`"


def test_the_command_line_is_not_asked_where_none_is_named(tmp_path: Path) -> None:
    readme = written(tmp_path, 'Deskhand is `pip install "deskhand[all]"`.\n')
    assert list(unknown_commands(readme, "deskhand", lambda: pytest.fail("asked"))) == []


def test_registries_and_private_paths_are_found(tmp_path: Path) -> None:
    folder = "/".join(["", "home", "ada", "x"])
    host = ".".join(["pypi", "org"])
    faults = list(forbidden_text(written(tmp_path, f"{folder}\nhttps://{host}/simple\nhref='/home'\n")))
    assert [fault.split(": ")[0].rpartition(":")[2] for fault in faults] == ["2", "1"]


@pytest.mark.parametrize("place", ["room/none.py", "none/", "room/file.py:Gone", "room/file.py:Here.gone"])
def test_a_place_that_does_not_exist_is_named_with_its_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "room").mkdir()
    written(tmp_path / "room", "class Here:\n    def there(self): ...\n", "file.py")
    (fault,) = missing_places(written(tmp_path, f"# Rooms\n\nSee `{place}`.\n"), tmp_path)
    assert fault.startswith(f"{tmp_path}/README.md:3: ")


def test_places_that_exist_and_code_that_names_none_pass(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    written(tmp_path / "room", "LIMIT = 1\n\nclass Here:\n    async def there(self): ...\n", "file.py")
    named = "`room/` `room/file.py` `room/file.py:Here` `room/file.py:Here.there` `room/file.py:LIMIT` `/v1`"
    assert list(missing_places(written(tmp_path, named), tmp_path)) == []


def test_a_document_that_code_cites_must_be_here(tmp_path: Path) -> None:
    guide = "GUIDE" + ".md"
    written(tmp_path, "# Guide\n", guide)
    code = written(tmp_path, f"# see {guide}\n# see docs/{guide}\nfiles = '*.md'\n", "code.py")
    (fault,) = missing_citations(code, tmp_path)
    assert fault == f"{code}:2: cites docs/{guide}, which is not here"
