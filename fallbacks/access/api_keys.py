"""API keys: who may use `/v1`, and for what. Only a digest of each secret is kept.

A key is `dk_<id>_<secret>`. The secret has 256 random bits, so one SHA-256 is as good as a slow hash.
"""

import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from fallbacks.access.names import refuse_system_name
from fallbacks.errors import UnknownApiKey
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.language import _

_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,40}")
_SHAPE = re.compile(r"dk_([0-9a-f]{12})_([A-Za-z0-9_-]{20,100})")


class Scope(StrEnum):
    """What a key may do. tickets:write: accept and cancel. operate: numbers of the whole. erase: take texts out."""

    WRITE = "tickets:write"
    READ = "tickets:read"
    INBOX = "inbox"
    OPERATE = "operate"
    ERASE = "erase"


_OF_ONE_SOURCE = frozenset({Scope.WRITE, Scope.READ})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key. created / revoked / former_until: store time, ms. former: the secret before the last rotation.

    source: the only one whose tickets it may send, read and cancel; None for any. teams: groups whose items it works
    on, such as "team:cards"; none: all.
    """

    id: str
    name: str
    scopes: tuple[Scope, ...]
    digest: str
    created: int
    revoked: int | None = None
    former_digest: str | None = None
    former_until: int | None = None
    source: str | None = None
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request. id: the key's, stable over rotations; "" where the API is open. source, teams: its own."""

    id: str
    name: str
    scopes: frozenset[Scope]
    source: str | None = None
    teams: tuple[str, ...] = ()

    def covers(self, source: str) -> bool:
        """Whether tickets of this source are within its reach."""
        return self.source in (None, source)


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """What is known about a request's key. caller: None when the key is unknown. keys: how many were ever made.

    limited: the key has used up its minute, which ends in `wait_ms`.
    """

    caller: Caller | None
    keys: int
    limited: bool = False
    wait_ms: int = 0


class ApiKeys:
    """The keys in the store. given: whole keys of the environment, with every scope and any shape.

    tiers: names of the models at work, which no key may take.
    """

    def __init__(self, store: Store, given: Sequence[str] = (), tiers: Sequence[str] = ()) -> None:
        self.store = store
        self._tiers = frozenset(tiers)
        self._given = [(sha256(key.encode()).hexdigest(), key) for key in given]

    async def create(
        self, name: str, scopes: Sequence[Scope], source: str | None = None, teams: Sequence[str] = ()
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which is shown this once. Raises `ValueError` for what cannot be one."""
        if not _NAME.fullmatch(name):
            raise ValueError(_("a key's name is 1 to 40 of A-Z a-z 0-9 . _ @ + -"))
        refuse_system_name(name, self._tiers)
        if not scopes:
            raise ValueError(_("a key without a scope may do nothing: choose one at least"))
        if source is not None and not 1 <= len(source) <= 64:
            raise ValueError(_("a source has 1 to 64 characters"))
        if source is not None and not _OF_ONE_SOURCE.issuperset(scopes):
            raise ValueError(_("a key of one source may have tickets:write and tickets:read, and nothing else"))
        if teams and set(scopes) != {Scope.INBOX}:
            raise ValueError(_("a key of teams may have inbox, and nothing else"))
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        chosen = tuple(sorted(set(scopes)))
        key = ApiKey(key_id, name, chosen, digest(secret), await self.store.now_ms(), source=source, teams=tuple(teams))
        await self._keep(key)
        return key, f"dk_{key_id}_{secret}"

    async def rotate(self, key_id: str, grace_seconds: float) -> tuple[ApiKey, str]:
        """A new secret under the same id; the one before it stays good for `grace_seconds`."""
        key, secret = await self.get(key_id), secrets.token_urlsafe(32)
        until = await self.store.now_ms() + int(grace_seconds * 1000)
        key = replace(key, digest=digest(secret), former_digest=key.digest, former_until=until)
        await self._keep(key)
        return key, f"dk_{key_id}_{secret}"

    async def revoke(self, key_id: str) -> ApiKey:
        """Refuse it from the next request on. Its record stays: an API that had keys is never open again."""
        key = await self.get(key_id)
        if key.revoked is None:
            key = replace(key, revoked=await self.store.now_ms())
            await self._keep(key)
        return key

    async def get(self, key_id: str) -> ApiKey:
        """One key; raises `UnknownApiKey`."""
        stored = (await self.store.fields(keys.API_KEYS)).get(key_id)
        if stored is None:
            raise UnknownApiKey(key_id)
        return _read(stored)

    async def every(self) -> list[tuple[ApiKey, int | None]]:
        """Every key ever made, oldest first, with the store time of its last use."""
        used = await self.store.fields(keys.API_KEYS_USED)
        known = sorted(map(_read, (await self.store.fields(keys.API_KEYS)).values()), key=lambda key: key.created)
        return [(key, int(used[key.id]) if key.id in used else None) for key in known]

    async def check(self, shown: str | None, per_minute: int | None) -> KeyCheck:
        """Who shows this key, counting the request against its minute. One trip."""
        given = self._given_caller(shown)
        key_id, secret_digest = _parts(shown)
        limit = "" if per_minute is None else str(per_minute)
        if given is not None:
            count = 0 if per_minute is None else await self.store.tick(keys.rate(f"key:{given.id}"), 60)
            return KeyCheck(given, len(self._given), per_minute is not None and count > per_minute, 60_000)
        made, record, outcome, wait_ms = await self.store.run("use_key", "", key_id, secret_digest, limit)
        total = int(made) + len(self._given)
        if not record:
            return KeyCheck(None, total)
        key = _read(record)
        fits = hmac.compare_digest(key.digest, secret_digest)
        if not fits and not hmac.compare_digest(key.former_digest or "", secret_digest):
            return KeyCheck(None, total)
        caller = Caller(key.id, key.name, frozenset(key.scopes), key.source, key.teams)
        return KeyCheck(caller, total, outcome == "limited", int(wait_ms))

    async def spend(self, caller: Caller, count: int, per_minute: int | None) -> int:
        """Count so many tickets of one request towards the key's minute. Returns how many of them are within it."""
        if per_minute is None or not caller.id:
            return count
        used = await self.store.tick(keys.rate(f"key:{caller.id}"), 60, count)
        return max(0, min(count, per_minute - (used - count)))

    async def exist(self) -> bool:
        """Whether a key was ever made or given."""
        return bool(self._given) or bool(await self.store.fields(keys.API_KEYS))

    def _given_caller(self, shown: str | None) -> Caller | None:
        shown_digest = sha256((shown or "").encode("utf-8", "surrogateescape")).hexdigest()
        fits = [known for known, _ in self._given if hmac.compare_digest(known, shown_digest)]
        return Caller(f"env{fits[0][:12]}", "environment", frozenset(Scope)) if fits else None

    async def _keep(self, key: ApiKey) -> None:
        values = {name: value for name, value in asdict(key).items() if value is not None}
        await self.store.put(keys.API_KEYS, {key.id: json.dumps(values, ensure_ascii=False)})


def digest(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode()).hexdigest()


def _parts(shown: str | None) -> tuple[str, str]:
    found = _SHAPE.fullmatch(shown or "")
    return (found[1], digest(found[2])) if found else ("", "")


@lru_cache(maxsize=1000)  # one for each request
def _read(stored: str) -> ApiKey:
    values = json.loads(stored)
    scopes, teams = tuple(Scope(scope) for scope in values["scopes"]), tuple(values.get("teams", ()))
    return ApiKey(**{**values, "scopes": scopes, "teams": teams})
