"""The texts of the sources against the catalogues; `python -m tests.catalogue` brings these up to date.

A catalogue is a gettext file in `fallbacks/console/languages/`, sorted by text, with the files that have each text.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "fallbacks/console/languages"

KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
METHODS = {".py": "python", ".html": "jinja2", ".js": "javascript"}
OPTIONS = {"jinja2": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}}
SOURCES = ("tasks", "fallbacks", "worker/sample/refunds", "worker/http")


def texts() -> Catalog:
    """Every text of the sources, with the files that have it."""
    found = Catalog(project="deskhand", charset="utf-8", fuzzy=False, header_comment="# Texts of Deskhand's console.")
    for folder in SOURCES:
        for file in sorted((ROOT / folder).rglob("*")):
            for text in _of(file):
                found.add(text, locations=[(file.relative_to(ROOT).as_posix(), 0)])
    return found


def _of(file: Path) -> Iterator[str | tuple[str, ...]]:
    method = METHODS.get(file.suffix)
    if method is None:
        return
    with file.open("rb") as source:
        for _, text, _, _ in extract(method, source, KEYWORDS, options=OPTIONS.get(method, {})):
            yield text


def updated(written: bytes, sources: Catalog, tag: str) -> bytes:
    """A catalogue with the texts that the sources have now. What is new in it has no translation yet."""
    catalogue = read_po(BytesIO(written), locale=tag)
    dates = catalogue.creation_date, catalogue.revision_date
    catalogue.update(sources, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.creation_date, catalogue.revision_date = dates
    file = BytesIO()
    write_po(file, catalogue, width=120, sort_output=True, omit_header=False, include_lineno=False)
    return file.getvalue()


def main() -> int:
    """Every catalogue anew; says how many texts of each lack a translation."""
    sources = texts()
    for file in sorted(FOLDER.glob("*.po")):
        written = updated(file.read_bytes(), sources, file.stem)
        file.write_bytes(written)
        lacking = [each.id for each in read_po(BytesIO(written)) if each.id and not all(_strings(each.string))]
        print(f"{file.relative_to(ROOT)}: {len(sources)} texts, {len(lacking)} without a translation")
        for text in lacking:
            print(f"  {text!r}")
    return 0


def _strings(found: str | tuple[str, ...]) -> tuple[str, ...]:
    return found if isinstance(found, tuple) else (found,)


if __name__ == "__main__":
    sys.exit(main())
