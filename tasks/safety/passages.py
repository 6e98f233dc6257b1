"""The passages of a text: which language each speaks, and whether it asks for something. Pure, one pass."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tasks.safety.ordinary_words import ASKING, STARTERS

LEAST_WORDS = 4
MOST_WORDS = 40
"""Of a passage, those that are looked at."""

_MOST_CHARS = 1_000
_CUT = re.compile(r"(?<=[.!?:;])\s+|[\n\u3002\u0964\uff1f\uff01]+")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

_FUNCTION_WORDS = {
    "English": "the an and or but if of to in on at for with from is are was were be been have has had do does did"
    " you he she it we they my your his her its our their this that these those not no can could will"
    " would should what which who when where why how there here as by so then than about into me him them"
    " us am any some all just",
    "German": "der die das und oder aber wenn von zu im am auf für mit aus ist sind war waren sein haben hat hatte"
    " ich du er sie es wir ihr mein dein nicht kein kann können wird würde was welche wer wann wo warum"
    " wie den dem des ein eine einen einem einer alle mir bitte",
    "French": "le la les un une des et ou mais si de du au aux en sur pour avec est sont était être avoir ai je tu"
    " il elle nous vous ils mon ma mes votre notre ce cette ces ne pas que qui quoi quand où pourquoi"
    " comment dans par plus moi vos tes ta ton quelle quel",
    "Spanish": "el la los las un una unos pero si de del al en sobre para con es son era ser estar haber ha he yo tú"
    " él ella nosotros mi tu su este esta estos no que quien cuando donde por como qué cómo más me te se"
    " lo puedes cuál",
    "Italian": "il lo la gli le un una ma se di del della da in nel con per su sono era essere avere ha ho io tu lui"
    " lei noi mio tuo questo questa non che chi quando dove perché come cosa più mi ti si puoi qual al",
    "Portuguese": "os as um uma ou mas se de do da dos em no na para com por são era ser ter tem eu tu ele ela nós meu"
    " seu sua este esta não que quem quando onde porque como qual mais me você lhe às ao pode",
    "Dutch": "de het een en of maar als van naar in op voor met uit is zijn was waren hebben heeft ik je jij hij"
    " zij wij mijn jouw niet geen kan kunnen wordt wat welke wie wanneer waar waarom hoe dit dat",
    "Turkish": "bir ve veya ama eğer bu şu için ile de da mi mı ne nasıl neden kim nerede ben sen biz siz benim"
    " senin değil var yok gibi daha çok en her olan olarak",
    "Indonesian": "yang dan atau tetapi jika di ke dari untuk dengan adalah ini itu saya anda kamu dia kami kita tidak"
    " bukan bisa dapat akan apa siapa kapan mana mengapa bagaimana pada dalam semua",
    "Vietnamese": "là và hoặc nhưng nếu của trong trên cho với từ này đó tôi bạn anh chị chúng không có thể sẽ gì ai"
    " khi đâu tại sao như thế nào các những một được hãy về",
    "Tagalog": "ang ng sa at pero kung ay mga na si ni kay ito iyon ako ikaw siya kami tayo hindi wala may ano sino"
    " kailan saan bakit paano ko mo niya para lahat",
}
_LANGUAGES = {name: frozenset(words.split()) for name, words in _FUNCTION_WORDS.items()}
_ENGLISH = _LANGUAGES.pop("English")
_ANY_OTHER = frozenset[str]().union(*_LANGUAGES.values())
_LEAST_KNOWN = 3
_KNOWN_SHARE = 0.34

_SCRIPTS = (
    (0x24F, "Latin"), (0x3FF, "Greek"), (0x52F, "Cyrillic"), (0x5FF, "Hebrew"), (0x7FF, "Arabic"),
    (0x97F, "Devanagari"), (0x9FF, "Bengali"), (0xDFF, "Indic"), (0xEFF, "Thai"), (0x1DFF, "other"), (0x1EFF, "Latin"),
    (0x1FFF, "Greek"), (0x3FFFF, "East Asian"),
)  # fmt: skip
_LEAST_LETTERS = 6


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence or a line.

    start, end: in the text. words: lower case, at most forty. speech: its language or script, "" where it does not
    show.
    """

    start: int
    end: int
    words: tuple[str, ...]
    speech: str

    @property
    def asks(self) -> bool:
        """Whether it asks its reader for something, as far as its first words say so."""
        first = self.words[1:2] if self.words[:1] and self.words[0] in STARTERS else self.words[:1]
        return not ASKING.isdisjoint(first) or "please" in self.words


def passages(text: str) -> Iterator[Passage]:
    """Those that have enough words to say something, or another script than Latin."""
    at = 0
    for cut in _CUT.finditer(text):
        yield from _passage(text, at, cut.start())
        at = cut.end()
    yield from _passage(text, at, len(text))


def _passage(text: str, start: int, end: int) -> Iterator[Passage]:
    part = text[start : min(end, start + _MOST_CHARS)]
    if part.isascii() and part.count(" ") < LEAST_WORDS - 1:
        return
    part = part.lower()
    words = tuple(_WORD.findall(part)[:MOST_WORDS])
    script = "" if part.isascii() else _other_script(part)
    if script or len(words) >= LEAST_WORDS:
        yield Passage(start, end, words, script or _language(words))


def _other_script(part: str) -> str:
    """The one in which a third of it is written, "" for Latin."""
    scripts = [_script(char) for char in part if char.isalpha()]
    others = [script for script in scripts if script != "Latin"]
    enough = len(others) >= _LEAST_LETTERS and 3 * len(others) > len(scripts)
    return max(sorted(set(others)), key=others.count) if enough else ""


def _language(words: tuple[str, ...]) -> str:
    if 4 * sum(word in _ENGLISH for word in words) >= len(words):
        return "English"
    if len(_ANY_OTHER.intersection(words)) < _LEAST_KNOWN:
        return ""
    known = {name: sum(word in own for word in words) for name, own in _LANGUAGES.items()}
    best = max(known, key=lambda name: known[name])
    enough = known[best] >= _KNOWN_SHARE * len(words) and len(_LANGUAGES[best].intersection(words)) >= _LEAST_KNOWN
    return best if enough else ""


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return next((name for last, name in _SCRIPTS if ord(char) <= last), "other")
