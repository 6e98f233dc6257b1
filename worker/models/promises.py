"""What each tier stands by and what that rests on: a setting, decisions it had not learned from, or its own claim."""

import json
from dataclasses import dataclass

from fallbacks.store import keys
from fallbacks.store.port import Store
from worker.config.settings import Settings
from worker.models.thresholds import Threshold, fitted
from worker.models.tier import NEVER, Tier

CLAIMED = "a claim of the model"


@dataclass(frozen=True, slots=True)
class Promise:
    """Of one tier. min_confidence: it stands by what reaches it; None: by nothing. rests_on: in words.

    groups: of a threshold that is not one for all; see `Threshold`.
    """

    min_confidence: float | None
    rests_on: str
    groups: tuple[tuple[str, float | None], ...] = ()

    @property
    def threshold(self) -> float:
        """Below it the tier abstains."""
        return NEVER if self.min_confidence is None else self.min_confidence


def promised(settings: Settings, found: Threshold) -> Promise:
    """What a tier promises by what was found on decisions that it had not learned from."""
    if settings.min_confidence is not None:
        return Promise(settings.min_confidence, "as set")
    return Promise(found.confidence, f"{settings.precision:.0%} right: {found}", found.groups)


def claimed(settings: Settings, found: Threshold | None) -> Promise:
    """What a tier promises whose confidence is its own claim. found: by people's decisions on its suggestions; None:
    nothing was looked at. Until a threshold is proved it suggests from where it would by its claim, for people alone to
    judge.
    """
    if settings.min_confidence is not None:
        return Promise(settings.min_confidence, "as set")
    if found is None or found.target != settings.precision:
        found = fitted([], settings.precision)
    if found.confidence is None:
        return Promise(settings.remote_min_confidence, f"{CLAIMED}; {found}")
    return Promise(found.confidence, f"{settings.precision:.0%} right, by people's decisions: {found}")


async def keep_promises(store: Store, tiers: tuple[Tier, ...]) -> None:
    """Write down what the tiers of a worker that starts promise, so that the console need not load a model."""
    kept = {tier.model.name: {"version": tier.version, "rests_on": tier.rests_on} for tier in tiers}
    if kept:
        await store.put(keys.PROMISES, {name: json.dumps(each) for name, each in kept.items()})
