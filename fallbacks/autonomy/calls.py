"""What a tool's calls have earned: whether they may happen without being approved, by the statistics of decisions.

The evidence is what people made of calls that waited: approved as it was proposed is an agreement; changed, or refused,
is none. It counts for one (tool, process, version), and is kept up for ever: a share of the calls always waits.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import SystemRandom

from fallbacks.autonomy.proof import Observation, Standing, needed, observed
from fallbacks.autonomy.standing import Key, Terms
from fallbacks.store import keys
from fallbacks.store.port import Store

_DICE = SystemRandom()


@dataclass(slots=True)
class CallJudge:
    """process: whose calls; the `tier` of their keys. dice: 0..1, anew at each call."""

    store: Store
    process: str
    terms: Terms
    dice: Callable[[], float] = _DICE.random
    _folded: dict[Key, Standing] = field(default_factory=dict)
    _read: int = 0

    async def refusal(self, tool: str, version: str, *, may_act: bool) -> str:
        """Why a call must wait for a person, in words; "" where it may happen at once. may_act: AUTONOMY is `auto`."""
        standing = (await self.standings()).get(Key(tool, self.process, version), Standing())
        rule = self.terms.rule
        if not standing.auto:
            proved = f"e-value {standing.e_value(rule):.2g} of {needed(standing, rule):.0f}"
            return (
                f"it has not earned to act alone: {standing.agreements} of {standing.n} approved as they were, {proved}"
            )
        if not may_act:
            return "it has earned to act alone, but AUTONOMY is not auto"
        return "drawn for the permanent audit of what it does alone" if self.dice() < self.terms.audit_share else ""

    async def standings(self) -> dict[Key, Standing]:
        """Where every tool stands now. The list only grows: what was read is kept."""
        for stored in await self.store.listed(keys.CALLS_JUDGED, self._read, -1):
            row = json.loads(stored)
            key = Key(row["tool"], row["process"], row["version"])
            seen = Observation(bool(row["agreed"]), at_ms=int(row["at"]))
            self._folded[key] = observed(self._folded.get(key, Standing()), seen, self.terms.rule)
            self._read += 1
        return self._folded
