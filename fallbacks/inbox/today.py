"""What each person has ended on this UTC day, and last: folded from all there is, however much others have ended."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fallbacks.ledger.past.examples import Example, Examples, Folded
from fallbacks.plan import DAY_MS

LAST = 10
"""A person finds so many again to undo or correct them, whatever the day."""


@dataclass(frozen=True, slots=True)
class Own:
    """Of one person, oldest first, without texts: what is kept here is not erased. last: at most ten."""

    today: tuple[Example, ...] = ()
    last: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Days:
    """day: the latest one on which anybody ended anything, since 1970."""

    day: int = 0
    people: Mapping[str, Own] = field(default_factory=dict)

    def of(self, person: str, now_ms: int) -> Own:
        """What is known of a person now."""
        own = self.people.get(person, Own())
        return own if self.day == now_ms // DAY_MS else Own((), own.last)

    def with_more(self, examples: Sequence[Example]) -> "Days":
        """These and further ones."""
        day = max([self.day, *(example.at_ms // DAY_MS for example in examples)])
        people = {name: own if day == self.day else Own((), own.last) for name, own in self.people.items()}
        fresh = defaultdict[str, list[Example]](list)
        for example in examples:
            fresh[example.by].append(replace(example, text=""))
        for name, more in fresh.items():
            own = people.get(name, Own())
            today = (example for example in more if example.at_ms // DAY_MS == day)
            people[name] = Own((*own.today, *today), (*own.last, *more)[-LAST:])
        return Days(day, people)


def days(examples: Examples) -> Folded[Days]:
    """At the cost of what is new."""
    return Folded(examples, Days(), Days.with_more)
