"""Who sends: each requester's and source's share of the last tickets accepted. A sample, whatever the ledger holds."""

import json
from collections import Counter
from dataclasses import dataclass

from fallbacks.store import keys
from fallbacks.store.port import Store

SAMPLE = 2000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Sender:
    """source: the system. who: its requester, None for all of them together. share: 0..1 of those looked at."""

    source: str
    who: str | None
    tickets: int
    share: float


@dataclass(frozen=True, slots=True)
class Senders:
    """Of the tickets accepted within an hour, 2,000 at most. seconds: over how long they came.

    requesters: by who sent most; those without a requester are in `sources` alone.
    """

    tickets: int
    seconds: float
    requesters: tuple[Sender, ...]
    sources: tuple[Sender, ...]


async def senders(store: Store, most: int = 10) -> Senders:
    """The ones who sent most. One read."""
    now = await store.now_ms()
    kept = [json.loads(line) for line in await store.listed(keys.RECENT, 0, SAMPLE - 1)]
    recent = [each for each in kept if now - each["at"] < HOUR_MS]
    requesters = Counter((each["source"], each["who"]) for each in recent if each.get("who"))
    sources = Counter(each["source"] for each in recent)
    return Senders(
        tickets=len(recent),
        seconds=(now - recent[-1]["at"]) / 1000 if recent else 0.0,
        requesters=tuple(Sender(*of, count, count / len(recent)) for of, count in requesters.most_common(most)),
        sources=tuple(Sender(of, None, count, count / len(recent)) for of, count in sources.most_common(most)),
    )
