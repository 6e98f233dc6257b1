"""A person takes back what a kind of decision has earned: from that moment on it is earned again, from nothing.

Every revocation is kept: evidence is folded in the order in which it came, and a fold that begins anew comes to the
same only if it knows when people stepped in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from fallbacks.autonomy.proof import Standing
from fallbacks.store import keys
from fallbacks.store.port import Store


@dataclass(frozen=True, slots=True, order=True)
class Revocation:
    """at_ms: store time; evidence of until then counts no more. why: in words."""

    at_ms: int
    by: str
    why: str


Revoked = Mapping[str, Sequence[Revocation]]
"""By kind, oldest first."""


async def read_revoked(store: Store) -> dict[str, list[Revocation]]:
    """All that ever were."""
    found: dict[str, list[Revocation]] = {}
    for field, value in (await store.fields(keys.REVOKED)).items():
        kind, at_ms = json.loads(field)
        found.setdefault(kind, []).append(Revocation(at_ms, **json.loads(value)))
    return {kind: sorted(each) for kind, each in found.items()}


async def write_revoked(store: Store, kind: str, revocation: Revocation) -> None:
    """Keep one. The store was last asked for its time by who calls."""
    said = json.dumps({"by": revocation.by, "why": revocation.why}, ensure_ascii=False)
    await store.put(keys.REVOKED, {json.dumps([kind, revocation.at_ms], ensure_ascii=False): said})


def as_revoked(standing: Standing, revocations: Sequence[Revocation], before_ms: float) -> Standing:
    """The standing after those of its kind that came before a moment and that it does not know of yet."""
    due = takewhile(lambda each: each.at_ms < before_ms, revocations)
    for each in due:
        if each.at_ms > standing.revoked_ms:
            standing = replace(
                Standing(),
                since_ms=each.at_ms if standing.auto else standing.since_ms,
                promotions=standing.promotions,
                why=f"revoked by {each.by}: {each.why}",
                revoked_ms=each.at_ms,
            )
    return standing
