"""Evidence that a new version of a tier takes over from the one it replaced, where both answer a ticket the same.

The new version answers every decided ticket of the one before again. Where it says the same, and stands by it, the
decision is evidence for it, too; an agreement on what it answers otherwise is none, and its kind earns that anew. A
disagreement is left out only where the new version has not learned from it: what it has learned to answer otherwise
after the event is no proof that it would have. So what is taken over never says more for a kind than was earned.
"""

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from fallbacks.ledger.past.examples import Example
from fallbacks.store import keys
from fallbacks.store.port import Store


@dataclass(frozen=True, slots=True)
class Carried:
    """What one version takes over. of: the versions before it. but: ids of their examples that it does not."""

    tier: str
    version: str
    of: frozenset[str]
    but: frozenset[str]

    @classmethod
    def read(cls, field: str, value: str) -> "Carried":
        """As the hash keeps it."""
        tier, version = json.loads(field)
        kept = json.loads(value)
        return cls(tier, version, frozenset(kept["of"]), frozenset(kept["but"]))

    def takes(self, example: Example) -> bool:
        """Whether an example of another version is evidence for this one."""
        agent = example.agent or {}
        return agent.get("tier") == self.tier and agent.get("version") in self.of and example.id not in self.but


async def read_carried(store: Store) -> tuple[Carried, ...]:
    """All that was ever taken over."""
    return tuple(Carried.read(*each) for each in sorted((await store.fields(keys.CARRIED)).items()))


async def carry(
    store: Store, before: tuple[str, str], version: str, examples: Iterable[Example], left: Callable[[Example], bool]
) -> Carried | None:
    """Let `version` take over what (tier, version) before has; None where that is the same version.

    left: whether the new version takes an example not over.
    """
    tier, earlier = before
    if earlier == version:
        return None
    known = [each for each in await read_carried(store) if (each.tier, each.version) == before]
    sources = [Carried(tier, version, frozenset([earlier]), frozenset()), *known]
    taken = [example for example in examples if any(source.takes(example) for source in sources)]
    but = _left(taken, left) | frozenset[str]().union(*(each.but for each in known))
    found = Carried(tier, version, frozenset([earlier]).union(*(each.of for each in known)) - {version}, but)
    await store.put(
        keys.CARRIED, {json.dumps([tier, version]): json.dumps({"of": sorted(found.of), "but": sorted(but)})}
    )
    return found


def _left(examples: Collection[Example], left: Callable[[Example], bool]) -> frozenset[str]:
    return frozenset(example.id for example in examples if left(example))
