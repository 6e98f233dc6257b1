"""What people's decisions say about the agent, counted from the examples as they come."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from fallbacks.ledger.examples import Example, Examples, Folded


@dataclass(frozen=True, slots=True)
class Counts:
    """By kind. decided: what people decided. suggested: suggestions they saw, agreed: of these, how many stood."""

    decided: Counter[str] = field(default_factory=Counter)
    suggested: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)

    def with_more(self, examples: Sequence[Example]) -> "Counts":
        """These and further decisions."""
        judged = [example for example in examples if example.suggested]
        return Counts(
            self.decided + Counter(example.key for example in examples if not example.closed),
            self.suggested + Counter(example.suggested or "" for example in judged),
            self.agreed + Counter(example.key for example in judged if example.stood),
        )


def tally(examples: Examples) -> Folded[Counts]:
    """Everything decided so far, at the cost of what is new."""
    return Folded(examples, Counts(), Counts.with_more)
