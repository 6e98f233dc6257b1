"""Text in compatibility form, for comparing: what only looks different reads alike. Linear in the text's length.

Normalising sorts each run of combining marks, and CPython sorts by insertion: 59,000 marks take 40 s. So a run is cut
first, as in UAX #15's stream-safe format: no language stacks more than thirty marks on one letter.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

_LONGEST_RUN = 30
_JOINER = "\u034f"
"""COMBINING GRAPHEME JOINER: of combining class 0, so that nothing is sorted across it; it is seen nowhere."""


_MARKS = range(0x300, 0x1F000)
"""Where Unicode has them; it holds planes 2 and up for ideographs, and the rest of plane 1 for pictures."""


def compared(text: str) -> str:
    """NFKC of the text, with a joiner after each thirtieth mark of a run of more than thirty."""
    return unicodedata.normalize("NFKC", text if text.isascii() else _long_run().sub(_cut, text))


def _cut(found: re.Match[str]) -> str:
    run = found[0]
    return _JOINER.join(run[at : at + _LONGEST_RUN] for at in range(0, len(run), _LONGEST_RUN))


@lru_cache(maxsize=1)
def _long_run() -> re.Pattern[str]:
    """Made at the first text that needs it, from this Python's own Unicode data: about 25 ms."""
    return re.compile(f"[{''.join(_ranges())}]{{{_LONGEST_RUN + 1},}}")


def _ranges() -> Iterator[str]:
    marks = [code for code in _MARKS if _is_mark(chr(code))]
    for _, group in groupby(enumerate(marks), lambda pair: pair[1] - pair[0]):
        codes = [code for _, code in group]
        yield f"\\U{codes[0]:08x}-\\U{codes[-1]:08x}"


def _is_mark(char: str) -> bool:
    """Whether the character is, or in compatibility form begins with, one that is sorted among its neighbours."""
    if unicodedata.combining(char):
        return True
    return bool(unicodedata.decomposition(char)) and bool(unicodedata.combining(unicodedata.normalize("NFKD", char)[0]))
