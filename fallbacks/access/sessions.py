"""Sessions: who is behind a cookie. The store keeps only digests of tokens; guessing is slowed down."""

import json
import secrets
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic

from fallbacks.access.users import User, Users
from fallbacks.errors import SignInThrottled
from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
from fallbacks.store.port import Store, lua_header

SESSION_SECONDS = 12 * 3600
"""A working day; then one signs in again."""

IDLE_SECONDS = 2 * 3600
"""Nobody has asked for anything for so long: who comes next may be somebody else."""

USED_SECONDS = 60.0
"""How often it is written down that a session is used."""

LASTS = {"ttl_ms": SESSION_SECONDS * 1000, "idle_ms": IDLE_SECONDS * 1000}

UNKNOWN = "(no such name)"
"""Kept in the log for a name that is nobody's: people type passwords into the wrong field."""

WINDOW_SECONDS = 300
TRIES_PER_NAME = 10
TRIES_PER_CLIENT = 100
"""In one window, right or wrong, from one address: a stranger elsewhere keeps nobody out. An office may share one."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open session. notes: small texts the console keeps with it, such as what can be undone."""

    digest: str
    user: User
    notes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as a list shows it. at_ms: when it began. client: the address from which."""

    digest: str
    at_ms: int
    client: str


class Sessions:
    """Sign in, know again, sign out."""

    def __init__(self, store: Store, users: Users) -> None:
        self._store = store
        self._users = users
        self._log = Control(store)
        self._used = dict[str, float]()

    async def checked(self, name: str, password: str, client: str) -> User | None:
        """Who this is, or None where name or password is wrong. Raises `SignInThrottled`."""
        name = name.strip().lower()
        await self._tried(f"client:{client}", TRIES_PER_CLIENT, client)
        await self._tried(f"name:{name}\0{client}", TRIES_PER_NAME, client)
        user = await self._users.verified(name, password)
        if user is None:
            known = await self._users.get(name) is not None
            await self._log.signed(name if known else UNKNOWN, "refused", client)
        return user

    async def tried_code(self, name: str, client: str) -> None:
        """Count a try at a second factor. Raises `SignInThrottled`."""
        await self._tried(f"code:{name}\0{client}", TRIES_PER_NAME, client)

    async def refused(self, name: str, client: str) -> None:
        """Write down that somebody got no further."""
        await self._log.signed(name, "refused", client)

    async def open(self, user: User, client: str) -> str:
        """A new session's token."""
        await self._log.signed(user.name, "opened", client)
        token = secrets.token_urlsafe(32)
        header = lua_header({**LASTS, "of": user.name})
        fields = ("user", user.name, "generation", user.generation, "client", client)
        await self._store.run("session", "", _digest(token), header, *fields)
        return token

    async def open_ones(self, user: User) -> list[Opened]:
        """A person's sessions that are open, newest first."""
        since = await self._store.ranked(keys.sessions_of(user.name), 0, -1)
        found = [(digest, int(at), await self._store.fields(keys.session(digest))) for digest, at in reversed(since)]
        return [
            Opened(digest, at, notes.get("client", ""))
            for digest, at, notes in found
            if notes.get("generation") == user.generation
        ]

    async def of(self, token: str) -> Session | None:
        """The session of a token; None where there is none, or its time, its password or its person is gone."""
        digest = _digest(token)
        notes = await self._store.fields(keys.session(digest))
        user = await self._users.get(notes["user"]) if "user" in notes else None
        return Session(digest, user, notes) if user and user.generation == notes.get("generation", "") else None

    async def used(self, session: Session) -> None:
        """Its person is there: it goes on."""
        now = monotonic()
        if now - self._used.get(session.digest, -USED_SECONDS) < USED_SECONDS:
            return
        self._used = {digest: at for digest, at in self._used.items() if now - at < USED_SECONDS} | {
            session.digest: now
        }
        await self._store.run("session", "", session.digest, lua_header({**LASTS, "used": True}))

    async def keep(self, session: Session, note: str, value: str) -> None:
        """Keep a small text with a session that is still open."""
        await self._store.run("session", "", session.digest, "{}", note, value)

    async def sign_out(self, session: Session) -> None:
        """End a session; its token is worth nothing from now on."""
        await self._store.run("session", "", session.digest, json.dumps({"ended": True}))
        await self._log.signed(session.user.name, "ended", "")

    async def _tried(self, who: str, most: int, client: str) -> None:
        tries = await self._store.tick(keys.sign_ins(_digest(who)), WINDOW_SECONDS)
        if tries == most + 1:  # once in a window: a flood is one line
            await self._log.signed(UNKNOWN, "throttled", client)
        if tries > most:
            raise SignInThrottled(WINDOW_SECONDS)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
