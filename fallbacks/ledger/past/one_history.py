"""One history a deployment: which one it is stands in the store, and every process says which it asks.

While one that lives asks another, nothing leaves the store: what left would not be found by it.
"""

import json

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.no_history import NONE
from fallbacks.history.port import History
from fallbacks.store import keys
from fallbacks.store.port import Store

IDENTITY = "identity"

LIVES_MS = 60_000
"""A process that has not said anything for so long is not asked."""

FORGET_MS = 3_600_000


async def announce(store: Store, history: History, owner: str) -> None:
    """Say which history this process asks; nothing where it cannot be asked."""
    try:
        own = await history.identity()
    except HistoryUnreachable:
        return
    await store.put(keys.HISTORIES, {owner: json.dumps({"at": await store.now_ms(), "id": own})})


async def adopt(store: Store, history: History) -> str:
    """ "" where tickets may leave for this history, which the first that moves makes the deployment's; else why not."""
    own = await history.identity()
    others = await _others(store, own)
    if others:
        return f"this process has the history {own[:8]}, and {', '.join(others)}"
    kept = await store.run("keep", "", keys.HISTORY, IDENTITY, json.dumps({"id": own}))
    return _differs(own, kept)


async def compare(store: Store, history: History) -> str:
    """ "" where this is the history that tickets leave for, or none has left yet; else what is wrong, in words."""
    kept = (await store.fields(keys.HISTORY)).get(IDENTITY)
    return _differs(await history.identity(), kept) if kept else ""


async def _others(store: Store, own: str) -> list[str]:
    """Live processes that ask another, in words; those of long ago are forgotten."""
    said = {owner: json.loads(stored) for owner, stored in (await store.fields(keys.HISTORIES)).items()}
    now = await store.now_ms()
    if gone := {owner: None for owner, one in said.items() if now - one["at"] > FORGET_MS}:
        await store.put(keys.HISTORIES, gone)
    living = {owner: one["id"] for owner, one in said.items() if now - one["at"] < LIVES_MS}
    return [
        f"{owner} has {'none' if other == NONE else other[:8]}"
        for owner, other in sorted(living.items())
        if other != own
    ]


def _differs(own: str, kept: str) -> str:
    theirs = json.loads(kept)["id"]
    return "" if theirs == own else f"this process has the history {own[:8]}, and tickets leave for {theirs[:8]}"
