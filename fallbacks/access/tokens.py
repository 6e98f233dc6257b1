"""Tokens that open one thing once: an invitation, or a sign-in that is half done. The store keeps their digests."""

import json
import secrets
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256

from fallbacks.store.port import Store


class Purpose(StrEnum):
    """What a token is for; one for another purpose opens nothing."""

    INVITATION = "invitation"
    SECOND_FACTOR = "second_factor"
    IDENTITY = "identity"


SECONDS = {Purpose.INVITATION: 7 * 24 * 3600, Purpose.SECOND_FACTOR: 300, Purpose.IDENTITY: 600}


class Tokens:
    """Over a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def make(self, purpose: Purpose, holds: Mapping[str, str]) -> str:
        """A new one. holds: what it stands for."""
        token = secrets.token_urlsafe(32)
        kept = json.dumps({"purpose": purpose.value, **holds})
        await self._store.run("token", "", _digest(token), "keep", SECONDS[purpose] * 1000, kept)
        return token

    async def look(self, purpose: Purpose, token: str) -> dict[str, str] | None:
        """What it stands for; None where it is unknown, used or over."""
        return await self._found(purpose, token, "look")

    async def take(self, purpose: Purpose, token: str) -> dict[str, str] | None:
        """The same, and it is used up."""
        return await self._found(purpose, token, "take")

    async def _found(self, purpose: Purpose, token: str, how: str) -> dict[str, str] | None:
        kept = await self._store.run("token", "", _digest(token), how)
        held: dict[str, str] = json.loads(kept) if kept else {}
        return held if held.pop("purpose", None) == purpose else None


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
