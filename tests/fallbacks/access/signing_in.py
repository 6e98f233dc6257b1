"""Signing in as the console does it."""

from fallbacks.access.sessions import Sessions


async def sign_in(sessions: Sessions, name: str, password: str, client: str) -> str | None:
    """A new session's token; None where name or password is wrong."""
    user = await sessions.checked(name, password, client)
    return None if user is None else await sessions.open(user, client)
