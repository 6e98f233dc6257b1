"""What the styles of a mail's HTML do to its text: what is hidden, and which colour stands on which."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

MAX_RULES = 200
MAX_SHEETS = 10
MAX_SELECTORS = 50
"""Of those that hide by more than a name, and are tried on every element."""

T = TypeVar("T")
Colour = tuple[int, int, int]

TRANSPARENT: Colour = (-1, -1, -1)
WHITE: Colour = (255, 255, 255)
MAX_DISTANCE = 16
"""In each of red, green and blue, between a letter and its ground, where nobody sees it."""

_NAMES = {
    "white": WHITE,
    "black": (0, 0, 0),
    "transparent": TRANSPARENT,
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
}
_NAMES |= {"whitesmoke": (245, 245, 245), "ghostwhite": (248, 248, 255), "floralwhite": (255, 250, 240)}
_UNCHANGED = ("none", "transparent", "initial", "inherit", "unset", "revert")

_HIDING = re.compile(
    r"display:none|mso-hide:all|opacity:(?:0?\.0\d*|0)(?![.\d])|text-indent:-\d{3,}|(?:left|top|right|bottom):-\d{3,}"
    r"|clip:rect\(0|clip-path:inset\((?:100|50)%|transform:scale\(0"
)
_VISIBILITY = re.compile(r"(?:^|;)visibility:(hidden|collapse|visible)")
_SIZE = re.compile(r"(?:^|;)(?:font-size:|font:(?:[a-z]+ ){0,3})([\d.]+)([a-z%]*)(?=[;!/ ]|$)")
_NAMED_SIZE = re.compile(r"(?:^|;)font-size:(?:x{0,2}-?small|medium|x{0,3}-?large)")
MAX_TINY = 2.0
"""Pixels or points: letters of less are seen by nobody."""

_FLAT = re.compile(r"(?:^|;)(?:max-)?(?:height|width):0(?:px|pt|em|%)?(?![.\d])")
_OVERFLOW = re.compile(r"overflow(?:-[xy])?:hidden")
_TEXT_COLOUR = re.compile(r"(?:^|;)color:([^;!]{1,60})")
_BACKGROUND = re.compile(r"(?:^|;)background(?:-color|-image)?:([^;!]{1,300})")
_HEX = re.compile(r"#([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b")
_RGB = re.compile(r"rgba?\((\d{1,3})[, ]+(\d{1,3})[, ]+(\d{1,3})(?:[,/ ]+([\d.]+%?))?\)")
_WORD = re.compile(r"[a-z]+")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9a-f]{1,6})\s?", re.IGNORECASE)
_AROUND = re.compile(r"\s*([:;,(){}!/])\s*")
_SHEET = re.compile(r"<style\b[^>]{0,500}>(.{0,60000}?)</style", re.DOTALL | re.IGNORECASE)
_SEEN_MEDIA = re.compile(r"@media\s+(?:screen|all)\s*\{((?:[^{}]*\{[^{}]*\}){0,500})\s*\}", re.IGNORECASE)
_MEDIA = re.compile(r"@media[^{]{0,300}\{(?:[^{}]*\{[^{}]*\}){0,500}\s*\}?")
_RULE = re.compile(r"([^{}@]{1,300})\{([^{}]{0,2000})\}")
_SIMPLE = re.compile(r"[a-zA-Z0-9]+|[a-zA-Z0-9]*[.#][\w-]+")
_SELECTOR = re.compile(r"[\w\s.#>+~\[\]=\"'^$*|-]{1,200}")


@dataclass(slots=True)
class Styles:
    """Of a mail's own sheets, by the name of tag, `.class`, `#id` or `tag.class`. None for a colour that is not known.

    hiding, grounding: further selectors, of what is hidden and of what has a colour behind it.
    """

    hidden: set[str] = field(default_factory=set)
    hiding: list[str] = field(default_factory=list)
    grounding: list[str] = field(default_factory=list)
    tiny: dict[str, bool] = field(default_factory=dict)
    invisible: dict[str, bool] = field(default_factory=dict)
    colours: dict[str, Colour | None] = field(default_factory=dict)
    grounds: dict[str, Colour | None] = field(default_factory=dict)


def styles_of(html: str) -> Styles:
    """What its sheets say, those for print and for small screens left out."""
    found = Styles()
    if "<style" not in html.lower():
        return found
    for sheet in _SHEET.findall(html)[:MAX_SHEETS]:
        bare = _MEDIA.sub("", _SEEN_MEDIA.sub(r"\1", _COMMENT.sub("", sheet)))
        for names, said in _RULE.findall(bare)[:MAX_RULES]:
            _add(found, [name.strip() for name in names.split(",")], plain_style(said))
    return found


def _add(found: Styles, names: list[str], style: str) -> None:
    simple = [name.lower() if name.isalnum() else name for name in names if _SIMPLE.fullmatch(name)]
    further = [name for name in names if not _SIMPLE.fullmatch(name) and _SELECTOR.fullmatch(name)]
    ground = background(style)
    if hides(style):
        found.hidden |= set(simple)
        found.hiding += further[: MAX_SELECTORS - len(found.hiding)]
    elif ground is not TRANSPARENT:
        found.grounding += further[: MAX_SELECTORS - len(found.grounding)]
        found.grounds |= dict.fromkeys([*simple, *("body" for name in names if name == "*")], ground)
    for size in is_tiny(style):
        found.tiny |= dict.fromkeys(simple, size)
    for hidden in is_invisible(style):
        found.invisible |= dict.fromkeys(simple, hidden)
    for letters in text_colour(style):
        found.colours |= dict.fromkeys(simple, letters)


def plain_style(style: str) -> str:
    """In lower case, without comments, escapes and blanks around signs."""
    style = _COMMENT.sub("", style)
    if "\\" in style:
        style = _ESCAPE.sub(lambda one: chr(int(one[1], 16)) if int(one[1], 16) < 0x110000 else "", style)
    return " ".join(_AROUND.sub(r"\1", style).split()).lower()


def hides(style: str) -> bool:
    """Whether what is styled so cannot be seen."""
    return bool(_HIDING.search(style)) or bool(_FLAT.search(style) and _OVERFLOW.search(style))


def is_tiny(style: str) -> Iterator[bool]:
    """What it says of the letters' size, if anything: of no size are those in a layout of tables, till one is given."""
    if said := _SIZE.search(style):
        number, unit = _number(said[1]), said[2]
        if number == 0 or (unit in ("px", "pt") and number < MAX_TINY):
            yield True
        elif unit not in ("em", "ex", "ch", "%"):  # which are parts of what holds around
            yield False
    elif _NAMED_SIZE.search(style):
        yield False


def is_invisible(style: str) -> Iterator[bool]:
    """What it says of whether the letters are drawn, if anything."""
    if said := _VISIBILITY.search(style):
        yield said[1] != "visible"


def _number(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return 1.0


def text_colour(style: str) -> Iterator[Colour | None]:
    """What it says of the letters' colour, if anything."""
    if said := _TEXT_COLOUR.search(style):
        yield colour(said[1])


def background(style: str) -> Colour | None:
    """What is behind the letters: a colour, None for what cannot be told, `TRANSPARENT` where nothing is said."""
    ground: Colour | None = TRANSPARENT
    for said in _BACKGROUND.findall(style):
        if "url(" in said or "gradient" in said:
            return None
        if not said.startswith(_UNCHANGED) or _HEX.search(said) or _RGB.search(said):
            ground = colour(said)
    return ground


def colour(said: str) -> Colour | None:
    """None where it is not known."""
    said = said.strip().lower()
    if found := _HEX.search(said) or re.fullmatch(r"([0-9a-f]{6})", said):
        letters = found[1]
        wide = [letter * 2 for letter in letters] if len(letters) < 5 else [letters[at : at + 2] for at in (0, 2, 4, 6)]
        red, green, blue, *clear = [int(part, 16) for part in wide if part]
        return TRANSPARENT if clear == [0] else (red, green, blue)
    if found := _RGB.search(said):
        if found[4] and float(found[4].rstrip("%") or 0) == 0:
            return TRANSPARENT
        return int(found[1]), int(found[2]), int(found[3])
    word = _WORD.match(said)
    return _NAMES.get(word[0]) if word else None


def unseen(letters: Colour | None, ground: Colour | None) -> bool:
    """Whether nobody can tell them apart."""
    if letters is TRANSPARENT:
        return True
    if letters is None or ground is None:
        return False
    return all(abs(one - other) <= MAX_DISTANCE for one, other in zip(letters, ground, strict=True))


def first(names: Iterable[str], said: dict[str, T]) -> Iterator[T]:
    """What a sheet says of the first of these names that it names."""
    for name in names:
        if name in said:
            yield said[name]
            return
