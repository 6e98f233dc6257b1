"""Characters that nobody sees, made visible: ticket text must not reorder, hide or imitate what a screen says."""

import re
import unicodedata
from functools import lru_cache

from markupsafe import Markup, escape

_RANGES = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but for tab and line feed
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero widths, line separators, bidi controls
    "\u3164\ufeff\uffa0\ufff9-\uffff"
    "\ud800-\udfff\ue000-\uf8ff\U0001d173-\U0001d17a"  # surrogates, private use, musical controls
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff"  # tags, more private use
)
_HIDDEN = re.compile(f"[{_RANGES}]")
_STACKED = re.compile(r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip # noqa: E501


def plain(text: str) -> str:
    """The text with each hidden character as its code, e.g. ⟨U+202E⟩, and at most three marks on a letter."""
    return _HIDDEN.sub(lambda found: f"⟨{_code(found[0])}⟩", _tidy(text))


def visible(text: str) -> Markup:
    """As `plain`, as HTML in which the codes stand out and cannot be mistaken for text."""
    return Markup(_HIDDEN.sub(lambda found: _shown(found[0]), str(escape(_tidy(text)))))  # noqa: S704 - escaped


def _tidy(text: str) -> str:
    return _STACKED.sub(r"\1", text.replace("\r\n", "\n"))


@lru_cache(maxsize=1000)
def _shown(character: str) -> str:
    name = unicodedata.name(character, "CONTROL CHARACTER")
    return str(Markup('<span class="hidden-char" title="{}">{}</span>').format(name, _code(character)))


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
