"""The second factor of people who sign in by password: six digits of an authenticator app (RFC 6238)."""

from pyotp import TOTP, random_base32

from fallbacks.store import keys
from fallbacks.store.port import Store

ISSUER = "Deskhand"
STEP_SECONDS = 30
WINDOW = 1
"""Steps before and after this one that are taken, too: clocks of phones are not ours."""


def new_secret() -> str:
    """160 random bits, as apps take them."""
    return random_base32()


def address_of(secret: str, name: str) -> str:
    """What a QR code says to an app."""
    return TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


class SecondFactors:
    """Over a store, whose time counts and which remembers codes that were used."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def right(self, name: str, secret: str, code: str) -> bool:
        """Whether it is the code of now; the same one is right once."""
        now_s = await self._store.now_ms() // 1000
        typed, totp = "".join(code.split()), TOTP(secret, interval=STEP_SECONDS)
        if not any(totp.verify(typed, for_time=now_s + step * STEP_SECONDS) for step in range(-WINDOW, WINDOW + 1)):
            return False
        used = keys.sign_ins(f"code:{name}:{typed}")
        return await self._store.tick(used, STEP_SECONDS * (2 * WINDOW + 1)) == 1
