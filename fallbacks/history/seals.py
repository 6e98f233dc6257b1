"""Who signs what auditors rely on: exports, receipts of erasure, and the chain of history."""

from typing import Protocol


class Sealer(Protocol):
    """The deployment's own key. `ed25519_seals.py` is the real one."""

    @property
    def public(self) -> str:
        """What others know it by: it can check and cannot sign."""
        ...

    def seal(self, what: bytes) -> str:
        """A signature."""
        ...

    def pseudonym(self, what: str) -> str:
        """A digest that only the holder of the key can make: whoever asks about a person can be answered, and nobody
        can try names against it.
        """
        ...


class SealCheck(Protocol):
    """Checks a signature by a public key."""

    def __call__(self, public: str, what: bytes, seal: str) -> bool: ...
