"""Makes stored text fit to be shown on a terminal: ticket text is hostile, and so is whatever quotes it."""

import unicodedata

_KEPT = frozenset("\u00ad\u200c\u200d")
"""Format characters that spell words and emoji and move nothing: soft hyphen, non-joiner, joiner."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that move the cursor, reorder the line, hide text, or cannot be encoded."""


def printable(text: object) -> str:
    """The text with every control, escape and bidi character spelled out, e.g. `<U+202E>`; new lines and tabs stay.

    Markup is not Rich's here: the console of `output.py` reads none.
    """
    return "".join(_shown(char) for char in str(text).replace("\r\n", "\n"))


def one_line(text: object, chars: int = 0) -> str:
    """`printable` on one line, cut to `chars` characters; 0 does not cut."""
    line = " ".join(printable(text).split())
    return line if not chars or len(line) <= chars else line[: chars - 1].rstrip() + "…"


def _shown(char: str) -> str:
    if char in "\n\t" or char in _KEPT or unicodedata.category(char) not in _HIDDEN:
        return char
    return f"<U+{ord(char):04X}>"
