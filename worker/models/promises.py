"""What each tier stands by and what that rests on: a setting, decisions it had not learned from, or its own claim."""

import json
from dataclasses import dataclass

from fallbacks.store import keys
from fallbacks.store.port import Store
from worker.config.settings import Settings
from worker.models.thresholds import Threshold
from worker.models.tier import NEVER, Tier

CLAIMED = "a claim of the model: nothing is measured of it here"


@dataclass(frozen=True, slots=True)
class Promise:
    """Of one tier. min_confidence: it stands by what reaches it; None: by nothing. rests_on: in words."""

    min_confidence: float | None
    rests_on: str

    @property
    def threshold(self) -> float:
        """Below it the tier abstains."""
        return NEVER if self.min_confidence is None else self.min_confidence


def promised(settings: Settings, found: Threshold | None) -> Promise:
    """What a tier promises by what was found on decisions that it had not learned from; None: nothing was looked at."""
    if settings.min_confidence is not None:
        return Promise(settings.min_confidence, "as set")
    if found is None:
        return Promise(settings.remote_min_confidence, CLAIMED)
    return Promise(found.confidence, f"{settings.precision:.0%} right: {found}")


async def keep_promises(store: Store, tiers: tuple[Tier, ...]) -> None:
    """Write down what the tiers of a worker that starts promise, so that the console need not load a model."""
    kept = {tier.model.name: {"version": tier.version, "rests_on": tier.rests_on} for tier in tiers}
    if kept:
        await store.put(keys.PROMISES, {name: json.dumps(each) for name, each in kept.items()})
