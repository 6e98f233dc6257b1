"""Where a quote stands in a text. White space is not part of a quote: models reflow lines."""

import re
from bisect import bisect_right
from collections.abc import Iterator

_WORD = re.compile(r"\S+")


class Folded:
    """A text with each run of white space as one blank, that knows where everything stood. For any number of quotes."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        self._original = text
        self._words: list[tuple[int, int]] = []

    def __contains__(self, quote: str) -> bool:
        """Whether it stands anywhere; a blank one does not."""
        wanted = " ".join(quote.split())
        return bool(wanted) and wanted in self.text

    def spans(self, quote: str) -> Iterator[tuple[int, int]]:
        """(start, end) in the text of each place that reads as the quote, in order and without overlap."""
        wanted = " ".join(quote.split())
        at = self.text.find(wanted) if wanted else -1
        while at >= 0:
            end = at + len(wanted)
            yield self._place(at), self._place(end - 1) + 1
            at = self.text.find(wanted, end)

    def _place(self, folded: int) -> int:
        """Where the character at this place of the folded text stands. It is no blank."""
        if not self._words:
            self._words = list(_places(self._original))
        start, original = self._words[bisect_right(self._words, (folded, len(self._original))) - 1]
        return original + folded - start


def _places(text: str) -> Iterator[tuple[int, int]]:
    """For each word, where it begins in the folded text and where in the text."""
    folded = 0
    for word in _WORD.finditer(text):
        yield folded, word.start()
        folded += word.end() - word.start() + 1
