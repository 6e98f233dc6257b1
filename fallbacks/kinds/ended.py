"""How many tickets that people ended none of the kinds fits: those they closed, or decided as such."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from fallbacks.ledger.past.examples import Example, Examples, read_all
from tasks.run.process import Process


@dataclass(frozen=True, slots=True)
class Ended:
    """What stands of each ticket, by id, oldest first. Closed duplicates are not among them."""

    latest: dict[str, Example] = field(default_factory=dict)

    def unfitting(self, process: Process) -> list[Example]:
        """Those that no kind fits."""
        return [each for each in self.latest.values() if not fits(process, each)]


def fits(process: Process, example: Example) -> bool:
    """Whether a person found a kind for it."""
    return not example.closed and process.fits(example.facets)


def ended(examples: Iterable[Example]) -> Ended:
    """The last word on each ticket, in the place of the last."""
    latest: dict[str, Example] = {}
    for example in examples:
        latest.pop(example.id, None)
        latest[example.id] = example
    return Ended(latest)


async def read_ended(examples: Examples) -> Ended:
    """Of all examples there are."""
    return ended(await read_all(examples))
