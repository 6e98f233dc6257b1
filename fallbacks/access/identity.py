"""Signing in at the identity provider of a company: the port, and what becomes of who comes from there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fallbacks.access.roles import Role


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun. address: where the browser goes. state, nonce, verifier: to be shown again."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who came back. subject: the provider's own name of them, never given to another; issuer and id together."""

    subject: str
    name: str
    groups: tuple[str, ...]


class IdentityFault(Exception):
    """The provider did not answer, or not as it must. text: for the log and, translated, for who signs in, filled with
    values.
    """

    def __init__(self, text: str, **values: str) -> None:
        super().__init__(text % values)
        self.text, self.values = text, values


class IdentityProvider(Protocol):
    """OpenID Connect: the code flow with PKCE."""

    @property
    def name(self) -> str:
        """As the button calls it."""
        ...

    async def begin(self) -> Begun:
        """Where to send a browser. Raises `IdentityFault`."""
        ...

    async def finish(self, code: str, begun: Mapping[str, str]) -> Identity:
        """Who came back with this code. begun: nonce and verifier of `begin`. Raises `IdentityFault`."""
        ...


def role_of(groups: Sequence[str], roles: Mapping[str, Role]) -> Role | None:
    """The highest role of a person's groups; None where none of them has one."""
    given = {roles[group] for group in groups if group in roles}
    return max(given, key=list(Role).index, default=None)


def teams_of(groups: Sequence[str], teams: Mapping[str, Sequence[str]]) -> tuple[str, ...] | None:
    """For whom a person of these groups works; () for all, None where the provider says nothing of teams."""
    return tuple(sorted({team for group in groups for team in teams.get(group, ())})) if teams else None
