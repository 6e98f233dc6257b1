"""What a tool's calls have earned: whether they may happen without being approved, by the statistics of decisions.

The evidence is what people made of calls that waited: approved as it was proposed is an agreement; changed, or refused,
is none. It counts for one (tool, process, version), and is kept up for ever: a share of the calls always waits.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import SystemRandom

from fallbacks.autonomy.proof import Observation, Rule, Standing, needed, observed
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
    _latest: dict[str, Key] = field(default_factory=dict)

    async def refusal(self, tool: str, version: str, *, may_act: bool) -> str:
        """Why a call must wait for a person, in words; "" where it may happen at once. may_act: AUTONOMY is `auto`."""
        standing = (await self.standings()).get(Key(tool, self.process, version), Standing())
        rule = self.terms.rule
        if not standing.auto:
            return f"it has not earned to act alone: {_proved(standing, rule)}"
        if not may_act:
            return "it has earned to act alone, but AUTONOMY is not auto"
        return "drawn for the permanent audit of what it does alone" if self.dice() < self.terms.audit_share else ""

    async def progress(self) -> dict[str, str]:
        """How far each tool is, in words: by name, of the version whose call was judged last."""
        found, rule = await self.standings(), self.terms.rule
        return {
            tool: f"{'earned' if found[key].auto else 'not earned yet'}, {_proved(found[key], rule)}, {key.version}"
            for tool, key in self._latest.items()
        }

    async def standings(self) -> dict[Key, Standing]:
        """Where every tool stands now. The list only grows: what was read is kept."""
        first = self._read
        rows = await self.store.listed(keys.CALLS_JUDGED, first, -1)
        for stored in rows[self._read - first :]:  # another look may have counted some of them meanwhile
            row = json.loads(stored)
            key = Key(row["tool"], row["process"], row["version"])
            seen = Observation(bool(row["agreed"]), at_ms=int(row["at"]))
            self._folded[key] = observed(self._folded.get(key, Standing()), seen, self.terms.rule)
            self._read += 1
            if key.tier == self.process:
                self._latest[key.kind] = key
        return self._folded


def _proved(standing: Standing, rule: Rule) -> str:
    proved = f"e-value {standing.e_value(rule):.2g} of {needed(standing, rule):.0f}"
    return f"{standing.agreements} of {standing.n} approved as they were, {proved}"
