"""The languages of the console: one catalogue a file beside this one, English in the code itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from babel import Locale, negotiate_locale
from babel.dates import format_date
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from tasks.language import ENGLISH, Language, spoken

_FOLDER = files(__name__)

TAGS = (ENGLISH.tag, *sorted(file.name.removesuffix(".po") for file in _FOLDER.iterdir() if file.name.endswith(".po")))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A language as the console needs it. script: texts of the page's own scripts, by their English."""

    language: Language
    locale: Locale
    script: Mapping[str, str]

    @property
    def name(self) -> str:
        """What its speakers call it."""
        return (self.locale.get_display_name() or self.language.tag).capitalize()


@cache
def language(tag: str) -> Spoken:
    """One of `TAGS`."""
    locale = Locale.parse(tag)
    found = Language(
        tag,
        NullTranslations(),
        lru_cache(4096)(lambda number: str(format_decimal(number, locale=locale))),
        lambda written: _digits(written, locale),
        lambda written: str(format_date(date.fromisoformat(written), "medium", locale=locale)),
        lru_cache(4096)(lambda written: _usd(written, locale)),
    )
    if tag == ENGLISH.tag:
        return Spoken(found, locale, {})
    with (_FOLDER / f"{tag}.po").open("rb") as file:
        catalogue = read_po(file, locale=tag)
    return Spoken(replace(found, texts=_texts(catalogue)), locale, _of_scripts(catalogue))


def _digits(written: str, locale: Locale) -> str:
    form = "#,##0." + "0" * len(written.partition(".")[2])
    return str(format_decimal(Decimal(written), form, locale=locale))


def _usd(written: str, locale: Locale) -> str:
    return str(format_currency(Decimal(written), "USD", locale=locale, decimal_quantization=False))


def here() -> Spoken:
    """The one spoken now."""
    return language(spoken().tag)


def preferred(accept_language: str) -> str:
    """The tag of what a browser asks for, as far as there is such a language."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:500].split(","):
        tag, _, weight = part.partition(";q=")
        try:
            wanted.append((float(weight or 1), tag.strip()))
        except ValueError:
            continue
    ordered = [tag for weight, tag in sorted(wanted, key=lambda one: -one[0]) if weight > 0]
    return negotiate_locale(ordered, TAGS, sep="-") or ENGLISH.tag


def _texts(catalogue: Catalog) -> GNUTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _of_scripts(catalogue: Catalog) -> dict[str, str]:
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and any(place.endswith(".js") for place, _ in message.locations)
    }
