"""What became of a file of tickets."""

from dataclasses import dataclass, field

BATCH = 200
"""Tickets accepted together and then published together."""


@dataclass(slots=True)
class Enqueued:
    """What became of a file. known: sent before, unchanged. nameless: accepted without an id of their own."""

    accepted: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    nameless: int = 0

    @property
    def ids(self) -> list[str]:
        """Every ticket of the file that is in the ledger, each once."""
        return list(dict.fromkeys((*self.accepted, *self.known)))
