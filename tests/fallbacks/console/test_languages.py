"""Every text of the console is in a catalogue, in every language, and each person is answered in theirs."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from fallbacks.access.roles import Role
from fallbacks.console.languages import TAGS, language, preferred
from fallbacks.console.vocabulary import WORDS
from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import Closed, State
from fallbacks.plan import PLAN, InboxQueue, Severity
from tasks.language import ENGLISH, N_, _, ngettext, spoken
from tasks.reasons import Reason
from tasks.ticket import Priority
from tasks.triage.process import OBJECTIONS
from tests.catalogue import FOLDER, ROOT, texts, updated

OTHERS = sorted(FOLDER.glob("*.po"))
TEMPLATES = sorted(
    [*(ROOT / "fallbacks/console/templates").rglob("*.html"), *ROOT.glob("worker/sample/*/cards/*.html")]
)


def named(files: list[Path]) -> list[str]:
    return [file.stem for file in files]


@pytest.fixture(scope="module")
def sources():
    return texts()


@pytest.mark.parametrize("file", OTHERS, ids=named(OTHERS))
def test_a_catalogue_has_the_texts_of_the_sources_and_no_other(file: Path, sources) -> None:
    written = file.read_bytes()
    assert updated(written, sources, file.stem) == written, "run `python -m tests.catalogue`"


@pytest.mark.parametrize("file", OTHERS, ids=named(OTHERS))
def test_every_text_is_translated_with_what_is_filled_in(file: Path) -> None:
    catalogue = [message for message in read_po(BytesIO(file.read_bytes()), locale=file.stem) if message.id]
    assert [message.id for message in catalogue if message.fuzzy or not all(strings(message))] == []
    wrong = [text for message in catalogue for text in strings(message) if marks(text) not in map(marks, ids(message))]
    assert wrong == []


def ids(message: Message) -> tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (list, tuple)) else (message.id,)


def strings(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (list, tuple)) else (message.string,)


def marks(text: str) -> list[str]:
    """What a translation must have as its text has it: what is filled in, and HTML."""
    return sorted(re.findall(r"%\(\w+\)s|%%|</?\w+[^>]*>", text))


NAMES = [*State, *InboxQueue, *Priority, *Severity, *Role, *Closed, *Reason, *Act, *OBJECTIONS]


def test_every_name_of_ours_is_in_the_catalogues() -> None:
    shown = {"handed off", "suggested", "parked"}  # states have words of their own
    assert {name.replace("_", " ") for name in NAMES} - set(WORDS) == shown


# What a template prints as it stands, in the order of the page; what a call prints is left as a hole.
HOLE = "\u2028"


def printed(node: nodes.Node) -> Iterator[str]:
    match node:
        case nodes.TemplateData():
            yield node.data
        case nodes.Output():
            for each in node.nodes:
                yield from printed(each) if isinstance(each, nodes.TemplateData) else literals(each)
        case nodes.Macro() | nodes.CallBlock():
            for each in node.body:
                yield from printed(each)
        case _:
            for each in node.iter_child_nodes():
                yield from printed(each)


def literals(node: nodes.Node) -> Iterator[str]:
    """Texts that an expression prints."""
    match node:
        case nodes.Const() if isinstance(node.value, str):
            yield node.value
        case nodes.CondExpr():
            for branch in (node.expr1, node.expr2):
                if branch:
                    yield from literals(branch)
        case nodes.Concat():
            for each in node.nodes:
                yield from literals(each)
        case _:
            yield HOLE


class Bare(HTMLParser):
    """Texts of a page that no call has printed."""

    UNTRANSLATED = frozenset({"kbd", "code", "script"})
    SHOWN = frozenset({"aria-label", "title", "placeholder", "alt", "data-title"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        for name, value in attrs:
            if name in self.SHOWN:
                self._look(value or "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in self.UNTRANSLATED:
            self._look(data)

    def _look(self, text: str) -> None:
        if re.search(r"[^\W\d_]{2}", text.replace("Deskhand", "").replace("UTC", "")):
            self.found.append(" ".join(text.replace(HOLE, "…").split()))


def bare(source: str) -> list[str]:
    page = Bare()
    page.feed("".join(printed(Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(source))))
    page.close()
    return page.found


@pytest.mark.parametrize("file", TEMPLATES, ids=named(TEMPLATES))
def test_no_template_has_a_text_outside_of_the_catalogues(file: Path) -> None:
    assert bare(file.read_text()) == []


def test_no_style_has_a_text() -> None:
    styles = "".join(file.read_text() for file in (ROOT / "fallbacks/console/static").glob("*.css"))
    assert re.findall(r'content: "[^"]*\w', styles) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>bare</p>",
        '<p title="bare">{{ 1 }}</p>',
        '<p>{{ "bare" if x else y }}</p>',
        "<b>{{ _('ok') }}</b> bare",
    ],
)
def test_a_bare_text_is_found(source: str) -> None:
    assert bare(source)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.8,en;q=0.5", "de"),
        ("fr, de;q=0.3, en;q=0.4", "en"),
        ("fr;q=x, de;q=0", "en"),
        ("*", "en"),
    ],
)
def test_the_browser_is_answered_in_what_it_likes_best(asked: str, answered: str) -> None:
    assert preferred(asked) == answered


def test_texts_outside_of_the_console_are_english() -> None:
    assert spoken() is ENGLISH
    assert _("Closed: %(kind)s", kind="spam") == "Closed: spam"
    assert ngettext("%(num)s thing", "%(num)s things", 2000) == "2000 things"
    assert N_("x") == "x"


def test_a_plan_in_words_is_in_every_catalogue() -> None:
    for tag in TAGS[1:]:
        found = language(tag).language.texts
        lines = [line for row in PLAN.values() for line in (row.means, row.advice)]
        assert [line for line in lines if found.gettext(line) == line] == []
