"""The language that texts for people are in: English, but for who asks for another one.

A text stands in the code in English, within `_()`, `ngettext()` or `N_()`, and in other languages in catalogues. Which
one is spoken belongs to the task at hand: the console speaks its person's, every other door English.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from gettext import NullTranslations


@dataclass(frozen=True, slots=True)
class Language:
    """tag: as HTML's `lang` has it. number: how a whole number is written. digits: how one with a point is, given as
    English writes it (`0.44`); usd: how an amount of dollars is, given so too (`12.00`). Both keep what digits it has.
    day: how a day is, given as `2026-12-05`.
    """

    tag: str
    texts: NullTranslations
    number: Callable[[int], str] = str
    digits: Callable[[str], str] = str
    day: Callable[[str], str] = str
    usd: Callable[[str], str] = "${}".format


_NUMBER = re.compile(r"(\$?)(\d{1,15}(?:\.\d{1,9})?)(%?)")

_DAY = re.compile(r"20\d\d-[01]\d-[0-3]\d")

ENGLISH = Language("en", NullTranslations())

_spoken: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def spoken() -> Language:
    """The language of who is answered now."""
    return _spoken.get()


def speak(language: Language) -> None:
    """Answer in this language from now on, until the task's `speaking` ends."""
    _spoken.set(language)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Answer in this language."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def _(text: str, /, **values: object) -> str:
    """A text in the language spoken, with `%(name)s` filled in. A `%` of its own is written `%%`."""
    return translated(text) % filled(values)


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """As `_`, for a number of things: `%(num)s` is the number."""
    return spoken().texts.ngettext(one, many, num) % filled({"num": num, **values})


def N_(text: str) -> str:  # noqa: N802 - gettext's name
    """Have a text in the catalogues that is shown elsewhere, by `translated`."""
    return text


def translated(text: str) -> str:
    """A text that stands in `N_()` somewhere, or else as it is: what nobody translates keeps its words."""
    return spoken().texts.gettext(text) if text else ""


def written(number: str) -> str:
    """A number with a point, a share (`95%`), an amount of dollars (`$0.05`) or a day as the language writes it, with
    the digits it has; what is none of these stays as it is.
    """
    if spoken() is ENGLISH:
        return number
    if _DAY.fullmatch(number):
        return spoken().day(number)
    found = _NUMBER.fullmatch(number)
    if found is None:
        return number
    dollar, digits, percent = found.groups()
    return spoken().usd(digits) if dollar else spoken().digits(digits) + (" %" if percent else "")


def filled(values: Mapping[str, object]) -> dict[str, object]:
    """What stands in a text, as the language writes it."""
    number = spoken().number
    return {
        name: number(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in values.items()
    }
