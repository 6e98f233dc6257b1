"""How an address is named in the store's keys."""

from hashlib import sha256


def address_digest(email: str) -> str:
    """The same for an address however it is written."""
    return sha256(email.strip().lower().encode()).hexdigest()[:32]
