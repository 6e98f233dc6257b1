"""Looks for the marks of prompt injection in a ticket. A signal for people and the plan, never a defence.

The defence is elsewhere: labels are an enum, tools are allow-listed, the customer comes from the envelope. Every
screen of this kind is evaded by an adaptive attacker (CONTRIBUTING.md, "Untrusted text"), so nothing may rest on a
clean result. A mark's weight is in log odds, set by hand in half steps: a telling mark (3 and more) is enough for a
person to look, two are enough for a hand-off. `python -m tests.bench.screen` measures what that sees and costs.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tasks.safety.canary import says
from tasks.safety.grades import HANDED_OFF_FROM, MARKED_FROM, Grade
from tasks.safety.marks import found
from tasks.safety.normal_form import compared
from tasks.safety.passages import passages
from tasks.safety.quotes import Folded
from tasks.safety.traffic import UNKNOWN_TRAFFIC, Traffic

MAX_CHARS = 60_000
"""The contract's longest body; what is longer is not read."""

_PRIOR = -3.0
"""Log odds before anything is seen; a text without marks has the score 0."""

_HIDDEN_WEIGHT = 6.0
_FOREIGN_WEIGHT = 3.2
_OUT_OF_PLACE_WEIGHT = 3.2
_CERTAIN = 30.0

CANARY = "canary"
"""The mark of a text that has our own secret: it is not quoted."""

_EXCERPT = 120
_BLANKS = re.compile(r"[ \t\r\f\v]{2,}|\t")
_INVISIBLE = re.compile("[\u00ad\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_HIDDEN = re.compile(
    "[\u202d\u202e]"  # override the direction of what follows; isolates and marks are ordinary in right-to-left mail
    "|[\U000e0000-\U000e007f]{8}"  # tags spell ASCII invisibly; a flag emoji has fewer
    "|[A-Za-z][\u00ad\u200b\u2060-\u2064\ufeff][A-Za-z]{1,20}[\u200b\u2060-\u2064\ufeff][A-Za-z]"
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Seen:
    """One mark in a text. says: as in `Mark`. start, end: where it stands in the text as it was compared."""

    name: str
    says: str
    weight: float
    start: int
    end: int


@dataclass(frozen=True)
class Screening:
    """What was seen in a text. score: 0..1. text: as it was compared: in compatibility form, runs of blanks as one."""

    text: str
    score: float
    grade: Grade
    seen: tuple[Seen, ...]

    @property
    def why(self) -> tuple[str, ...]:
        """Each mark in words, with the passage that has it."""
        return tuple(f"a passage {each.says}{self._quoted(each)}" for each in self.seen)

    def withholds(self, quote: str) -> bool:
        """Whether a quote stands in a paragraph that has a mark, and so speaks for nothing."""
        if self.grade is Grade.CLEAR:
            return False
        places = self._folded.spans(_compared(quote))
        return any(start < last and first < end for start, end in places for first, last in self._paragraphs)

    @cached_property
    def _folded(self) -> Folded:
        return Folded(self.text)

    @cached_property
    def _paragraphs(self) -> tuple[tuple[int, int], ...]:
        cuts = [(0, 0), *(cut.span() for cut in _PARAGRAPH.finditer(self.text)), (len(self.text),) * 2]
        bounds = [(before[1], after[0]) for before, after in pairwise(cuts)]
        return tuple((start, end) for start, end in bounds if any(s.start < end and start < s.end for s in self.seen))

    def _quoted(self, seen: Seen) -> str:
        return "" if seen.name == CANARY else f": “{self._excerpt(seen)}”"

    def _excerpt(self, seen: Seen) -> str:
        start = max(0, self.text.rfind("\n", 0, seen.start) + 1, seen.start - _EXCERPT // 3)
        last = _PARAGRAPH.search(self.text, seen.end)
        return " ".join(self.text[start : min(start + _EXCERPT, last.start() if last else len(self.text))].split())


@dataclass(frozen=True, slots=True)
class Screen:
    """marked_from, handed_off_from: the scores. traffic: what is ordinary here."""

    marked_from: float = MARKED_FROM
    handed_off_from: float = HANDED_OFF_FROM
    traffic: Traffic = UNKNOWN_TRAFFIC

    def read(self, text: str, canary: str = "") -> Screening:
        """canary: a token that only our own instructions have: a ticket that quotes it has learned it."""
        text = text[:MAX_CHARS]
        hidden = not text.isascii() and _HIDDEN.search(text)
        leaked = says(canary, text)
        text = _compared(text)
        seen = [*_whole(text, hidden=bool(hidden), leaked=leaked), *marked(text, self.traffic)]
        return self.graded(tuple(seen), text)

    def graded(self, seen: tuple[Seen, ...], text: str) -> Screening:
        """What these marks of a text come to."""
        score = 1 / (1 + math.exp(-_PRIOR - sum(each.weight for each in seen))) if seen else 0.0
        return Screening(text, score, self._grade(score), seen)

    def _grade(self, score: float) -> Grade:
        if score >= self.handed_off_from:
            return Grade.STRONG
        return Grade.MARKED if score >= self.marked_from else Grade.CLEAR


def marked(text: str, traffic: Traffic = UNKNOWN_TRAFFIC) -> Iterator[Seen]:
    """The marks of a text in compared form that are not ordinary in this traffic."""
    for mark, span in found(text):
        if mark.own or mark.name not in traffic.common:
            yield Seen(mark.name, mark.says, mark.weight, *span)
    yield from _out_of_place(text, traffic)


def may_be_ordinary(text: str) -> list[str]:
    """The names of a text's marks, for `traffic.learn`."""
    return [seen.name for seen in marked(_compared(text[:MAX_CHARS]))]


def _whole(text: str, *, hidden: bool, leaked: bool) -> Iterator[Seen]:
    if leaked:
        yield Seen(CANARY, "says the secret of the agent's instructions", _CERTAIN, 0, len(text))
    if hidden:
        yield Seen("hidden_text", "holds characters that nobody sees", _HIDDEN_WEIGHT, 0, len(text))


def _out_of_place(text: str, traffic: Traffic) -> Iterator[Seen]:
    """A passage in another language than the ticket's first one that shows; one in words that no ticket here has."""
    first, foreign, strange = "", None, None
    for passage in passages(text):
        first = first or passage.speech
        if passage.speech not in ("", first):
            foreign = foreign or passage
        elif strange is None and traffic.out_of_place(passage):
            strange = passage
    if foreign and "other_language" not in traffic.common:
        says = "speaks another language than the rest"
        yield Seen("other_language", says, _FOREIGN_WEIGHT, foreign.start, foreign.end)
    if strange:
        says = "asks for something in words that no ticket here has"
        yield Seen("out_of_place", says, _OUT_OF_PLACE_WEIGHT, strange.start, strange.end)


def _compared(text: str) -> str:
    if not text.isascii():
        text = compared(_INVISIBLE.sub("", text)).replace("\u2019", "'")[: 2 * MAX_CHARS]
    return _BLANKS.sub(" ", text)
