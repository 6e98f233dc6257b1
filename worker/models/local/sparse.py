"""Sparse rows, by the loops of scipy.sparse and not by its classes: what those check is most of the time of one text.

Each row is summed by itself and in its own order, so what stands beside a text changes nothing of it, not by a bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import _sparsetools as loops

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Rows:
    """starts: where each row begins in ids and values, and the end. ids: columns, in any order. width: of columns."""

    starts: Ints
    ids: Ints
    values: Floats
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, at: int) -> tuple[Ints, Floats]:
        """(ids, values) of one."""
        part = slice(self.starts[at], self.starts[at + 1])
        return self.ids[part], self.values[part]

    def taken(self, rows: Sequence[int]) -> "Rows":
        """These of the rows."""
        chosen = np.array(rows, np.int32)
        starts = _ends(self.starts[chosen + 1] - self.starts[chosen])
        ids, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
        loops.csr_row_index(len(chosen), chosen, self.starts, self.ids, self.values, ids, values)
        return Rows(starts, ids, values, self.width)

    def times(self, dense: Floats) -> Floats:
        """The product with a matrix stored by rows."""
        found = np.zeros((len(self), dense.shape[1]), np.float32)
        sizes = (len(self), self.width, dense.shape[1])
        loops.csr_matvecs(*sizes, self.starts, self.ids, self.values, dense.ravel(), found.ravel())
        return found

    def joined(self, other: "Rows") -> "Rows":
        """The product with other rows."""
        held = int((other.starts[self.ids + 1] - other.starts[self.ids]).sum())
        most = min(held, len(self) * other.width)
        starts, ids, values = np.empty(len(self) + 1, np.int32), np.empty(most, np.int32), np.empty(most, np.float32)
        left, right = (self.starts, self.ids, self.values), (other.starts, other.ids, other.values)
        loops.csr_matmat(len(self), other.width, *left, *right, starts, ids, values)
        return Rows(starts, ids[: starts[-1]], values[: starts[-1]], other.width)

    def largest(self) -> Floats:
        """Of each row, 0 where it has nothing. No value is below 0."""
        found = np.zeros(len(self), np.float32)
        held = np.flatnonzero(np.diff(self.starts))
        if len(held):
            found[held] = np.maximum.reduceat(self.values, self.starts[held])
        return found

    @property
    def scipy(self) -> Any:
        """As scikit-learn takes it."""
        from scipy.sparse import csr_matrix

        return csr_matrix((self.values, self.ids, self.starts), shape=(len(self), self.width))


def rows_of(lengths: Sequence[int], ids: Ints, values: Floats, width: int) -> Rows:
    """Rows of these lengths."""
    return Rows(_ends(lengths), ids, values, width)


def _ends(lengths: Sequence[int] | Ints) -> Ints:
    found = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=found[1:])
    return found
