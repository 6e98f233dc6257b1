"""The people who may sign in: names, roles and argon2id hashes. The first admin comes by command line."""

import asyncio
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from fallbacks.access.names import refuse_system_name
from fallbacks.access.roles import Role
from fallbacks.errors import UnknownUser, UserExists
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.language import _

LEAST_PASSWORD_CHARS = 10
MOST_PASSWORD_CHARS = 200
"""Hashing takes its time: nobody may make it longer."""

HASHES_AT_ONCE = 2
"""Each takes 64 MiB; more than this wait their turn."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class User:
    """One person. created_ms: store time. generation: a new one with each password; sessions of another are over.

    subject: how the identity provider knows them; "" for who signs in by password. invited: they have none yet.
    totp: the secret of their second factor, "" for none. teams: groups whose items they work on, such as "team:cards";
    none: all.
    """

    name: str
    role: Role
    created_ms: int
    generation: str = field(default="", repr=False)
    subject: str = ""
    invited: bool = False
    totp: str = field(default="", repr=False)
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Stored:
    """generation: absent from what was stored before there were any."""

    hash: str
    role: str
    created_ms: int
    generation: str = ""
    subject: str = ""
    totp: str = ""
    teams: Sequence[str] = ()

    def user(self, name: str) -> User:
        invited, teams = not self.hash and not self.subject, tuple(self.teams)
        return User(name, Role(self.role), self.created_ms, self.generation, self.subject, invited, self.totp, teams)


class Users:
    """People in the store's hash `users`. tiers: names of the models at work, which no person may take."""

    def __init__(self, store: Store, hasher: PasswordHasher | None = None, tiers: Sequence[str] = ()) -> None:
        self._store = store
        self._tiers = frozenset(tiers)
        self._hasher = hasher or PasswordHasher()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)

    async def create(self, name: str, password: str, role: Role) -> User:
        """Add a person. Raises `UserExists`, or `ValueError` naming what is wrong with name or password."""
        self._check(name)
        return await self._add(name, role, hashed=await self._hash(password))

    async def invite(self, name: str, role: Role) -> User:
        """Add a person who chooses a password later. Raises as `create`."""
        self._check(name)
        return await self._add(name, role)

    async def provided(self, name: str, role: Role, subject: str, teams: Sequence[str] | None = None) -> User:
        """The person whom the identity provider knows by `subject`, added or with the role and the teams of now. teams:
        None where the provider says none of anybody.

        Raises `ValueError` for a name that is another person's here: who signs in by password stays who they are.
        """
        self._check(name)
        stored = (await self._all()).get(name)
        if stored is None:
            return await self._add(name, role, subject=subject, teams=teams or ())
        if stored.subject != subject:
            raise ValueError(
                _("%(name)s is the name of somebody else here; an admin may remove that one first", name=repr(name))
            )
        same = stored.role == role.value and teams in (None, stored.user(name).teams)
        return stored.user(name) if same else await self.change(name, role=role, teams=teams)

    async def change(
        self,
        name: str,
        *,
        password: str | None = None,
        role: Role | None = None,
        totp: str | None = None,
        teams: Sequence[str] | None = None,
    ) -> User:
        """Give a person a new password, which ends all their sessions, a role, a second factor ("" takes it away), or
        teams (none: all).

        Raises `UnknownUser`, or `ValueError` naming what is wrong with the password.
        """
        old = await self._stored(name)
        new = replace(old, role=(role or Role(old.role)).value, totp=old.totp if totp is None else totp)
        new = new if teams is None else replace(new, teams=tuple(teams))
        if password is not None:
            if old.subject:
                raise ValueError(
                    _("%(name)s signs in at the identity provider and has no password here", name=repr(name))
                )
            new = replace(new, hash=await self._hash(password), generation=_generation())
        return await self._keep(name, new)

    async def end_sessions(self, name: str) -> User:
        """Sign a person out everywhere. Raises `UnknownUser`."""
        return await self._keep(name, replace(await self._stored(name), generation=_generation()))

    async def reset(self, name: str) -> User:
        """Take a person's password and second factor away, and end their sessions. Raises `UnknownUser`."""
        return await self._keep(name, replace(await self._stored(name), hash="", totp="", generation=_generation()))

    def _check(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(
                _("a name is 1 to 64 of a-z, 0-9, '.', '_', '@' and '-', and starts with a letter or digit")
            )
        refuse_system_name(name, self._tiers)

    async def _add(
        self, name: str, role: Role, *, hashed: str = "", subject: str = "", teams: Sequence[str] = ()
    ) -> User:
        stored = _Stored(hashed, role.value, await self._store.now_ms(), _generation(), subject, teams=tuple(teams))
        if not await self._store.run("create_user", "", name, json.dumps(asdict(stored))):
            raise UserExists(name)
        return stored.user(name)

    async def _stored(self, name: str) -> _Stored:
        if (found := (await self._all()).get(name)) is None:
            raise UnknownUser(name)
        return found

    async def _keep(self, name: str, stored: _Stored) -> User:
        await self._store.put(keys.USERS, {name: json.dumps(asdict(stored))})
        return stored.user(name)

    async def remove(self, name: str) -> None:
        """Take a person off the list; their sessions end with it. Raises `UnknownUser`."""
        if name not in await self._all():
            raise UnknownUser(name)
        await self._store.put(keys.USERS, {name: None})

    async def get(self, name: str) -> User | None:
        """One person, None where there is no such name."""
        stored = (await self._all()).get(name)
        return None if stored is None else stored.user(name)

    async def everybody(self) -> list[User]:
        """Everybody, by name."""
        return [row.user(name) for name, row in sorted((await self._all()).items())]

    async def verified(self, name: str, password: str) -> User | None:
        """The person whose password this is, else None. An unknown name takes as long as a wrong password."""
        stored = (await self._all()).get(name)
        right = await self._matches((stored and stored.hash) or await self._nobody(), password)
        return stored.user(name) if stored and stored.hash and right else None

    async def _all(self) -> dict[str, _Stored]:
        return {name: _Stored(**json.loads(row)) for name, row in (await self._store.fields(keys.USERS)).items()}

    async def _hash(self, password: str) -> str:
        if not LEAST_PASSWORD_CHARS <= len(password) <= MOST_PASSWORD_CHARS:
            raise ValueError(
                _(
                    "a password has %(least)s to %(most)s characters",
                    least=LEAST_PASSWORD_CHARS,
                    most=MOST_PASSWORD_CHARS,
                )
            )
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _matches(self, hashed: str, password: str) -> bool:
        if len(password) > MOST_PASSWORD_CHARS:
            return False
        async with self._hashing:
            try:
                return await asyncio.to_thread(self._hasher.verify, hashed, password)
            except (VerifyMismatchError, InvalidHashError):
                return False

    async def _nobody(self) -> str:
        async with self._hashing:
            return await asyncio.to_thread(lambda: self._nobodys_hash)

    @cached_property
    def _nobodys_hash(self) -> str:
        return self._hasher.hash("the password of nobody")


def _generation() -> str:
    return secrets.token_hex(8)
