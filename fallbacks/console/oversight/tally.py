"""What people's decisions say about the agent, counted from the examples as they come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fallbacks.ledger.past.examples import Example, Examples, Folded

LAST_CHANGED = 3


@dataclass(frozen=True, slots=True)
class Counts:
    """By kind. decided: what people decided. suggested: suggestions they saw, agreed: of these, how many stood.
    changed: the last that did not, oldest first, by what was suggested, without texts.
    """

    decided: Counter[str] = field(default_factory=Counter)
    suggested: Counter[str] = field(default_factory=Counter)
    agreed: Counter[str] = field(default_factory=Counter)
    changed: Mapping[str, tuple[Example, ...]] = field(default_factory=dict)

    def with_more(self, examples: Sequence[Example]) -> "Counts":
        """These and further decisions."""
        judged = [example for example in examples if example.suggested]
        changed = dict(self.changed)
        for example in judged:
            if not example.stood:
                of = example.suggested or ""
                changed[of] = (*changed.get(of, ()), replace(example, text=""))[-LAST_CHANGED:]
        return Counts(
            self.decided + Counter(example.key for example in examples if not example.closed),
            self.suggested + Counter(example.suggested or "" for example in judged),
            self.agreed + Counter(example.key for example in judged if example.stood),
            changed,
        )


def tally(examples: Examples) -> Folded[Counts]:
    """Everything decided so far, at the cost of what is new."""
    return Folded(examples, Counts(), Counts.with_more)
