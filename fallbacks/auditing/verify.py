"""Reads a journal for auditors again, and finds the line at which it is not what was written."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from fallbacks.auditing.erasures import Erasures
from fallbacks.auditing.lines import FORM, Kind, Line, read_line, sealed_part

Check = Callable[[str, bytes, str], bool]
"""public key, what was signed, seal: whether they fit."""

Fault = tuple[int, str]
"""(line, from 1; what is wrong with it)."""

MOST_FAULTS = 100
"""After so many nobody reads on."""


@dataclass(slots=True)
class Verdict:
    """What was found. key: by which the trailer is signed, None where by none of those that count. erased: events."""

    lines: int = 0
    tickets: int = 0
    events: int = 0
    acts: int = 0
    erased: int = 0
    receipts: int = 0
    head: str = ""
    key: str | None = None
    faults: list[Fault] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every byte is as it was written by the holder of the key."""
        return not self.faults


def verify(raw: Iterable[bytes], public_keys: Sequence[str], check: Check) -> Verdict:
    """raw: lines of the file with their ends. public_keys: of which one must have signed."""
    verdict, reader = Verdict(), _Reader(public_keys, check)
    for number, each in enumerate(raw, 1):
        verdict.lines = number
        verdict.faults += [(number, what) for what in reader.take(number, each)]
        if len(verdict.faults) >= MOST_FAULTS:
            break
    verdict.faults += [(verdict.lines, what) for what in reader.ended()]
    verdict.tickets, verdict.events = reader.counts[Kind.TICKET], reader.counts[Kind.EVENT]
    verdict.acts, verdict.receipts = reader.counts[Kind.ACT], reader.counts[Kind.RECEIPT]
    verdict.erased, verdict.head, verdict.key = reader.erasures.events, reader.head, reader.key
    return verdict


class _Reader:
    """Where the reading of a file has come to. before: hash of the line before."""

    def __init__(self, public_keys: Sequence[str], check: Check) -> None:
        self.public_keys = public_keys
        self.check = check
        self.before = ""
        self.counts: Counter[Kind] = Counter()
        self.key: str | None = None
        self.head = ""
        self.erasures = Erasures(lambda what, seal: any(check(key, what, seal) for key in public_keys))
        self._trailer_at = 0

    def take(self, number: int, raw: bytes) -> Iterator[str]:
        """What is wrong with a line."""
        if self._trailer_at:
            yield f"stands behind the trailer of line {self._trailer_at}"
            return
        line = read_line(raw)
        if line is None:
            yield "is no line of a journal for auditors"
            return
        yield from self._in_its_place(number, line)
        if line.hash != line.hash_after(self.before):
            yield "was changed, or does not follow the line before it: the hash is another"
        self.before = line.hash
        yield from self._said(number, line)

    def ended(self) -> Iterator[str]:
        """What is wrong with all of them together."""
        if not self._trailer_at:
            yield "the file ends without its trailer: lines are missing behind this one"
        else:
            yield from self.erasures.ended()

    def _in_its_place(self, number: int, line: Line) -> Iterator[str]:
        if line.said.get("n") != number:
            yield f"says that it is line {line.said.get('n')}: lines were taken out, put in or moved"
        if (line.said.get("kind") == Kind.HEADER) != (number == 1):
            yield "a header stands in the first line and nowhere else"

    def _said(self, number: int, line: Line) -> Iterator[str]:
        try:
            kind = Kind(str(line.said.get("kind")))
        except ValueError:
            yield f"is of an unknown kind, {line.said.get('kind')!r}"
            return
        if kind is not Kind.TRAILER and line.seal:
            yield "bears a seal, which only the trailer does"
        if kind is Kind.HEADER and line.said.get("form") != FORM:
            yield f"the file has the form {line.said.get('form')!r}; this release reads {FORM}"
        if kind is Kind.TRAILER:
            self._trailer_at = number
            yield from self._trailer(number, line)
        else:
            self.counts[kind] += 1
            yield from self.erasures.take(kind, line.said, line.body)

    def _trailer(self, number: int, line: Line) -> Iterator[str]:
        counts = {kind.value: count for kind, count in self.counts.items()}
        if line.said.get("count") != number - 1 or line.said.get("lines") != counts:
            yield "the trailer counts other lines than there are"
        self.head = str(line.said.get("head"))
        what = sealed_part(number - 1, line.hash)
        self.key = next((key for key in self.public_keys if self.check(key, what, line.seal)), None)
        if self.key is None:
            yield "the seal is by none of the keys that count: somebody else wrote this file, or wrote it anew"
