"""How many of one thing may be open at once, in all and for each who asks."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Places:
    """Of one event loop. most: in all; most_of_one: for each key or person."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self.most = most
        self.most_of_one = most_of_one
        self.taken: Counter[str] = Counter()

    def free(self, who: str) -> bool:
        """Whether this one may take another."""
        return self.taken.total() < self.most and self.taken[who] < self.most_of_one

    @contextmanager
    def take(self, who: str) -> Iterator[None]:
        """Take one until the end, asked before or not."""
        self.taken[who] += 1
        try:
            yield
        finally:
            self.taken[who] -= 1
            self.taken += Counter()  # forgets who has none any more
