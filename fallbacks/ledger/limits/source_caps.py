"""What a source may spend and send, as set up. What is set at run time goes before it, in the scripts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class SourceCaps:
    """Nanodollars of a UTC day, and of a UTC month; None for no cap."""

    day: int | None = None
    month: int | None = None


NO_CAPS = SourceCaps()


@dataclass(frozen=True, slots=True)
class SourceTerms:
    """By source. rates: tickets a minute. warn_at: the share of a budget from which it is nearly used up."""

    caps: Mapping[str, SourceCaps] = field(default_factory=dict)
    rates: Mapping[str, int] = field(default_factory=dict)
    warn_at: float = 0.8

    @property
    def document(self) -> dict[str, Any]:
        """As a worker's heartbeat says them."""
        caps = {source: [cap.day, cap.month] for source, cap in self.caps.items()}
        return {"caps": caps, "rates": dict(self.rates), "warn_at": self.warn_at}


def read_terms(document: Mapping[str, Any]) -> SourceTerms:
    """Of `SourceTerms.document`."""
    caps = {source: SourceCaps(*cap) for source, cap in document["caps"].items()}
    return SourceTerms(caps, document["rates"], document["warn_at"])


def least_terms(given: Sequence[SourceTerms]) -> SourceTerms:
    """What all of them allow; there is one at least."""
    caps = {
        source: SourceCaps(_least(one.day for one in found), _least(one.month for one in found))
        for source in {source for terms in given for source in terms.caps}
        for found in [[terms.caps.get(source, NO_CAPS) for terms in given]]
    }
    rates = {
        source: min(terms.rates[source] for terms in given if source in terms.rates)
        for source in {source for terms in given for source in terms.rates}
    }
    return SourceTerms(caps, rates, min(terms.warn_at for terms in given))


def _least(amounts: Iterable[int | None]) -> int | None:
    return min((amount for amount in amounts if amount is not None), default=None)
