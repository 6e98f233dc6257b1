"""A tier: one model, and from where on it stands by what it says."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol, runtime_checkable

from tasks.run.ports import Model

NEVER = 2.0
"""A threshold that no confidence reaches."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One model and the confidence below which it abstains.

    version: of all that its decisions depend on. redacted: it is shown tickets with personal data masked.
    rests_on: what that confidence rests on, in words. made_of: the version of what it learned, or of its prompt.
    basis: the version of all but the threshold, by which people's decisions prove one; "" where they do not.
    """

    model: Model
    min_confidence: float
    version: str = ""
    redacted: bool = False
    rests_on: str = ""
    made_of: str = ""
    basis: str = ""


@runtime_checkable
class Closable(Protocol):
    """A model with connections of its own."""

    async def aclose(self) -> None:
        """Close them."""
        ...


async def close_models(tiers: Iterable[Tier]) -> None:
    """Close what the models hold open."""
    for tier in tiers:
        if isinstance(tier.model, Closable):
            await tier.model.aclose()


def tier_version(depends_on: Iterable[str]) -> str:
    """Another model, prompt, taxonomy or threshold is another agent, and earns autonomy anew."""
    return sha256("\n".join(depends_on).encode()).hexdigest()[:12]
