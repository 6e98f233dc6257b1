"""The writer's own words in a mail: without the earlier mail below them and without a signature. Pure.

Only what strong evidence marks is left out: what a mail program marked (`CUT_HERE`), a helpdesk's line, a header block
that holds an address, an attribution before a quote. Quotes that are answered line by line stay, and so does a mail
that was passed on. Every cut is said.
"""

import re
from dataclasses import dataclass, field

from worker.connectors.mail.html.visible import CUT_HERE
from worker.connectors.mail.quote_words import FORWARDED, REPLY_ABOVE, ROLES, SENT_FROM, WROTE

MAX_TEXT_CHARS = 250_000
MAX_SIGNATURE_LINES = 15
MAX_FOOTER_LINES = 8
MAX_DEVICE_CHARS = 120
MAX_INTRODUCTION_CHARS = 60
"""Of `Begin forwarded message:`, as Apple Mail writes it."""

COLONS = (":", "\uff1a")

_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u200b\ufeff]")
_LABEL = re.compile(r"^[>\s]{0,4}\*{0,2}([^\s:*\uff1a][^:\uff1a*]{0,30}?)\*{0,2}\s{0,2}[:\uff1a]\*{0,2}(?:\s|$)(.*)$")
_ADDRESS = re.compile(r"[^\s<>:;,]{1,80}@[^\s<>:;,]{2,80}")
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_CLOCK = re.compile(r"\d{1,2}\s?[:.h\uff1a時시点]\s?\d{2}(?!\d?[./]\d)")
_SENT_FROM = re.compile(rf"\s*(?:{SENT_FROM})\s*", re.IGNORECASE)
_WROTE = re.compile(rf"(?:^|[\s,>\"')\d日\u200f]|님)(?:{WROTE})", re.IGNORECASE)
_DASHES = re.compile(r"^\s*[-_=*]{2,}\s*([^-_=*\s][^\n]{1,200}?)\s*[-_=*]{2,}\s*$")
_RULE = re.compile(r"^\s*(?:_{5,}|-{5,}|={5,}|\*{5,}|[\u2014\u2013-](?:\s?[\u2014\u2013-]){2,})\s*$")
_ABOVE = re.compile(rf"^\W{{0,12}}.{{0,60}}(?:{REPLY_ABOVE}).{{0,40}}$", re.IGNORECASE)
_PASSED_ON = re.compile(FORWARDED, re.IGNORECASE)
_LIST = re.compile(
    r"mailing list|unsubscribe|abbestellen|désabonner|mailman/listinfo|groups\.google|listinfo", re.IGNORECASE
)
_ROLE = {word.replace("_", " "): role for role, said in ROLES.items() for word in said.split()}


@dataclass(frozen=True, slots=True)
class Own:
    """text: the writer's own words. cuts: what was left out. only_others: there are none; text is all there is."""

    text: str
    cuts: tuple[str, ...] = ()
    only_others: bool = False


@dataclass(slots=True)
class _Cutting:
    lines: list[str]
    reply: bool
    passed_on: bool
    cuts: list[str] = field(default_factory=list)

    def without_tail(self) -> None:
        """A signature behind `-- ` (RFC 3676, 4.3: dash, dash, space), a mailing list's footer behind a rule, and what
        a telephone writes below every mail.
        """
        self._without_device()
        for at in range(len(self.lines) - 1, max(-1, len(self.lines) - 1 - MAX_SIGNATURE_LINES), -1):
            if self.lines[at] == "-- ":
                self._cut(at, len(self.lines), "a signature")
                break
        for at in range(len(self.lines) - 1, max(-1, len(self.lines) - 1 - MAX_FOOTER_LINES), -1):
            if _RULE.match(self.lines[at]) and _LIST.search("\n".join(self.lines[at:])[:2000]):
                self._cut(at, len(self.lines), "a mailing list's footer")
                break
        self._without_device()

    def _without_device(self) -> None:
        last = next((at for at in range(len(self.lines) - 1, -1, -1) if not _is_empty(self.lines[at])), None)
        if last is not None and len(self.lines[last]) < MAX_DEVICE_CHARS and _SENT_FROM.fullmatch(self.lines[last]):
            self._cut(last, len(self.lines), "a signature")

    def without_earlier(self) -> None:
        """The earlier mail, where something marks its beginning; not in a mail that passes it on."""
        if self.passed_on:
            return
        said = False
        for at, line in enumerate(self.lines):
            if said and self._begins_unquoted(at):
                if not self._answered(at):
                    self._cut(self._above_rule(at), self._end_of_marked(at), "an earlier mail")
                return
            said = said or not (_is_empty(line) or _attribution([line], 0))
            if _is_passed_on(line):
                return
        self._without_quoted()

    def _begins_unquoted(self, at: int) -> bool:
        line = self.lines[at]
        if line == CUT_HERE:
            return not any(_is_passed_on(near) for near in self.lines[at : at + 6])
        if _ABOVE.match(line) and len(line) < 200 and not line.startswith(">"):
            return True
        dashed = _DASHES.match(line)
        if dashed and not _is_passed_on(line) and (_dated(dashed[1]) or len(_roles(self.lines, at + 1)) >= 2):
            return True
        return self._is_header_block(at) or self._is_attribution_of_unquoted(at)

    def _is_header_block(self, at: int) -> bool:
        """Three lines or more that name sender, date, receiver or subject; with an address, or with all four and a time
        of day. With all that in a mail that answers none: people and web forms write such lines, too.
        """
        roles = _roles(self.lines, at)
        if "from" not in roles or len(roles) < 3 or self.lines[at].startswith(">"):
            return False
        block = "\n".join(self.lines[at : at + 12])[:1500]
        signs = (len(roles) == len(ROLES) and bool(_CLOCK.search(block)), bool(_ADDRESS.search(block)))
        return any(signs) if self.reply else all(signs)

    def _is_attribution_of_unquoted(self, at: int) -> bool:
        """`On ..., Ann wrote:` whose mail is not marked by `>`: only in words, a date and a name behind it."""
        length = _attribution(self.lines, at)
        if not length or not self.reply:
            return False
        after = next((line for line in self.lines[at + length :] if line.strip() and line != CUT_HERE), "")
        joined = _plain(" ".join(self.lines[at : at + length]))
        strong = bool(_WROTE.search(joined) and _CLOCK.search(joined)) or bool(
            _ADDRESS.search(joined) and _TIME.search(joined)
        )
        return strong and bool(after) and not after.startswith(">")

    def _answered(self, at: int) -> bool:
        """Whether the writer goes on beside quoted lines: an answer in between."""
        quoted = [number for number, line in enumerate(self.lines) if line.startswith(">")]
        if self.lines[at] != CUT_HERE or not quoted:
            return False
        return any(not (_is_empty(line) or line.startswith(">")) for line in self.lines[quoted[0] : quoted[-1]])

    def _end_of_marked(self, at: int) -> int:
        """What a mail program quotes line by line ends with its last such line; below it the writer may go on."""
        below = at
        while below < len(self.lines) and _is_empty(self.lines[below]):
            below += 1
        below += _attribution(self.lines, below)  # which stands outside the quote
        while below < len(self.lines) and _is_empty(self.lines[below]):
            below += 1
        if self.lines[at] != CUT_HERE or below == len(self.lines) or not self.lines[below].startswith(">"):
            return len(self.lines)
        while below < len(self.lines) and (self.lines[below].startswith(">") or _is_empty(self.lines[below])):
            below += 1
        return below

    def _above_rule(self, at: int) -> int:
        """A rule that the mail program drew above the earlier mail, and empty lines, go with it."""
        start = at
        while start and (
            not self.lines[start - 1].strip() or _RULE.match(self.lines[start - 1]) or self.lines[start - 1] == CUT_HERE
        ):
            start -= 1
        return start

    def _without_quoted(self) -> None:
        """One run of `>` lines with what introduces it; several with words between them are answers."""
        runs = _runs(self.lines)
        if len(runs) != 1:
            return
        begin, end = runs[0]
        start = self._introduction(begin)
        below = any(line.strip() for line in self.lines[end:])
        above = any(line.strip() and line != CUT_HERE for line in self.lines[:start])
        if start < begin or (self.reply and not below and above):
            self._cut(start, end, "an earlier mail")

    def _introduction(self, begin: int) -> int:
        """Where the lines that introduce a quote begin: they end in a colon and hold an address, a time or a verb."""
        last = begin - 1
        while last >= 0 and (not self.lines[last].strip() or self.lines[last] == CUT_HERE):
            last -= 1
        if last < 0 or begin - last > 4:
            return begin
        weak = begin
        for length in (1, 2, 3, 4):
            first = last - length + 1
            if first < 0 or not self.lines[first].strip():
                break
            said = _plain(" ".join(self.lines[first : last + 1]))[:700]
            if said.endswith(COLONS) and _dated(said):
                return first
            if self.reply and _ADDRESS.search(said) and _CLOCK.search(said):
                return first  # Burmese, Khmer and Armenian end it by signs of their own
            if said.endswith(COLONS) and self.reply and weak == begin and _ADDRESS.search(said):
                weak = first
        return weak

    def _cut(self, start: int, end: int, what: str) -> None:
        count = sum(1 for line in self.lines[start:end] if line.strip() and line != CUT_HERE)
        if count:
            self.cuts.append(f"{what} ({count} line{'s' if count > 1 else ''})")
        kept = self.lines[end:]
        gap = [""] if any(line.strip() for line in kept) else []
        while kept and not kept[0].strip():
            kept = kept[1:]
        while start and not self.lines[start - 1].strip():
            start -= 1
        self.lines = [*self.lines[:start], *gap, *kept]


def own_words(text: str, *, reply: bool, passed_on: bool = False) -> Own:
    """The own words of a mail. reply: whether its header says that it answers another; passed_on: passes one on."""
    lines = [line if line in ("-- ", CUT_HERE) else line.rstrip() for line in text[:MAX_TEXT_CHARS].splitlines()]
    cutting = _Cutting(lines, reply, passed_on)
    cutting.without_tail()
    cutting.without_earlier()
    cutting.without_tail()  # what stood above the earlier mail
    own = _joined(cutting.lines)
    if own:
        return Own(own, tuple(cutting.cuts))
    everything = _joined(lines)
    return Own("" if _SENT_FROM.fullmatch(everything) else everything, only_others=bool(cutting.cuts))


def _joined(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line != CUT_HERE).strip()


def _is_empty(line: str) -> bool:
    return not line.strip() or line == CUT_HERE or bool(_RULE.match(line))


def _plain(line: str) -> str:
    return _MARKS.sub("", line).strip()


def _is_passed_on(line: str) -> bool:
    plain = _plain(line.lstrip("> "))
    found = _DASHES.match(plain)
    said = found[1] if found else plain if plain.endswith(COLONS) and len(plain) < MAX_INTRODUCTION_CHARS else ""
    return bool(_PASSED_ON.search(said))


def _roles(lines: list[str], at: int) -> set[str]:
    """What the header lines from here on name, in the words of any language; a folded line is passed over."""
    found: set[str] = set()
    misses = 0
    for number, line in enumerate(lines[at : at + 12], at):
        plain = _plain(line)
        label = _LABEL.match(plain)
        role = _role(plain)
        if role:
            found.add(role)
        elif not plain:
            if found and not _role(_plain("".join(lines[number + 1 : number + 2]))):
                break  # some programs put an empty line between any two
        elif label and found:
            continue  # Cc, Importance and others
        else:
            misses += 1
            if misses > 1 or not found:
                break
    return found


def _role(plain: str) -> str | None:
    label = _LABEL.match(plain)
    return _ROLE.get(label[1].strip().lower()) if label else None


def _attribution(lines: list[str], at: int) -> int:
    """How many lines from here end in the colon of an attribution; mail programs break it anywhere. 0: none."""
    for length in (1, 2, 3):
        said = _plain(" ".join(lines[at : at + length]))[:700]
        if said.endswith(COLONS):
            return length if _WROTE.search(said) or _dated(said) else 0
    return 0


def _dated(said: str) -> bool:
    """A time, and who wrote: by a verb or an address."""
    return bool(_TIME.search(said)) and bool(_WROTE.search(said) or _ADDRESS.search(said))


def _runs(lines: list[str]) -> list[tuple[int, int]]:
    """Runs of quoted lines, empty lines between them included."""
    found: list[tuple[int, int]] = []
    for at, line in enumerate(lines):
        if not line.startswith(">"):
            continue
        if found and not any(between.strip() for between in lines[found[-1][1] : at]):
            found[-1] = (found[-1][0], at + 1)
        else:
            found.append((at, at + 1))
    return found
